// Package referral is where this hoster sends people whom it cannot serve itself.
//
// Words. A referral sends a user to a hoster that we chose, and that has what we lack.
//
// What never happens here: somebody is sent to a hoster that nobody of ours chose; a
// size or a popularity orders the list.
//
// Sources: docs/spec/directory.md#elsewhere.
package referral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/freshness"
)

// Needs is what the choice is made of; all of it is required.
type Needs struct {
	DB        *db.DB // with migrations.Files applied
	Catalogue *catalogue.Store
	Book      freshness.Book
	Self      core.MemberID
	Now       func() time.Time
}

// Referral is whom we send people to. Safe for concurrent use.
type Referral struct {
	n    Needs
	last recent
}

// New makes it.
func New(n Needs) *Referral { return &Referral{n: n} }

// MaxChosen bounds how many hosters are chosen for one kind.
const MaxChosen = 50

// Elsewhere is where we send people who look for a kind of service: of the hosters
// that we chose, in our order, the services that take them today. Nobody else is
// ever in it. KindUnknown asks for all kinds.
// spec: docs/spec/directory.md#elsewhere
func (r *Referral) Elsewhere(ctx context.Context, kind catalogue.Kind) ([]catalogue.Found, error) {
	all, err := r.Chosen(ctx)
	if err != nil {
		return nil, err
	}
	var union []string
	for k := range all {
		if all[k], err = r.Speakers(ctx, all[k]); err != nil {
			return nil, err
		}
		if kind == catalogue.KindUnknown || k == kind || k == catalogue.KindUnknown {
			union = append(union, all[k]...)
		}
	}
	found, err := r.OfKind(ctx, kind, union)
	if err != nil {
		return nil, err
	}
	heard, err := freshness.Heard(ctx, r.n.Book, freshness.Authors(found)...)
	if err != nil {
		return nil, err
	}
	return referred(all, found, heard), nil
}

// Speakers are the names under which the chosen hosters are in the catalogue now:
// one that was chosen by its file may speak in its logbook since.
func (r *Referral) Speakers(ctx context.Context, keys []string) ([]string, error) {
	var out []string
	for _, key := range keys {
		now, err := r.n.Catalogue.Speaker(ctx, key)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, now) {
			out = append(out, now)
		}
	}
	return out, nil
}

// OfKind are the services of a kind at some hosters that serve somebody new.
func (r *Referral) OfKind(ctx context.Context, kind catalogue.Kind, hosters []string) (all []catalogue.Found, err error) {
	if len(hosters) == 0 {
		return nil, nil
	}
	return r.n.Catalogue.FindAll(ctx, catalogue.Query{Kind: kind, Hosters: hosters, Usable: true, Day: r.n.Now()})
}

// referred are the services that take people today, kind by kind, of the hosters
// chosen for the kind and then of those chosen for every kind, in that order; behind
// them those of members that give no sign of life: nobody knows whether they are up.
func referred(chosen map[catalogue.Kind][]string, found []catalogue.Found, heard map[string]logbook.Member) (out []catalogue.Found) {
	for _, kind := range catalogue.Kinds() {
		var silent []catalogue.Found
		for i, keys := 0, slices.Concat(chosen[kind], chosen[catalogue.KindUnknown]); i < len(keys); i++ {
			state := heard[keys[i]].State
			if slices.Contains(keys[:i], keys[i]) || state == logbook.Suspended {
				continue
			}
			offered := &out
			if freshness.Silent(state) {
				offered = &silent
			}
			for _, f := range found {
				if f.Hoster.Author.Key == keys[i] && f.Service.Kind == kind && TakesPeople(f) {
					*offered = append(*offered, f)
				}
			}
		}
		out = append(out, silent...)
	}
	return out
}

// TakesPeople says whether somebody who is sent there is served: what nobody said
// counts as no.
func TakesPeople(f catalogue.Found) bool {
	s, h := f.Service, f.Hoster
	return !s.Ended && s.Access.Usable() && s.Level != catalogue.LevelAlert && s.Level != catalogue.LevelError &&
		h.State != catalogue.StateAway && h.State != catalogue.StateClosing
}

// Refer chooses the hosters that people are sent to for a kind of service, the first
// one first; with none, nobody is sent anywhere. KindUnknown chooses for every kind.
// Returns CodeNotFound for a hoster that the catalogue does not know, CodeInvalid for
// ourselves, CodeFull.
func (r *Referral) Refer(ctx context.Context, kind catalogue.Kind, hosters []string) error {
	if len(hosters) > MaxChosen {
		return core.Full("directory.refer.too_many", fmt.Errorf("%d hosters", len(hosters))).With("Count", MaxChosen)
	}
	for i, key := range hosters {
		if key == string(r.n.Self) {
			return core.Invalid("directory.refer.ourselves", errors.New(key))
		}
		if slices.Contains(hosters[:i], key) {
			return core.Invalid("directory.refer.twice", errors.New(key)).With("Name", key)
		}
		if _, _, err := r.n.Catalogue.Hoster(ctx, key); err != nil {
			return err
		}
	}
	return r.SetChosen(ctx, kind, hosters)
}
