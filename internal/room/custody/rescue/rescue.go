package rescue

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/share"
)

const (
	maxWellKnown = 64 << 10 // bytes
	maxFile      = 64 << 10
	maxHolders   = share.MaxN
	// patience is how long an ask is open beyond two waits.
	patience = 30 * 24 * time.Hour
	longest  = 120 * 24 * time.Hour
	// oneMember is how long one of them may take to answer.
	oneMember = 30 * time.Second
)

// Line carries calls to members, by their addresses.
type Line interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
	// Fetch gets a public document.
	Fetch(ctx context.Context, address string, limit int64) ([]byte, http.Header, error)
}

// Needs is what a rescue is made of; all of it is required.
type Needs struct {
	// Line makes the line for the members at these addresses, which may grow.
	Line   func(at Addresses) Line
	Read   func(env seal.Envelope) (collect.Deal, error)
	Unseal func(with age.Identity, deal share.ID, sealed []byte) ([]byte, error)
	Now    func() time.Time
}

// Addresses are where members are. It is a peer.Keyring of members whose keys nobody needs.
type Addresses map[core.MemberID]string

// Keys returns CodeNotFound: what members answer is judged by what it opens.
func (a Addresses) Keys(context.Context, core.MemberID) ([]ed25519.PublicKey, error) {
	return nil, core.NotFound("custody.rescue.no_member", errors.New("no keys are known"))
}

// URL is where a member is. Returns CodeNotFound.
func (a Addresses) URL(_ context.Context, id core.MemberID) (string, error) {
	if url := a[id]; url != "" {
		return url, nil
	}
	return "", core.NotFound("custody.rescue.no_member", errors.New("no address is known"))
}

// Wish is what somebody types who lost everything.
type Wish struct {
	Origin  core.MemberID // who they were
	Scope   string
	Reason  ask.Reason
	Purpose string
	From    []string // addresses of members
	Paper   []share.Share
	BoxOf   core.MemberID // whose copy of the box is opened; empty = the one that most holders gave
}

// file is what is kept between two runs. It opens the shares.
type file struct {
	Identity  string        `json:"identity"` // AGE-SECRET-KEY-...
	Ask       seal.Envelope `json:"ask"`
	Addresses Addresses     `json:"addresses"`
}

// Rescue is one rescue.
type Rescue struct {
	n    Needs
	path string
}

// New makes the rescue that lies in a file, or will.
func New(n Needs, path string) *Rescue { return &Rescue{n, path} }

// Run asks, or goes on with the ask that lies in the file: it fetches what was released, and
// gives what the box holds to deliver once there is enough. Returns CodeNotFound
// "custody.rescue.nobody_holds", CodeConflict "custody.rescue.other_ask" where the file is
// about another box.
func (r *Rescue) Run(ctx context.Context, w Wish, deliver func(content []byte) error) (collect.Collected, error) {
	f, s, err := r.load(w)
	if core.CodeOf(err) == core.CodeNotFound {
		f, s, err = r.begin(ctx, w)
	}
	if err != nil {
		return collect.Collected{}, err
	}
	identity, err := age.ParseX25519Identity(f.Identity)
	if err != nil {
		return collect.Collected{}, core.Invalid("custody.rescue.bad_file", errors.New("no age identity")).With("File", r.path)
	}
	p := collect.Puzzle{ID: s.ID, Words: s.Words(), Deal: s.Deal, Identity: identity, Read: r.n.Read, Unseal: r.n.Unseal, Paper: w.Paper, BoxOf: w.BoxOf}
	if err := r.fetch(ctx, w, &f, &p); err != nil {
		return collect.Collected{}, err
	}
	content, c, err := p.Solve()
	if err != nil || content == nil {
		return c, err
	}
	c.Opened = true
	return c, deliver(content)
}

// load reads the file. Returns CodeNotFound when there is none.
func (r *Rescue) load(w Wish) (f file, s ask.Signed, err error) {
	text, err := seal.ReadSecret(r.path)
	if err != nil {
		return f, s, err
	}
	if len(text) > maxFile || json.Unmarshal(text, &f) != nil {
		return f, s, core.Invalid("custody.rescue.bad_file", errors.New("not what was written")).With("File", r.path)
	}
	if s, err = ask.Read(f.Ask); err != nil {
		return f, s, err
	}
	if s.Owner != w.Origin || s.Scope != w.Scope {
		return f, s, core.Conflict("custody.rescue.other_ask", errors.New("another ask")).With("File", r.path).With("Owner", string(s.Owner)).With("Scope", s.Scope)
	}
	return f, s, nil
}

func (r *Rescue) save(f file) error {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write down an ask: %w", err)
	}
	return seal.ReplaceSecret(r.path, append(text, '\n'))
}

// begin makes the ask. It is in the file before anybody hears of it.
func (r *Rescue) begin(ctx context.Context, w Wish) (f file, s ask.Signed, err error) {
	if len(w.From) == 0 {
		return f, s, core.Invalid("custody.rescue.from", errors.New("no address"))
	}
	f.Addresses = Addresses{}
	d, err := r.whichDeal(ctx, w, f.Addresses)
	if err != nil {
		return f, s, err
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return f, s, err
	}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return f, s, err
	}
	now := core.At(r.n.Now())
	s, err = ask.Sign(ask.Ask{
		Deal: d.ID, Owner: w.Origin, Scope: w.Scope, Reason: w.Reason, Purpose: w.Purpose, Role: ask.AsDomain, Asker: w.Origin,
		Key: base64.StdEncoding.EncodeToString(public), Recipient: identity.Recipient().String(), Made: now, Expires: now.Add(min(2*d.Wait+patience, longest)),
	}, seal.NewSigner(w.Origin, key))
	if err != nil {
		return f, s, err
	}
	f.Identity, f.Ask = identity.String(), s.Document
	return f, s, r.save(f)
}

// whichDeal asks members which deals of ours they keep shares of; the one that most name counts,
// with the longest wait that anybody tells: an ask that is over too early opens nothing.
func (r *Rescue) whichDeal(ctx context.Context, w Wish, at Addresses) (best collect.Deal, err error) {
	if err := r.find(ctx, w.From, at); err != nil {
		return best, err
	}
	line, votes, waits := r.n.Line(at), map[share.ID]int{}, map[share.ID]time.Duration{}
	var problems error
	for _, m := range slices.Sorted(maps.Keys(at)) {
		var answer collect.HeldAnswer
		if err := line.JSON(ctx, m, http.MethodPost, collect.PathHeld, collect.HeldMessage{Owner: w.Origin}, &answer); err != nil {
			problems = errors.Join(problems, err)
			continue
		}
		for _, h := range answer.Deals {
			d, ok := h.Claim(w.Origin)
			if !ok || d.Scope != w.Scope {
				continue
			}
			waits[d.ID] = max(waits[d.ID], d.Wait)
			if votes[d.ID]++; votes[d.ID] > votes[best.ID] {
				best = d
			}
		}
	}
	if best.ID == "" {
		return best, core.NotFound("custody.rescue.nobody_holds", errors.Join(errors.New("no deal"), problems)).With("Origin", string(w.Origin)).With("Scope", w.Scope)
	}
	best.Wait = waits[best.ID]
	return best, nil
}

// find reads who is at the addresses.
func (r *Rescue) find(ctx context.Context, from []string, at Addresses) error {
	var problems error
	for _, address := range from {
		address = strings.TrimSuffix(strings.TrimSpace(address), "/")
		if !strings.Contains(address, "://") {
			address = "https://" + address
		}
		text, _, err := r.n.Line(at).Fetch(ctx, address+"/.well-known/entrechat.json", maxWellKnown)
		var known struct {
			Origin core.MemberID `json:"origin"`
		}
		if err == nil {
			err = wire.Peek(text, &known)
		}
		if err == nil && !known.Origin.Valid() {
			err = errors.New("no member")
		}
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", address, err))
			continue
		}
		at[known.Origin] = address
	}
	if len(at) == 0 {
		return core.Unsure("custody.rescue.silent", problems)
	}
	return nil
}

// fetch brings the ask to all whose address we know, those that were typed first, and fetches what
// they released; those who did name the others.
func (r *Rescue) fetch(ctx context.Context, w Wish, f *file, p *collect.Puzzle) error {
	typed := Addresses{}
	if err := r.find(ctx, w.From, typed); err != nil && len(f.Addresses) == 0 {
		return err
	}
	if f.Addresses == nil {
		f.Addresses = Addresses{}
	}
	maps.Copy(f.Addresses, typed)
	todo, asked := typed, map[core.MemberID]bool{}
	if len(todo) == 0 {
		todo = maps.Clone(f.Addresses)
	}
	for len(todo) > 0 {
		for _, m := range slices.Sorted(maps.Keys(todo)) {
			asked[m] = true
			r.fetchFrom(ctx, m, f, p)
		}
		todo = maps.Clone(f.Addresses)
		maps.DeleteFunc(todo, func(m core.MemberID, _ string) bool { return asked[m] })
	}
	return r.save(*f)
}

func (r *Rescue) fetchFrom(ctx context.Context, from core.MemberID, f *file, p *collect.Puzzle) {
	ctx, cancel := context.WithTimeout(ctx, oneMember)
	defer cancel()
	line := r.n.Line(f.Addresses)
	var h collect.Handed
	err := line.JSON(ctx, from, http.MethodPost, collect.PathAsk, collect.AskMessage{Ask: f.Ask}, nil)
	if err == nil {
		err = line.JSON(ctx, from, http.MethodPost, collect.PathShare, collect.ShareMessage{Ask: p.ID}, &h)
	}
	p.Take(from, h, err)
	for m, url := range h.Holders {
		if m.Valid() && f.Addresses[m] == "" && len(f.Addresses) < maxHolders {
			f.Addresses[m] = url
		}
	}
}
