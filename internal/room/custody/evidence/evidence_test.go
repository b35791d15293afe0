package evidence

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/breakglass"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

const hosterA, hosterC, hosterD, hosterE core.MemberID = "chaton-a.test", "chaton-c.test", "chaton-d.test", "chaton-e.test"

// keys are members' keys: all that logbooks answer here.
type keys struct {
	Book
	signers map[core.MemberID]seal.Signer
	good    map[core.MemberID][]ed25519.PublicKey
}

func (k keys) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	return k.good[id], nil
}

func (k keys) signer(t *testing.T, id core.MemberID) seal.Signer {
	t.Helper()
	if _, has := k.signers[id]; !has {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k.signers[id], k.good[id] = seal.NewSigner(id, private), []ed25519.PublicKey{public}
	}
	return k.signers[id]
}

// shows is what somebody shows of an ask for A's accounts, and the ask's id. Holders are C, D, E.
func (k keys) shows(t *testing.T, by core.MemberID, change func(d *deal.Deal, a *ask.Ask)) (text []byte, id string, d deal.Deal) {
	t.Helper()
	dealt, err := share.NewID()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := share.New()
	if err != nil {
		t.Fatal(err)
	}
	_, commitments, err := secret.Split(dealt, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, at := identity.Recipient().String(), core.At(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	d = deal.Deal{
		V: 1, ID: dealt, Owner: hosterA, Scope: "data:accounts", K: 2, N: 3, Commitments: commitments, Recipient: to, Made: at, Until: at.Add(500 * 24 * time.Hour),
		Holders: []deal.Holder{{Number: 1, Member: hosterC}, {Number: 2, Member: hosterD}, {Number: 3, Member: hosterE}},
	}
	a := ask.Ask{
		Deal: d.ID, Owner: hosterA, Scope: "data:accounts", Reason: ask.SilentOwner, Role: ask.AsMember, Asker: hosterC,
		Recipient: to, Made: at.Add(time.Hour), Expires: at.Add(48 * time.Hour),
	}
	if change != nil {
		change(&d, &a)
	}
	payload, err := wire.Encode(d)
	if err != nil {
		t.Fatal(err)
	}
	document, err := seal.SignDoc(deal.Type, payload, k.signer(t, by))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ask.Sign(a, k.signer(t, hosterC))
	if err != nil {
		t.Fatal(err)
	}
	text, err = wire.Encode(shown{s.Document, document})
	if err != nil {
		t.Fatal(err)
	}
	return text, s.ID, d
}

// TestEvidence: a box counts as let go only when the logbooks of enough holders say so, of this
// ask, for this scope, of a silent owner.
func TestEvidence(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, on *db.DB) {
		k := keys{nil, map[core.MemberID]seal.Signer{}, map[core.MemberID][]ed25519.PublicKey{}}
		now := func() time.Time { return time.Date(2026, 3, 9, 12, 0, 0, 0, time.UTC) }
		deals, asks := deal.New(deal.Needs{DB: on, Signer: k.signer(t, "chaton-b.test"), Now: now}), breakglass.New(breakglass.Needs{DB: on, Now: now})
		v := &Evidence{DB: on, Self: "chaton-b.test", Book: k, Stands: deals.SaidBy}
		index := int64(0)
		says := func(log core.MemberID, typ, body string) {
			t.Helper()
			index++
			for _, reader := range append(deals.Readers(), asks.Readers()...) {
				for _, one := range reader.Types {
					if one == typ {
						if err := reader.Read(t.Context(), logbook.Entry{Log: log, Index: index, Typ: typ, Iat: 1, Body: []byte(body)}); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
		}
		stands := func(d deal.Deal, of core.MemberID) {
			t.Helper()
			says(of, deal.TypeEntry, fmt.Sprintf(`{"deal":%q,"k":2,"n":3,"wait_h":24}`, d.ID))
		}
		released := func(id string, by ...core.MemberID) {
			t.Helper()
			for _, m := range by {
				says(m, breakglass.TypeRelease, fmt.Sprintf(`{"ask":%q}`, id))
			}
		}
		answers := func(text []byte) string {
			t.Helper()
			_, _, err := v.Released(t.Context(), hosterC, hosterA, "data:accounts", text)
			if e, is := errors.AsType[*core.Error](err); is {
				return e.Key
			}
			return fmt.Sprint(err)
		}

		text, id, d := k.shows(t, hosterA, nil)
		stands(d, hosterA)
		released(id, hosterC, hosterC, "chaton-x.test", hosterA)
		if got := answers(text); got != "custody.evidence.few" {
			t.Error("one holder twice, and who holds nothing:", got)
		}
		released(id, hosterE)
		if got := answers(text); got != "<nil>" {
			t.Error("two holders:", got)
		}
		if err := asks.Readers()[0].Truncated(t.Context(), hosterE, 0); err != nil || answers(text) != "custody.evidence.few" {
			t.Error("a word that was taken back counts", err)
		}
		for name, c := range map[string]struct {
			by     core.MemberID
			change func(d *deal.Deal, a *ask.Ask)
		}{
			"a deal that its owner did not sign":   {hosterC, nil},
			"another box":                          {hosterA, func(d *deal.Deal, a *ask.Ask) { d.Scope, a.Scope = "data:mail", "data:mail" }},
			"an ask about another box of the deal": {hosterA, func(d *deal.Deal, _ *ask.Ask) { d.Scope = "serve" }},
			"the rehearsal":                        {hosterA, func(d *deal.Deal, a *ask.Ask) { d.Scope, a.Scope, a.Reason = box.Rehearsal, "rehearsal", ask.Rehearsal }},
			"another reason":                       {hosterA, func(_ *deal.Deal, a *ask.Ask) { a.Reason = ask.Incident }},
			"somebody else's":                      {hosterA, func(_ *deal.Deal, a *ask.Ask) { a.Asker = hosterD }},
			"another owner's":                      {hosterA, func(d *deal.Deal, a *ask.Ask) { d.Owner, a.Owner = "chaton-x.test", "chaton-x.test" }},
			"before the deal":                      {hosterA, func(d *deal.Deal, a *ask.Ask) { d.Made = a.Made.Add(time.Second) }},
		} {
			text, id, d := k.shows(t, c.by, c.change)
			stands(d, hosterA)
			released(id, hosterC, hosterD, hosterE)
			if got := answers(text); got != "custody.evidence.bad" {
				t.Errorf("%s: %s", name, got)
			}
		}
		text, id, d = k.shows(t, hosterA, nil)
		stands(d, hosterC)
		released(id, hosterC, hosterD, hosterE)
		if got := answers(text); got != "custody.evidence.few" {
			t.Error("a deal of which the owner's logbook says nothing:", got)
		}
	})
}

func FuzzEvidence(f *testing.F) {
	f.Add([]byte(`{"ask":{"payloadType":"","payload":"","signatures":[]},"deal":{"payloadType":"","payload":"","signatures":[]}}`))
	v := &Evidence{}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, _, err := v.Released(t.Context(), hosterC, hosterA, "data:accounts", text); core.CodeOf(err) != core.CodeDenied {
			t.Error(err)
		}
	})
}
