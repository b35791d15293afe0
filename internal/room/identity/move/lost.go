package move

import (
	"context"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/person"
)

// place is a person at a home.
type place struct {
	Home core.MemberID `json:"home"`
	Sub  string        `json:"sub"`
}

// marker is what a home shows in the place of a release that it cannot show any more: whose
// it was. Nobody signed it, so it only ever refuses somebody.
// spec: docs/spec/identity.md#following
type marker struct {
	Lost place `json:"lost"`
}

const (
	markerStart = `{"lost":`
	maxMarker   = 500 // bytes
)

// readMarker reads one, strictly; ok is false for anything else.
func readMarker(text string) (p place, ok bool) {
	var m marker
	if len(text) > maxMarker || !strings.HasPrefix(text, markerStart) || wire.Decode([]byte(text), &m) != nil {
		return p, false
	}
	return m.Lost, m.Lost.Home.Valid() && subForm.MatchString(m.Lost.Sub)
}

// damage says why the row of somebody who came cannot be read; nil where it can.
func (a arrived) damage() error {
	s, err := Read(a.document)
	if err == nil && (s.ID != a.id || s.Home != a.home || s.Sub != a.sub || a.until <= 0) {
		err = errors.New("another release")
	}
	if err != nil {
		return core.Internal("identity.move.damaged", err).With("Member", string(a.home))
	}
	return nil
}

// isDamaged says whether an error is that of damage.
func isDamaged(err error) bool {
	e, is := errors.AsType[*core.Error](err)
	return is && e.Key == "identity.move.damaged"
}

// shown is the release as other members are shown it, or that it is lost.
func (a arrived) shown() (string, error) {
	if a.damage() == nil {
		return a.document, nil
	}
	text, err := wire.Encode(marker{place{a.home, a.sub}})
	return string(text), err
}

// readable are the releases after the last that a home has lost. Returns CodeDenied
// "identity.move.lost" where one of those up to there is of a visitor here: without it they
// would become a second person.
func (m following) readable(ctx context.Context, a Arrival) ([]string, error) {
	cut, before := -1, []place{}
	for i, text := range a.Moves[:min(len(a.Moves), MaxChain)] {
		p, lost := readMarker(text)
		if !lost {
			s, err := Read(text)
			if err != nil {
				return nil, err
			}
			p = place{s.Home, s.Sub}
		} else {
			cut = i
		}
		before = append(before, p)
	}
	for _, p := range before[:cut+1] {
		v, known, err := home.Find(ctx, m.n.DB, p.Home, p.Sub)
		if err != nil {
			return nil, err
		}
		if known {
			return nil, m.refused(ctx, a, v, core.Denied("identity.move.lost", errors.New("a release was lost")).With("Member", string(a.Home)))
		}
	}
	return a.Moves[cut+1:], nil
}

// Damaged lists, by name, people of ours who came from elsewhere and of whose way here
// something cannot be read any more.
func (m *Moves) Damaged(ctx context.Context) ([]string, error) {
	var bad []string
	for after := (arrived{}); ; {
		some, err := allIn(ctx, m.n.DB, after, 200)
		if err != nil || len(some) == 0 {
			return bad, err
		}
		for _, a := range some {
			if after = a; a.damage() == nil {
				continue
			}
			name, err := handleOf(ctx, m.n.DB, a.person)
			if err != nil {
				return bad, err
			}
			if len(bad) == 0 || bad[len(bad)-1] != name {
				bad = append(bad, name)
			}
		}
	}
}

// handleOf is what a person is called; the id of one who is gone.
func handleOf(ctx context.Context, q db.Querier, who person.ID) (string, error) {
	p, err := person.Get(ctx, q, who)
	if core.CodeOf(err) == core.CodeNotFound {
		return string(who), nil
	}
	return p.Handle, err
}
