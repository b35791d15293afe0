package promise

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/migrations"
)

const owner, b, c core.MemberID = "chaton-a.test", "chaton-b.test", "chaton-c.test"

type world struct {
	promises *Promises
	granted  []core.MemberID
	now      time.Time
	index    int64
}

func (w *world) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	w.index++
	return logbook.Entry{Log: owner, Index: w.index, Typ: typ, Iat: core.At(w.now), Body: text}, err
}

func (w *world) Lenders(context.Context, core.GrantKind) (out []core.Lender, _ error) {
	for _, m := range w.granted {
		out = append(out, core.Lender{ID: m})
	}
	return out, nil
}

func (w *world) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func newWorld(t *testing.T, d *db.DB, self core.MemberID) *world {
	t.Helper()
	w := &world{granted: []core.MemberID{b, c}, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	w.promises = New(Needs{DB: d, Self: self, Kind: "succeed", Book: w, Trust: w, Now: func() time.Time { return w.now }})
	return w
}

func (w *world) of(t *testing.T) []Successor {
	t.Helper()
	all, err := w.promises.Of(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNaming(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, owner)
		name := func(to ...core.MemberID) {
			t.Helper()
			if err := w.promises.Name(t.Context(), Naming{"mail", []string{"mail"}, to}); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(24 * time.Hour)
		}
		first := core.At(w.now)
		name(b)
		name(c, b)
		if got := w.of(t); len(got) != 2 || got[0].Member != c || got[1].Member != b || got[1].Since != first || got[0].Since == first {
			t.Fatalf("b stays since %d, c is new: %+v", first, got)
		}
		before := w.index
		name(c, b)
		if w.index != before {
			t.Error("the same again was said again")
		}
		name(c)
		again := core.At(w.now)
		name(c, b)
		if got := w.of(t); got[1].Since != again {
			t.Errorf("after a gap b counts since %d, not %d", got[1].Since, again)
		}
		w.granted = []core.MemberID{c}
		if err := w.promises.Name(t.Context(), Naming{"wiki", nil, []core.MemberID{b}}); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("without a pact: %v", err)
		}
		name()
		if got := w.of(t); len(got) != 0 {
			t.Errorf("all names are taken back: %+v", got)
		}
	})
}

// TestNobodyIsNamedInThePast: an owner, or who has its key, may write any time into an entry.
func TestNobodyIsNamedInThePast(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, c)
		body, err := wire.Encode(Naming{"mail", []string{}, []core.MemberID{b}})
		if err != nil {
			t.Fatal(err)
		}
		e := logbook.Entry{Log: owner, Index: 7, Typ: TypeNaming, Iat: core.At(w.now.Add(-365 * 24 * time.Hour)), Body: body}
		if err := w.promises.read(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		got := w.of(t)
		if len(got) != 1 || got[0].Since != core.At(w.now) || got[0].Settled(core.At(w.now.Add(29*24*time.Hour))) || !got[0].Settled(core.At(w.now.Add(30*24*time.Hour))) {
			t.Fatalf("counts from when it was heard, and acts 30 days later: %+v", got)
		}
		settled := func(member core.MemberID, service string) bool {
			t.Helper()
			is, err := w.promises.Settled(t.Context(), owner, member, service)
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		first := w.now
		w.now = first.Add(29 * 24 * time.Hour)
		early := settled(b, "mail")
		w.now = first.Add(Settled)
		if early || !settled(b, "mail") || settled(c, "mail") || settled(b, "wiki") {
			t.Error("a successor that was heard of 29 days ago acts, one of 30 days does not, or one that nobody named")
		}
		w.now = first.Add(time.Hour)
		if err := w.promises.read(t.Context(), e); err != nil || w.of(t)[0].Since != got[0].Since {
			t.Errorf("read again: %v %+v", err, w.of(t))
		}
		if err := w.promises.Readers()[0].Truncated(t.Context(), owner, 7); err != nil || len(w.of(t)) != 0 {
			t.Errorf("taken back with its key: %v %+v", err, w.of(t))
		}
	})
}

func TestBoundOfOneLog(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, c)
		for i := range MaxServices + 3 {
			body, err := wire.Encode(Naming{fmt.Sprint("s", i), []string{}, []core.MemberID{b}})
			if err != nil {
				t.Fatal(err)
			}
			if err := w.promises.read(t.Context(), logbook.Entry{Log: owner, Index: int64(i), Iat: 1, Body: body}); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(w.of(t)); got != MaxServices {
			t.Errorf("%d services of one log are read, not %d", got, MaxServices)
		}
	})
}

// TestTakenBackInTheEnd: an owner that named without end takes all names back all the same.
func TestTakenBackInTheEnd(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d, c)
		says := func(index int64, to ...core.MemberID) {
			t.Helper()
			if err := put(t.Context(), d, heard{Naming{"mail", []string{}, to}, owner, index, 1, 1}); err != nil {
				t.Fatal(err)
			}
		}
		says(0, b)
		if _, err := db.Exec(t.Context(), d, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO succession_naming (owner, idx, service, body, said_us, heard_us)
			SELECT e.owner, n.i, e.service, e.body, e.said_us, e.heard_us FROM succession_naming e CROSS JOIN n`, maxNamings-1); err != nil {
			t.Fatal(err)
		}
		says(maxNamings, c)
		if got := w.of(t); len(got) != 1 || got[0].Member != b {
			t.Errorf("one entry too many is read: %+v", got)
		}
		says(maxNamings + 1)
		if got := w.of(t); len(got) != 0 {
			t.Errorf("taken back, and named: %+v", got)
		}
	})
}

func TestFollow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfNDistinct(rapid.SampledFrom([]core.MemberID{"b.test", "c.test", "d.test", "e.test"}), 0, 3, rapid.ID[core.MemberID])
		var now []Successor
		gap := map[core.MemberID]core.Moment{} // from when each is named without a gap
		for at := core.Moment(1); at < 8; at++ {
			n := Naming{Service: "mail", Successors: some.Draw(t, "successors")}
			now = follow(now, owner, n, at)
			next := map[core.MemberID]core.Moment{}
			for i, m := range n.Successors {
				if next[m] = at; gap[m] != 0 {
					next[m] = gap[m]
				}
				if now[i].Member != m || now[i].Rank != i+1 || now[i].Since != next[m] {
					t.Fatalf("at %d: %+v, want %s since %d", at, now[i], m, next[m])
				}
			}
			gap = next
		}
	})
}

// TestBackupsAreSettledEach: who was named long ago is not named so for a backup that was added
// yesterday, or that was taken away meanwhile.
func TestBackupsAreSettledEach(t *testing.T) {
	now := follow(nil, owner, Naming{"mail", []string{"mail"}, []core.MemberID{b}}, 10)
	since := func(backup string, want core.Moment) {
		t.Helper()
		if got, named := now[0].SinceFor(backup); got != want || !named {
			t.Errorf("named for %s since %d, %v, not %d", backup, got, named, want)
		}
	}
	since("mail", 10)
	now = follow(now, owner, Naming{"mail", []string{"mail", "cloud"}, []core.MemberID{b, c}}, 20)
	since("mail", 10)
	since("cloud", 20)
	now = follow(now, owner, Naming{"mail", []string{"cloud"}, []core.MemberID{b}}, 30)
	since("cloud", 20)
	if _, named := now[0].SinceFor("mail"); named || now[0].Since != 10 || now[0].Newest() != 20 {
		t.Errorf("mail was taken away: %+v", now[0])
	}
	now = follow(now, owner, Naming{"mail", []string{"cloud", "mail"}, []core.MemberID{b}}, 40)
	since("mail", 40)
	since("cloud", 20)
	if now[0].Since != 10 || now[0].Newest() != 40 {
		t.Errorf("b itself is named since 10: %+v", now[0])
	}
}

// TestNoBackupIsTheAccounts: whoever takes mail over does not ask for the box of the accounts.
func TestNoBackupIsTheAccounts(t *testing.T) {
	for _, n := range []Naming{{"mail", []string{"mail", Accounts}, []core.MemberID{b}}, {Accounts, []string{"mail"}, []core.MemberID{b}}} {
		if err := n.Check(owner); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if err := (Naming{"mail", []string{"mail"}, []core.MemberID{b}}).Check(owner); err != nil {
		t.Error(err)
	}
}

func FuzzNaming(f *testing.F) {
	f.Add([]byte(`{"service":"mail","backups":["mail"],"successors":["chaton-b.test"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var n Naming
		if wire.Peek(text, &n) != nil || n.Check(owner) != nil {
			return
		}
		if len(n.Successors) > MaxSuccessors || !ValidService(n.Service) || len(follow(nil, owner, n, 1)) != len(n.Successors) {
			t.Errorf("taken: %+v", n)
		}
	})
}
