package promise

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// Book is what is needed of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
}

// Trust says who promised us `succeed`.
type Trust interface {
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
}

// Needs is what the promises are made of; all of it is required.
type Needs struct {
	DB    *db.DB
	Self  core.MemberID
	Kind  core.GrantKind // of the promise in pacts
	Book  Book
	Trust Trust
	// Private is a network of tests, where nobody waits to be settled.
	Private bool
	Now     func() time.Time
}

// Promises knows who was named. Safe for concurrent use.
type Promises struct{ n Needs }

// New makes it.
func New(n Needs) *Promises { return &Promises{n} }

// Readers take in what owners say.
func (p *Promises) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "succession_naming", Types: []string{TypeNaming}, Read: p.read,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return drop(ctx, p.n.DB, log, index)
		},
	}}
}

func (p *Promises) read(ctx context.Context, e logbook.Entry) error {
	var n Naming
	if wire.Peek(e.Body, &n) != nil || n.Check(e.Log) != nil {
		return nil //nolint:nilerr // what cannot be read says nothing
	}
	return put(ctx, p.n.DB, heard{n, e.Log, e.Index, e.Iat, core.At(p.n.Now())})
}

// Name says in our logbook who takes a service over, in the order of choice; nobody takes all
// names back. The same again says nothing. Returns what Check does, CodeDenied
// "succession.promise.no_pact" for a member that does not promise us `succeed`.
func (p *Promises) Name(ctx context.Context, n Naming) error {
	if err := n.Check(p.n.Self); err != nil {
		return err
	}
	granted, err := p.n.Trust.Lenders(ctx, p.n.Kind)
	if err != nil {
		return err
	}
	for _, m := range n.Successors {
		if !slices.ContainsFunc(granted, func(l core.Lender) bool { return l.ID == m }) {
			return core.Denied("succession.promise.no_pact", errors.New("no pact with this promise")).With("Member", string(m))
		}
	}
	if n.Backups == nil {
		n.Backups = []string{}
	}
	if n.Successors == nil {
		n.Successors = []core.MemberID{}
	}
	last, err := p.Last(ctx, p.n.Self, n.Service)
	if err == nil && slices.Equal(last.Backups, n.Backups) && slices.Equal(last.Successors, n.Successors) {
		return nil
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	e, err := p.n.Book.Append(ctx, TypeNaming, nil, 0, n)
	if err != nil {
		return err
	}
	return p.read(ctx, e)
}

// Last is what an owner said last of a service. Returns CodeNotFound "succession.promise.unknown".
func (p *Promises) Last(ctx context.Context, owner core.MemberID, service string) (n Naming, err error) {
	all, err := ofOwner(ctx, p.n.DB, owner)
	for _, h := range slices.Backward(all) {
		if h.Service == service {
			return h.Naming, nil
		}
	}
	if err == nil {
		err = core.NotFound("succession.promise.unknown", errors.New("not named")).With("Service", service)
	}
	return n, err
}

// Of lists who an owner names now, by service and rank; of all owners for "". Whether there is a
// pact in force is not asked: between others nobody here knows it.
func (p *Promises) Of(ctx context.Context, owner core.MemberID) ([]Successor, error) {
	all, err := ofOwner(ctx, p.n.DB, owner)
	if err != nil {
		return nil, err
	}
	type key struct {
		owner   core.MemberID
		service string
	}
	now := map[key][]Successor{}
	for _, h := range all {
		k := key{h.owner, h.Service}
		now[k] = follow(now[k], h.owner, h.Naming, max(h.said, h.got))
	}
	var out []Successor
	for _, some := range now {
		out = append(out, some...)
	}
	slices.SortFunc(out, func(a, b Successor) int {
		if c := strings.Compare(string(a.Owner)+"\x00"+a.Service, string(b.Owner)+"\x00"+b.Service); c != 0 {
			return c
		}
		return a.Rank - b.Rank
	})
	return out, nil
}

// OurSuccessors are the members that may take over a service of ours or more: named, and promising
// us `succeed` now.
func (p *Promises) OurSuccessors(ctx context.Context) (out []core.MemberID, err error) {
	named, err := p.Of(ctx, p.n.Self)
	if err != nil || len(named) == 0 {
		return nil, err
	}
	granted, err := p.n.Trust.Lenders(ctx, p.n.Kind)
	for _, l := range granted {
		if slices.ContainsFunc(named, func(s Successor) bool { return s.Member == l.ID }) {
			out = append(out, l.ID)
		}
	}
	return out, err
}

// Ours lists what others name us for, as far as we promise them `succeed` now.
func (p *Promises) Ours(ctx context.Context) ([]Successor, error) {
	all, err := p.Of(ctx, "")
	if err != nil {
		return nil, err
	}
	var out []Successor
	for _, s := range all {
		if s.Member != p.n.Self {
			continue
		}
		allowed, err := p.n.Trust.May(ctx, s.Owner, p.n.Kind)
		if err != nil && core.CodeOf(err) != core.CodeDenied {
			return nil, err
		}
		if err == nil && !allowed.ReadOnly {
			out = append(out, s)
		}
	}
	return out, nil
}

// Ever says whether an owner named a member at any time.
func (p *Promises) Ever(ctx context.Context, owner, member core.MemberID) (bool, error) {
	all, err := ofOwner(ctx, p.n.DB, owner)
	return slices.ContainsFunc(all, func(h heard) bool { return slices.Contains(h.Successors, member) }), err
}
