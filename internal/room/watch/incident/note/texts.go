package note

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/peer"
)

// Path is where members fetch a text by its name.
const Path = "/ec/v1/watch/notes"

// Bounds of what is fetched.
const (
	maxHeld   = 20 << 20 // bytes of one other member's texts
	maxTries  = 30
	perRound  = 20
	firstWait = time.Minute
	longWait  = 24 * time.Hour
	patience  = 10 * time.Second
	wholeCall = 20 * time.Second
	unsaidFor = 7 * 24 * time.Hour // before a text of ours that no entry names is dropped
)

// Calls reaches members; peer.Client is one.
type Calls interface {
	Do(ctx context.Context, to core.MemberID, r peer.Request) (*http.Response, error)
}

// Needs is what texts are made of. Calls, Sources and Shown may be nil.
type Needs struct {
	DB   *db.DB // with the room's tables
	Self core.MemberID
	// Calls nil: nothing is fetched.
	Calls Calls
	// Sources are members that may hold a member's texts beside itself, as its voters.
	Sources func(ctx context.Context, owner core.MemberID) ([]core.MemberID, error)
	// Shown says whose pages this node shows; nil = everybody's.
	Shown func(ctx context.Context, owner core.MemberID) (bool, error)
	Now   func() time.Time
	Log   *slog.Logger
}

// Texts keeps and fetches documents. Safe for concurrent use.
type Texts struct{ n Needs }

// New makes it.
func New(n Needs) *Texts { return &Texts{n} }

func (t *Texts) now() core.Moment { return core.At(t.n.Now()) }

// Add stores a text of ours before its entry is written, and says its name and size: what
// an entry names is always there.
func (t *Texts) Add(ctx context.Context, d Document) (name string, size int64, err error) {
	body, name, err := Encode(d)
	if err != nil {
		return "", 0, err
	}
	return name, int64(len(body)), put(ctx, t.n.DB, kept{Name: name, Owner: t.n.Self, Body: body, State: Held}, t.now())
}

// Want notes that an entry of a member names a text; the job fetches it.
func (t *Texts) Want(ctx context.Context, q db.Querier, owner core.MemberID, name string) error {
	if !IsName(name) {
		return nil
	}
	return want(ctx, q, name, owner, t.now())
}

// Withdraw forgets a text and keeps it from coming back. With an owner it concerns the text
// of that member only, as its entry says; without one it is this node's own decision.
func (t *Texts) Withdraw(ctx context.Context, q db.Querier, owner core.MemberID, name string) error {
	return withdraw(ctx, q, name, owner, t.now())
}

// Text is a document with how it stands here; the document is zero unless it is Held.
type Text struct {
	Document
	State State `json:"state"`
}

// All reads several texts of a member by their names; one that nobody named is Wanted.
func (t *Texts) All(ctx context.Context, owner core.MemberID, names []string) (map[string]Text, error) {
	rows, err := ofOwner(ctx, t.n.DB, owner, names)
	if err != nil {
		return nil, err
	}
	out := map[string]Text{}
	for name, k := range rows {
		one := Text{State: k.State}
		if k.State == Held {
			if one.Document, err = Decode(k.Body); err != nil {
				one.State = Broken
			}
		}
		out[name] = one
	}
	return out, nil
}

// Routes are what members fetch texts by.
func (t *Texts) Routes() []peer.Route {
	return []peer.Route{{Pattern: "GET " + Path + "/{sha256}", Handle: t.serve}}
}

func (t *Texts) serve(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	name := r.PathValue("sha256")
	if !IsName(name) {
		return core.NotFound("watch.incident.no_note", errors.New("no name of a text"))
	}
	rows, err := byName(r.Context(), t.n.DB, name)
	if err != nil {
		return err
	}
	var found *kept
	for _, k := range rows {
		if k.State == Withdrawn && (k.Owner == "" || k.Owner == t.n.Self) {
			return core.NotFound("watch.incident.note_withdrawn", errors.New("withdrawn"))
		}
		if k.State == Held {
			found = &k
		}
	}
	if found == nil {
		return core.NotFound("watch.incident.no_note", errors.New("not here"))
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(found.Body)
	return err
}

// Jobs fetch what is wanted.
func (t *Texts) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "watch-notes", Every: 10 * time.Second, Jitter: 3 * time.Second, Run: t.Fetch}}
}

// Fetch fetches texts that are due, from who wrote them or from who may hold them: the
// hash says that it is the right one. One that cannot be had now waits, longer each time.
func (t *Texts) Fetch(ctx context.Context) error {
	if err := dropUnsaid(ctx, t.n.DB, t.n.Self, t.now().Add(-unsaidFor)); err != nil {
		return err
	}
	if t.n.Calls == nil {
		return nil
	}
	all, err := due(ctx, t.n.DB, t.now(), perRound)
	if err != nil {
		return err
	}
	for _, k := range all {
		if err := t.fetch(ctx, k); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (t *Texts) fetch(ctx context.Context, k kept) error {
	if t.n.Shown != nil {
		if shown, err := t.n.Shown(ctx, k.Owner); err != nil || !shown {
			k.Next = t.now().Add(time.Hour)
			return errors.Join(err, later(ctx, t.n.DB, k))
		}
	}
	size, err := held(ctx, t.n.DB, k.Owner)
	if err != nil {
		return err
	}
	if size < maxHeld {
		done, err := t.ask(ctx, k)
		if err != nil || done {
			return err
		}
	}
	k.Tries++
	wait := longWait
	if k.Tries < 12 { // 2^11 minutes are longer than the longest wait
		wait = min(firstWait<<(k.Tries-1), longWait)
	}
	k.Next = t.now().Add(wait)
	if k.Tries >= maxTries {
		k.Next = t.now().Add(30 * longWait)
	}
	return later(ctx, t.n.DB, k)
}

// ask goes through who may have a text; done says that nobody has to be asked again. Its
// error is our own database's.
func (t *Texts) ask(ctx context.Context, k kept) (done bool, err error) {
	sources := []core.MemberID{k.Owner}
	if t.n.Sources != nil {
		more, err := t.n.Sources(ctx, k.Owner)
		if err != nil {
			return false, err
		}
		sources = append(sources, more...)
	}
	for n, from := range sources {
		if from == t.n.Self || n > 0 && from == k.Owner {
			continue
		}
		body, err := t.call(ctx, from, k.Name)
		if e, ok := errors.AsType[*core.Error](err); ok && from == k.Owner && e.Key == "watch.incident.note_withdrawn" {
			return true, withdraw(ctx, t.n.DB, k.Name, k.Owner, t.now())
		}
		if err != nil {
			t.n.Log.Debug("a text was not to be had", "member", from, "error", err)
			continue
		}
		k.Body, k.State = body, Held
		if _, err := Decode(body); err != nil {
			k.Body, k.State = []byte{}, Broken
		}
		return true, put(ctx, t.n.DB, k, t.now())
	}
	return false, nil
}

// call fetches a text and holds it against its name.
func (t *Texts) call(ctx context.Context, from core.MemberID, name string) (body []byte, err error) {
	answer, err := t.n.Calls.Do(ctx, from, peer.Request{
		Method: http.MethodGet, Path: Path + "/" + name, Limit: MaxDocument, Patience: patience, Total: wholeCall,
	})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if body, err = readAll(answer); err != nil {
		return nil, err
	}
	if Name(body) != name {
		return nil, fmt.Errorf("%s answered another text than %.8s", from, name)
	}
	return body, nil
}

func readAll(answer *http.Response) ([]byte, error) {
	return io.ReadAll(io.LimitReader(answer.Body, MaxDocument+1))
}
