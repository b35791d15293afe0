package trust

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestStoreMembers(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		m := Member{Address: addressOf("a.test"), Standing: Added, Refused: true, Code: "C", Since: noon}
		ok(t, putMember(ctx, d, m))
		m.Refused, m.Code = false, ""
		ok(t, putMember(ctx, d, m))
		if diff := cmp.Diff(m, must[Member](t)(member(ctx, d, "a.test"))); diff != "" {
			t.Error(diff)
		}
		if got := must[Member](t)(memberByRoot(ctx, d, m.Root)); got.ID() != "a.test" {
			t.Error(got)
		}
		if _, err := member(ctx, d, "b.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
		ok(t, dropMember(ctx, d, "a.test", Met)) // it is added, so nothing happens
		for i, id := range []core.MemberID{"old.test", "new.test"} {
			ok(t, putMember(ctx, d, Member{Address: addressOf(id), Standing: Asked, Since: noon * core.Moment(i)}))
		}
		ok(t, dropAsked(ctx, d, noon))
		if list := must[[]Member](t)(asked(ctx, d)); len(list) != 1 || list[0].ID() != "new.test" {
			t.Errorf("asking: %v", list)
		}
		if list := must[[]Member](t)(members(ctx, d)); len(list) != 2 {
			t.Error(list)
		}
	})
}

func TestStoreInvites(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		ok(t, putInvite(ctx, d, "h", noon.Add(day)))
		for _, c := range []struct {
			by   core.MemberID
			at   core.Moment
			want bool
		}{
			{"late.test", noon.Add(day), false},
			{"b.test", noon, true},
			{"b.test", noon, true}, // its answer was lost
			{"c.test", noon, false},
		} {
			if got := must[bool](t)(inviteGood(ctx, d, "h", c.by, c.at)); got != c.want {
				t.Errorf("%s at %d would find it good: %v", c.by, c.at-noon, got)
			}
			if got := must[bool](t)(useInvite(ctx, d, "h", c.by, c.at)); got != c.want {
				t.Errorf("%s at %d: %v", c.by, c.at-noon, got)
			}
		}
		if n := must[int](t)(dropInvites(ctx, d, noon)); n != 0 {
			t.Errorf("%d open", n)
		}
	})
}

func TestStoreFacts(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		see := func(idx int64, hash string) bool {
			t.Helper()
			return must[bool](t)(notice(ctx, d, place{"a.test", idx, hash}))
		}
		if !see(0, "x") || see(0, "x") || !see(2, "y") || see(0, "x") {
			t.Error("an entry is taken in twice, or not at all")
		}
		v := Vouch{By: "a.test", For: addressOf("b.test"), Since: noon}
		ok(t, putVouch(ctx, d, v, 2))
		ok(t, putVouch(ctx, d, v, 2))
		ok(t, putVouch(ctx, d, Vouch{By: "b.test", For: addressOf("a.test"), Since: noon}, 2))
		if diff := cmp.Diff([]Vouch{v}, must[[]Vouch](t)(vouchesBy(ctx, d, "a.test"))); diff != "" {
			t.Error(diff)
		}
		ok(t, putJoin(ctx, d, join{"a.test", "c"}, noon, 1))
		ok(t, putJoin(ctx, d, join{"a.test", "c"}, noon, 1))
		ok(t, putJoin(ctx, d, join{"a.test", "d"}, noon, 2))
		ok(t, dropJoin(ctx, d, join{"a.test", "d"}))
		if diff := cmp.Diff([]join{{"a.test", "c"}}, must[[]join](t)(joins(ctx, d))); diff != "" {
			t.Error(diff)
		}
		// A revoked key's entries are cut off: another entry stands in place 2.
		if !see(2, "z") {
			t.Error("the entry after a cut is not taken in")
		}
		if left := must[[]Vouch](t)(vouchesBy(ctx, d, "a.test")); len(left) != 0 {
			t.Errorf("a vouch that was cut off: %v", left)
		}
		if left := must[[]join](t)(joinsBy(ctx, d, "a.test")); len(left) != 1 {
			t.Errorf("a join before the cut: %v", left)
		}
		ok(t, forgetLog(ctx, d, "a.test"))
		if left := must[[]Vouch](t)(vouches(ctx, d)); len(left) != 1 || left[0].By != "b.test" {
			t.Error(left)
		}
	})
}

func TestStorePacts(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		o := signed(t, nil)
		proposal := pactRow{ID: docID([]byte("1")), Peer: "b.test", Made: noon, Offer: Offer{Pact: o.Pact}}
		ok(t, putPact(ctx, d, proposal))
		if n := must[int](t)(openProposals(ctx, d, "b.test")); n != 1 {
			t.Errorf("%d open", n)
		}
		full := proposal
		full.Offer, full.Signed = o, noon
		ok(t, putPact(ctx, d, full))
		if diff := cmp.Diff(full, must[pactRow](t)(pactByID(ctx, d, full.ID))); diff != "" {
			t.Error(diff)
		}
		end := pactRow{ID: docID([]byte("2")), Made: noon, Closed: noon, ClosedBy: "a.test"}
		ok(t, putPact(ctx, d, end))
		if list := must[[]pactRow](t)(pacts(ctx, d, "")); len(list) != 1 {
			t.Errorf("an end without a text is listed: %v", list)
		}
		for prefix, want := range map[string]int{full.ID: 1, full.ID[:4]: 1, "": 0, "%": 0, full.ID[:3]: 0, end.ID: 0} {
			if got := must[[]pactRow](t)(pactsLike(ctx, d, prefix)); len(got) != want {
				t.Errorf("%q finds %d", prefix, len(got))
			}
		}
		ok(t, dropStale(ctx, d, noon.Add(day)))
		if _, err := pactByID(ctx, d, full.ID); err != nil {
			t.Error("a signed pact is forgotten")
		}
	})
}

func TestStoreTasks(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		due := func(at core.Moment) []task { return must[[]task](t)(dueTasks(ctx, d, at, 10)) }
		ok(t, putTask(ctx, d, task{Kind: taskOffer, Subject: "p", Peer: "b.test", Made: noon}))
		got := due(noon)
		if len(got) != 1 {
			t.Fatal(got)
		}
		if !must[bool](t)(claimTask(ctx, d, got[0], noon, noon.Add(taskLease))) {
			t.Error("not free")
		}
		if must[bool](t)(claimTask(ctx, d, got[0], noon, noon.Add(taskLease))) {
			t.Error("claimed twice")
		}
		ok(t, postponeTask(ctx, d, got[0].failed(context.DeadlineExceeded, noon)))
		if len(due(noon.Add(firstRetry-1000))) != 0 || len(due(noon.Add(firstRetry))) != 1 {
			t.Error("not put off by 30 s")
		}
		ok(t, putTask(ctx, d, task{Kind: taskOffer, Subject: "p", Peer: "b.test", Made: noon}))
		if again := due(noon); len(again) != 1 || again[0].Tries != 1 {
			t.Errorf("asked for again: %+v", again)
		}
		ok(t, dropTask(ctx, d, got[0]))
		if left := must[[]task](t)(tasks(ctx, d)); len(left) != 0 {
			t.Error(left)
		}
	})
}

func TestTaskBackoff(t *testing.T) {
	at := task{}
	var last core.Moment
	for range 40 {
		at = at.failed(context.DeadlineExceeded, noon)
		if at.Next < last || at.Next <= noon || at.Next > noon.Add(lastRetry) {
			t.Fatalf("try %d at +%s", at.Tries, at.Next.Sub(noon))
		}
		last = at.Next
	}
}

func TestStoreCharters(t *testing.T) {
	dbtest.Each(t, "trust", Migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		row := charterRow{ID: docID([]byte("1")), Doc: signed(t, nil).Pact}
		ok(t, putCharter(ctx, d, row, noon))
		ok(t, putCharter(ctx, d, row, noon))
		if diff := cmp.Diff([]charterRow{row}, must[[]charterRow](t)(charters(ctx, d))); diff != "" {
			t.Error(diff)
		}
		if _, err := charter(ctx, d, "x"); core.CodeOf(err) != core.CodeNotFound {
			t.Error(err)
		}
	})
}
