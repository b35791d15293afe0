package succession

import (
	"context"
	"io/fs"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/farewell"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/closing/wave"
	"entrechat/internal/room/succession/pack"
)

// closingWords are the sentences of closings.
func closingWords() []fs.FS {
	return []fs.FS{closing.Words, choice.Words, farewell.Words, paper.Words, wave.Words}
}

func closingCommands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	return closing.Commands(p, console.Part(open, func(r *Room) *closing.Service { return r.Closings }))
}

func (r *Room) openClosings() *closing.Service {
	rules := stage.Usual()
	if r.Private {
		rules = stage.Private()
	}
	return closing.New(closing.Needs{
		DB: r.DB, Signer: r.Signer, Book: r.Book, Calls: r.Peer, Promises: r.Promises, Rules: rules, Words: r.Words, URL: r.URL, Disk: disk{r.Dir},
		Restores: func() (closing.Restores, bool) { return restores{r.Pack}, true }, Ask: r.Asks, Now: r.Now, Log: r.Log,
	})
}

// Closing says whether a service of ours ends, or has ended, and its last day, "2026-12-24".
func (r *Room) Closing(ctx context.Context, service string) (lastDay string, closing bool, err error) {
	return r.Closings.Closing(ctx, service)
}

// farewells are the pages of the users.
func (r *Room) farewells(site *web.Site) web.Pages {
	return farewell.Needs{
		Closings: r.Closings, Promises: r.Promises, Self: r.Signer.ID(), URL: r.URL, Address: r.Book.URL, Saved: r.saved, Silences: r.Silence, Now: r.Now, Accounts: r.Asks.Accounts,
	}.Pages(site)
}

// saved is what is known here of the saved data of a service: of ours what the vault says, of
// another's when its pack says that the data was restored last.
func (r *Room) saved(ctx context.Context, owner core.MemberID, service string) (s farewell.Save, err error) {
	if owner != r.Signer.ID() {
		held, _, err := r.Pack.Held(ctx, owner, service)
		for _, item := range held.Items {
			if item.Name == pack.Data {
				s.Proved = item.Proved
			}
		}
		if core.CodeOf(err) == core.CodeNotFound {
			err = nil
		}
		return s, err
	}
	backups, ok := r.Asks.Backups()
	named, err := r.Promises.Last(ctx, owner, service)
	if core.CodeOf(err) == core.CodeNotFound {
		return s, nil
	}
	if err != nil || !ok {
		return s, err
	}
	for _, b := range named.Backups {
		_, newest, err := backups.Saved(ctx, b)
		if err != nil {
			return farewell.Save{}, nil //nolint:nilerr // nobody can say, so the page says that
		}
		if s.Newest == 0 || newest < s.Newest {
			s.Newest = newest
		}
	}
	return s, nil
}

// restores is what packs know of restores, as handovers ask it.
type restores struct{ packs *pack.Service }

func (p restores) Restored(ctx context.Context, owner core.MemberID, service string) (id string, at core.Moment, err error) {
	return p.packs.LastEqual(ctx, owner, service)
}

func (p restores) PackID(ctx context.Context, owner core.MemberID, service string) (string, error) {
	held, _, err := p.packs.Held(ctx, owner, service)
	return held.ID, err
}

// disk is where the node's data lies: what is taken over is assumed to come there.
type disk struct{ dir string }

// Room is the free space in bytes, and how busy the processors are, in percent; 0 where the system
// does not say.
func (d disk) Room() (free, load int64, err error) {
	size, err := blob.OpenMarked(d.dir, blob.Mark{}).Free()
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if first, _, ok := strings.Cut(string(text), " "); ok {
			if f, err := strconv.ParseFloat(first, 64); err == nil {
				load = int64(f * 100 / float64(runtime.NumCPU()))
			}
		}
	}
	return int64(size), load, err
}
