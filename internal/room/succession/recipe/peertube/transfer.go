package peertube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// States of an archive, and of an import.
const (
	completed = 3
	errored   = 4
)

// poll is how often a server is asked whether it is done.
const poll = 10 * time.Second

func (a account) pause(ctx context.Context) error {
	select {
	case <-time.After(a.poll):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

type export struct {
	ID    int64  `json:"id"`
	State kind   `json:"state"`
	Size  int64  `json:"size"`
	URL   string `json:"privateDownloadUrl"`
}

func (a account) exports(ctx context.Context) ([]export, error) {
	var all struct {
		Data []export `json:"data"`
	}
	_, err := a.Ask(ctx, recipe.Call{Path: a.user("exports")}, &all)
	return all.Data, err
}

// unexport deletes the archives at the server, once they are made.
func (a account) unexport(ctx context.Context) error {
	for {
		all, err := a.exports(ctx)
		if err != nil {
			return err
		}
		waiting := false
		for _, e := range all {
			if e.State.ID < completed {
				waiting = true
				continue
			}
			if _, err := a.Do(ctx, recipe.Call{Method: "DELETE", Path: a.user("exports/" + strconv.FormatInt(e.ID, 10))}); err != nil && core.CodeOf(err) != core.CodeNotFound {
				return err
			}
		}
		if !waiting {
			return nil
		}
		if err := a.pause(ctx); err != nil {
			return err
		}
	}
}

// export has the old server make an archive, and brings it here.
func (m *move) export(ctx context.Context, w recipe.Work) (err error) {
	a, err := m.old(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := a.unexport(ctx); err != nil {
		return err
	}
	if _, err := a.Do(ctx, recipe.Call{Method: "POST", Path: a.user("exports/request"), JSON: map[string]bool{"withVideoFiles": true}}); err != nil {
		return err
	}
	e, err := a.made(ctx, w.Unit)
	if err != nil {
		return err
	}
	if err := recipe.Room(ctx, recipe.Local{Called: "here"}, w.Dir, e.Size); err != nil {
		return err
	}
	f, err := os.OpenFile(fetched(w), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write an archive: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := a.Fetch(ctx, recipe.Call{Path: e.URL, Header: http.Header{"Accept": {"*/*"}}}, f, max(e.Size, 0)); err != nil {
		return err
	}
	return f.Sync()
}

// made waits until the archive is made.
func (a account) made(ctx context.Context, person string) (export, error) {
	for {
		all, err := a.exports(ctx)
		if err != nil {
			return export{}, err
		}
		for _, e := range all {
			switch {
			case e.State.ID == completed && e.URL != "" && e.Size > 0 && e.Size <= maxArchive:
				return e, nil
			case e.State.ID >= completed:
				return export{}, core.Unsure("succession.recipe.peertube.export", errors.New("the archive failed")).With("Person", person)
			}
		}
		if len(all) == 0 {
			return export{}, core.Unsure("succession.recipe.peertube.export", errors.New("no archive is there")).With("Person", person)
		}
		if err := a.pause(ctx); err != nil {
			return export{}, err
		}
	}
}

// piece is how much is sent at once.
const piece = 8 << 20

// give sends an archive in pieces, waits for the import, and refuses one with errors inside.
func (a account) give(ctx context.Context, w recipe.Work, name string, size int64) (err error) {
	f, err := os.Open(name)
	if err != nil {
		return core.NotFound("succession.recipe.peertube.archive", err).With("File", name)
	}
	defer f.Close() //nolint:errcheck // only read
	path := a.user("imports/import-resumable")
	r, err := a.Do(ctx, recipe.Call{
		Method: "POST", Path: path, JSON: map[string]string{"filename": "entrechat.zip"},
		Header: http.Header{"X-Upload-Content-Length": {strconv.FormatInt(size, 10)}, "X-Upload-Content-Type": {"application/zip"}},
	})
	if err != nil {
		return err
	}
	at, err := url.Parse(r.Header.Get("Location"))
	if err != nil || at.Query().Get("upload_id") == "" {
		return core.Unsure("succession.recipe.peertube.import", errors.New("no upload_id")).With("Person", w.Unit).With("Said", "no upload_id")
	}
	path += "?" + url.Values{"upload_id": {at.Query().Get("upload_id")}}.Encode()
	buf := make([]byte, piece)
	for from := int64(0); from < size; {
		w.Say(from, size)
		n, err := io.ReadFull(f, buf[:min(piece, size-from)])
		if err != nil {
			return fmt.Errorf("read an archive: %w", err)
		}
		_, err = a.Do(ctx, recipe.Call{
			Method: "PUT", Path: path, Body: buf[:n], Also: []int{http.StatusPermanentRedirect},
			Header: http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, from+int64(n)-1, size)}},
		})
		if err != nil {
			return err
		}
		from += int64(n)
	}
	if err := a.settle(ctx); err != nil {
		return err
	}
	return a.judge(ctx, w.Unit)
}

// imported is the latest import. Servers that do not give the summary leave Result nil.
type imported struct {
	State  kind `json:"state"`
	Result *struct {
		Stats map[string]struct {
			Success    int64 `json:"success"`
			Duplicates int64 `json:"duplicates"`
			Errors     int64 `json:"errors"`
		} `json:"stats"`
	} `json:"resultSummary"`
}

func (a account) latest(ctx context.Context) (i imported, there bool, err error) {
	_, err = a.Ask(ctx, recipe.Call{Path: a.user("imports/latest")}, &i)
	if core.CodeOf(err) == core.CodeNotFound {
		return i, false, nil
	}
	return i, err == nil, err
}

// settle waits until no import is under way.
func (a account) settle(ctx context.Context) error {
	for {
		i, there, err := a.latest(ctx)
		if err != nil || !there || i.State.ID >= completed {
			return err
		}
		if err := a.pause(ctx); err != nil {
			return err
		}
	}
}

// judge refuses an import that failed, and one that completed with errors inside.
func (a account) judge(ctx context.Context, person string) error {
	i, there, err := a.latest(ctx)
	if err != nil {
		return err
	}
	no := func(said string) error {
		return core.Unsure("succession.recipe.peertube.import", errors.New(said)).With("Person", person).With("Said", said)
	}
	if !there || i.State.ID == errored {
		return no("it failed")
	}
	if i.Result == nil {
		return nil // the counts decide
	}
	for _, what := range []string{"videos", "channels", "videoPlaylists", "following"} {
		if s := i.Result.Stats[what]; s.Errors > 0 {
			return no(fmt.Sprintf("%s: %d errors", what, s.Errors))
		}
	}
	return nil
}
