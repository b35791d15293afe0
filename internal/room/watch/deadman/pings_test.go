package deadman

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/target"
)

// TestLife: a ping at one member is known to all in the circle; silence and failure are
// seen by all of them, and the end of both.
func TestLife(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, sqlite)
		w.nodes[bo].db = d
		w.nodes[bo].open()
		w.wants("before any ping", look.Unfit)
		if status, text := w.ping(bo, http.MethodPost, "", "42 files saved\nsecret second line"); status != http.StatusOK || text != "OK\n" {
			t.Fatal(status, text)
		}
		w.wants("only bo has heard", look.Unfit, look.Fine, look.Unfit)
		w.tell()
		w.wants("all know", look.Fine)
		for id, line := range map[core.MemberID]string{ana: "42 files saved", bo: "", cy: ""} {
			all, err := w.nodes[id].pings.Recent(t.Context(), w.targets[0], 10)
			if err != nil || len(all) != 1 || all[0].Line != line || all[0].Bytes != 33 || all[0].Via != bo {
				t.Errorf("%s: %+v, %v", id, all, err)
			}
		}
		w.pass(65 * time.Minute)
		w.wants("late", look.Fine)
		if s, _, err := w.nodes[cy].pings.State(t.Context(), w.targets[0]); err != nil || s.State != Late {
			t.Errorf("%+v, %v", s, err)
		}
		w.pass(5 * time.Minute)
		w.wants("the news may be on its way", look.Unfit, look.Silent, look.Unfit)
		w.pass(relayTime)
		w.wants("silent", look.Silent)
		w.ping(cy, http.MethodHead, "", "")
		w.tell()
		w.wants("back", look.Fine)
		w.ping(ana, http.MethodGet, "/start", "")
		w.pass(7 * time.Second)
		w.ping(bo, http.MethodGet, "/3", "")
		w.tell()
		w.wants("failed", look.Failed)
		if s, r, err := w.nodes[ana].pings.State(t.Context(), w.targets[0]); err != nil || s.State != Down || !s.Failed || r.Code != 3 {
			t.Errorf("%+v, %+v, %v", s, r, err)
		}
		w.ping(bo, http.MethodGet, "/log", "only a word")
		w.tell()
		w.wants("a word changes nothing", look.Failed)
		w.ping(bo, http.MethodGet, "/0", "")
		w.tell()
		w.wants("well", look.Fine)
		// What a ping changed was told at once, like a look.
		if got := fmt.Sprintf("%q", w.nodes[cy].found); got != `["" "" "failed" ""]` {
			t.Error(got)
		}
		// A process that starts anew knows what it knew.
		w.nodes[bo].open()
		w.wants("started anew", look.Fine)
	})
}

// TestWhoGetsPingsIsAway: while the member that gets the pings does not answer, and for
// what was due while it was away, nobody says silent. After the next one that does not
// come either, all do.
func TestWhoGetsPingsIsAway(t *testing.T) {
	w := newWorld(t, sqlite)
	w.heartbeat()
	w.ping(bo, http.MethodGet, "", "")
	w.tell()
	for range 50 * 2 {
		w.pass(30 * time.Second)
		w.heartbeat()
	}
	w.setAway(bo, true)
	for range 25 * 2 {
		w.pass(30 * time.Second)
		w.heartbeat()
	}
	if got := w.look(); got[0] != look.Unfit || got[2] != look.Unfit {
		t.Errorf("bo is away, and they say %q", got)
	}
	w.setAway(bo, false)
	w.heartbeat()
	w.tell()
	w.wants("bo is back, and missed it", look.Unfit)
	for range 60 * 2 {
		w.pass(30 * time.Second)
		w.heartbeat()
	}
	w.wants("the next did not come either", look.Silent)
	w.ping(bo, http.MethodGet, "", "")
	w.tell()
	w.wants("back", look.Fine)
}

// TestMemberThatIsAwayIsToldLater, and holds nobody else up.
func TestMemberThatIsAwayIsToldLater(t *testing.T) {
	w := newWorld(t, sqlite)
	w.setAway(cy, true)
	w.ping(bo, http.MethodGet, "", "")
	w.tell()
	w.wants("cy is away", look.Fine, look.Fine, look.Unfit)
	w.setAway(cy, false)
	w.tell()
	w.wants("cy is told", look.Fine)
	w.tell()
	if n, err := db.One(t.Context(), w.nodes[bo].db, db.Int64, `SELECT count(*) FROM watch_ping_out`); err != nil || n != 0 {
		t.Error(n, err)
	}
}

// TestStrangers: who does not know the token, or is not in the circle, changes nothing.
func TestStrangers(t *testing.T) {
	w := newWorld(t, sqlite)
	good := w.token
	for _, token := range []string{"", "x", strings.Repeat("A", 22), w.targets[0].Address, good + "A", good[:21], strings.ToUpper(good), "..%2f", w.targets[0].ID} {
		w.token = token
		if status, text := w.ping(bo, http.MethodGet, "", ""); status != http.StatusNotFound || strings.Contains(text, "sauvegarde") {
			t.Errorf("%q: %d %q", token, status, text)
		}
	}
	w.token = good
	for _, behind := range []string{"/256", "/-1", "/0x1", "/+1", "/00000", "/stop", "/start/x", "/%2e%2e"} {
		if status, _ := w.ping(bo, http.MethodGet, behind, ""); status != http.StatusNotFound {
			t.Errorf("%s: %d", behind, status)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if status, _ := w.ping(bo, method, "", ""); status != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, status)
		}
	}
	if status, _ := w.ping(eve, http.MethodGet, "", ""); status != http.StatusNotFound {
		t.Errorf("eve hears for nobody: %d", status)
	}
	w.wants("nothing was heard", look.Unfit)
	// eve is no voter, and what bo says of the future, of long ago, of unknown kinds and
	// targets, is passed over.
	now := core.At(w.clock())
	base := NewsPing{Owner: ana, Target: w.targets[0].ID, Kind: Success, At: now}
	tell := func(from core.MemberID, change func(*NewsPing)) {
		t.Helper()
		n := base
		change(&n)
		if err := w.nodes[from].pings.n.Members.Tell(t.Context(), cy, News{Pings: []NewsPing{n}}); err != nil {
			t.Error(err)
		}
	}
	tell(eve, func(*NewsPing) {})
	for _, change := range []func(*NewsPing){
		func(n *NewsPing) { n.At = now.Add(2 * time.Minute) }, func(n *NewsPing) { n.At = now.Add(-8 * 24 * time.Hour) }, func(n *NewsPing) { n.At = 0 },
		func(n *NewsPing) { n.Kind = "away" }, func(n *NewsPing) { n.Kind = "" }, func(n *NewsPing) { n.Code = 3 },
		func(n *NewsPing) { n.Kind, n.Code = Fail, 999 }, func(n *NewsPing) { n.Owner = eve }, func(n *NewsPing) { n.Target = "ffffffffffffffff" }, func(n *NewsPing) { n.Bytes = -1 },
	} {
		tell(bo, change)
	}
	w.wants("nothing was believed", look.Unfit)
	tell(bo, func(*NewsPing) {})
	w.wants("bo is in the circle", look.Unfit, look.Unfit, look.Fine)
	err := w.nodes[bo].pings.n.Members.Tell(t.Context(), cy, News{Pings: make([]NewsPing, MaxNews+1)})
	if core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
	// Who is in no circle cannot excuse anybody either.
	if err := w.nodes[eve].pings.n.Members.Tell(t.Context(), cy, News{Away: []NewsAway{{From: now.Add(-time.Hour), To: now}}}); err != nil {
		t.Error(err)
	}
	if n, err := db.One(t.Context(), w.nodes[cy].db, db.Int64, `SELECT count(*) FROM watch_away`); err != nil || n != 0 {
		t.Error(n, err)
	}
}

// TestRates: one target, and one network, cannot fill the disk.
func TestRates(t *testing.T) {
	w := newWorld(t, sqlite)
	count := map[int]int{}
	for range 40 {
		status, _ := w.ping(bo, http.MethodGet, "", "")
		count[status]++
	}
	if count[http.StatusOK] != targetBurst || count[http.StatusTooManyRequests] != 30 {
		t.Error(count)
	}
	w.pass(5 * time.Second)
	if status, _ := w.ping(bo, http.MethodGet, "", ""); status != http.StatusOK {
		t.Error(status)
	}
	good := w.token
	w.token = strings.Repeat("A", 22)
	count = map[int]int{}
	for range 200 {
		status, _ := w.ping(bo, http.MethodGet, "", "")
		count[status]++
	}
	if count[http.StatusTooManyRequests] < 100 {
		t.Error(count)
	}
	w.token = good
	w.pass(time.Minute)
	// A text of a megabyte is cut, and the ping counts.
	if status, _ := w.ping(bo, http.MethodPost, "/fail", strings.Repeat("x", 1<<20)); status != http.StatusOK {
		t.Error(status)
	}
	all, err := w.nodes[bo].pings.Recent(t.Context(), w.targets[0], 1)
	if err != nil || len(all) != 1 || all[0].Bytes != MaxBody || len(all[0].Line) != 0 && len(all[0].Line) > maxLine {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestOneHashOfTwoHosters: who publishes the hash of another's token takes no ping away,
// and reads nothing of it.
func TestOneHashOfTwoHosters(t *testing.T) {
	w := newWorld(t, sqlite)
	thief := w.targets[0]
	thief.Owner, thief.ID, thief.Made = cy, "ffffffffffffffff", 0
	w.targets = append([]target.Target{thief, thief}, w.targets...)
	for _, n := range w.nodes {
		if err := n.pings.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.ping(bo, http.MethodPost, "", "a secret")
	w.tell()
	if s, _, err := w.nodes[bo].pings.State(t.Context(), w.targets[2]); err != nil || s.State != Up {
		t.Errorf("%+v, %v", s, err)
	}
	if all, err := w.nodes[cy].pings.Recent(t.Context(), thief, 9); err != nil || len(all) != 1 || all[0].Line != "" {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestForget: at most a hundred pings stay, what is old goes, and all of a target that is
// gone.
func TestForget(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, sqlite)
		n := w.nodes[bo]
		n.db = d
		n.open()
		for i := range keptPings + 20 {
			if _, _, err := add(t.Context(), d, bo, Ping{Owner: ana, Target: w.targets[0].ID, Kind: Success, At: core.Moment(i + 1), Via: bo}, []core.MemberID{cy}); err != nil {
				t.Fatal(err)
			}
		}
		count := func(table string) int64 {
			t.Helper()
			n, err := db.One(t.Context(), d, db.Int64, `SELECT count(*) FROM `+table)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if got := count("watch_ping"); got != keptPings {
			t.Errorf("%d pings", got)
		}
		if err := n.pings.Prune(t.Context()); err != nil || count("watch_ping_out") != 0 || count("watch_signal") != 1 {
			t.Errorf("%v, %d, %d", err, count("watch_ping_out"), count("watch_signal"))
		}
		w.targets = nil
		if err := n.pings.Prune(t.Context()); err != nil || count("watch_ping") != 0 || count("watch_signal") != 0 {
			t.Errorf("%v, %d, %d", err, count("watch_ping"), count("watch_signal"))
		}
	})
}

// TestSameTold twice is one.
func TestSameTold(t *testing.T) {
	w := newWorld(t, sqlite)
	n := News{Pings: []NewsPing{{Owner: ana, Target: w.targets[0].ID, Kind: Success, At: core.At(w.clock()), Line: "ok"}}}
	for range 3 {
		if err := w.nodes[ana].pings.Told(t.Context(), bo, n); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := w.nodes[ana].pings.Recent(t.Context(), w.targets[0], 10); err != nil || len(all) != 1 || all[0].Line != "ok" {
		t.Errorf("%+v, %v", all, err)
	}
}

func FuzzPath(f *testing.F) {
	for _, what := range []string{"", "start", "0", "255", "256", "-0", "1e1"} {
		f.Add(what, "a\nb")
	}
	f.Fuzz(func(t *testing.T, what, text string) {
		kind, code, ok := parse(what)
		if ok && (code < 0 || code > 255 || code > 0 && kind != Fail) {
			t.Fatal(kind, code)
		}
		n, line, err := body(strings.NewReader(text))
		if err != nil || n > MaxBody || len(line) > maxLine || strings.ContainsAny(line, "\r\n\x00\x1b") {
			t.Fatalf("%d %q %v", n, line, err)
		}
	})
}
