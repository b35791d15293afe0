package rescue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/share"
)

// members answer as hosters would: each names a deal, notes the ask, and lets nothing go.
type members struct {
	t     *testing.T
	names map[core.MemberID]string // as holders, when one of them is asked for a share
	order []core.MemberID          // as they were asked
	deals map[core.MemberID][]collect.HeldDeal
	asked map[core.MemberID]ask.Signed
}

func (m *members) line(at Addresses) Line { return &line{m, at} }

type line struct {
	*members
	at Addresses
}

func (l *line) Fetch(_ context.Context, address string, _ int64) ([]byte, http.Header, error) {
	for id := range l.deals {
		if address == "https://"+string(id)+"/.well-known/entrechat.json" {
			return []byte(`{"origin":"` + string(id) + `","more":1}`), nil, nil
		}
	}
	return nil, nil, core.Unsure("peer.unreachable", errors.New("down"))
}

func (l *line) JSON(_ context.Context, to core.MemberID, _, path string, in, out any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	var answer any
	switch path {
	case collect.PathHeld:
		answer = collect.HeldAnswer{Deals: l.deals[to]}
	case collect.PathAsk:
		var got collect.AskMessage
		if err := json.Unmarshal(text, &got); err != nil {
			return err
		}
		s, err := ask.Read(got.Ask)
		if err != nil || s.Verify(nil) != nil {
			l.t.Errorf("a bad ask: %v", err)
		}
		l.asked[to] = s
		l.order = append(l.order, to)
		return nil
	case collect.PathShare:
		answer = collect.Handed{Status: collect.Status{State: ask.Waiting, Left: 5}, Holders: l.names}
	}
	if text, err = json.Marshal(answer); err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}

func newRescue(t *testing.T, m *members) (*Rescue, string) {
	path := filepath.Join(t.TempDir(), "ask.json")
	return New(Needs{
		Line: m.line, Now: func() time.Time { return time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC) },
		Read:   func(seal.Envelope) (collect.Deal, error) { return collect.Deal{}, errors.New("none") },
		Unseal: func(age.Identity, share.ID, []byte) ([]byte, error) { return nil, errors.New("none") },
	}, path), path
}

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

// TestRescueGoesOn: the deal that most members name is asked for, the same ask again on the
// next run, also of holders that were named meanwhile; the file is nobody else's.
func TestRescueGoesOn(t *testing.T) {
	deal, lie := newID(t), newID(t)
	held := func(id share.ID, scope string) collect.HeldDeal {
		return collect.HeldDeal{Deal: string(id), Scope: scope, K: 3, Wait: 1}
	}
	m := &members{t: t, names: map[core.MemberID]string{"chaton-d.test": "https://chaton-d.test", "!": "x"}, asked: map[core.MemberID]ask.Signed{}, deals: map[core.MemberID][]collect.HeldDeal{
		"chaton-a.test": {held(lie, "root"), {Deal: "x", Scope: "root"}}, "chaton-b.test": {held(lie, "serve"), held(deal, "root")}, "chaton-c.test": {held(deal, "root")},
	}}
	r, path := newRescue(t, m)
	w := Wish{Origin: "chaton-x.test", Scope: "root", Reason: ask.LostOwn, From: []string{"chaton-a.test", "https://chaton-b.test/", " chaton-c.test", "down.test"}}
	// One of them lies about the wait: the ask is open long enough all the same.
	longest := (40 * 24 * time.Hour).Microseconds()
	m.deals["chaton-b.test"][1].Wait, m.deals["chaton-c.test"][0].Wait = longest, 1<<62
	m.deals["chaton-e.test"] = []collect.HeldDeal{held(deal, "root")}
	w.From = append(w.From, "chaton-e.test")
	defer func() {
		if s := m.asked["chaton-b.test"]; s.Expires.Sub(s.Made) < 2*40*24*time.Hour {
			t.Errorf("the ask is open for %v", s.Expires.Sub(s.Made))
		}
	}()
	nothing := func([]byte) error { t.Error("opened"); return nil }
	first, err := r.Run(t.Context(), w, nothing)
	if err != nil || first.Have != 0 || len(first.From) != 5 || m.asked["chaton-d.test"].Deal != deal {
		t.Fatalf("%+v, %v", first, err)
	}
	second, err := r.Run(t.Context(), w, nothing)
	if err != nil || second.ID != first.ID || second.Words != first.Words {
		t.Errorf("%+v, then %+v, %v", first, second, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	w.Scope = "serve"
	if _, err := r.Run(t.Context(), w, nothing); key(err) != "custody.rescue.other_ask" {
		t.Errorf("another box: %v", err)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Run(t.Context(), w, nothing); key(err) != "custody.rescue.bad_file" {
		t.Errorf("a damaged file: %v", err)
	}
}

// TestRescueAsksWhoIsNamed: a holder names as many that are none as there is room for. The members
// whose addresses are typed are asked first, and always.
func TestRescueAsksWhoIsNamed(t *testing.T) {
	held := []collect.HeldDeal{{Deal: string(newID(t)), Scope: "root", K: 3, Wait: 1}}
	m := &members{t: t, names: map[core.MemberID]string{}, asked: map[core.MemberID]ask.Signed{}, deals: map[core.MemberID][]collect.HeldDeal{"chaton-a.test": held, "zz.test": held}}
	for i := range 2 * maxHolders {
		m.names[core.MemberID(fmt.Sprintf("a%03d.test", i))] = "https://nobody.test"
	}
	r, _ := newRescue(t, m)
	w := Wish{Origin: "chaton-x.test", Scope: "root", Reason: ask.LostOwn, From: []string{"chaton-a.test"}}
	if _, err := r.Run(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	w.From, m.order = []string{"zz.test"}, nil
	if _, err := r.Run(t.Context(), w, nil); err != nil {
		t.Fatal(err)
	}
	if len(m.order) == 0 || m.order[0] != "zz.test" {
		t.Errorf("asked %d, not the one that was typed first", len(m.order))
	}
}

func TestRescueFindsNobody(t *testing.T) {
	m := &members{t: t, deals: map[core.MemberID][]collect.HeldDeal{"chaton-a.test": nil}}
	r, path := newRescue(t, m)
	for want, from := range map[string][]string{
		"custody.rescue.from": nil, "custody.rescue.silent": {"down.test"}, "custody.rescue.nobody_holds": {"down.test", "chaton-a.test"},
	} {
		if _, err := r.Run(t.Context(), Wish{Origin: "chaton-x.test", Scope: "root", Reason: ask.LostOwn, From: from}, nil); key(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file of nothing: %v", err)
	}
}

func newID(t *testing.T) share.ID {
	t.Helper()
	id, err := share.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}
