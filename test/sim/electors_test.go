package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/assembly/elector"
	assemblytables "entrechat/internal/room/assembly/migrations"
	"entrechat/internal/room/trust"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/grant"
	members "entrechat/internal/room/trust/member"
	trusttables "entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// electing is one node with logbook, trust, and who decides.
type electing struct {
	id       core.MemberID
	book     *logbook.Book
	trust    *trust.Room
	electors *elector.Service
	idle     func()
	server   *http.Server
}

// ward is such nodes on fake time, with pipes for a network.
type ward struct {
	t       *testing.T
	net     *network
	nodes   []*electing
	charter string
}

// foundElecting makes a node.
func (w *ward) foundElecting(dir string, id core.MemberID) {
	t := w.t
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, string(id)+".db"))
	trusttest.OK(t, err)
	t.Cleanup(func() { _ = d.Close() })
	trusttest.OK(t, errors.Join(db.Migrate(t.Context(), d, "logbook", logbook.Migrations()), db.Migrate(t.Context(), d, "trust", trusttables.Files), db.Migrate(t.Context(), d, "assembly", assemblytables.Files)))
	signer, root, url, quiet := trusttest.SignerOf(id), trusttest.KeyFrom("root of "+string(id)), "http://"+string(id), slog.New(slog.DiscardHandler)
	n := &electing{id: id}
	n.book = logbook.New(logbook.Needs{DB: d, Signer: signer, Now: time.Now, Log: quiet, Tuning: logbook.Tuning{Wait: time.Minute, NoListen: true}})
	needs := peer.Needs{Signer: signer, Keyring: n.book, Private: true, Now: time.Now, Log: quiet, Dial: w.net.dialer(string(id), func(to string) string { return to })}
	caller := peer.NewClient(needs)
	n.idle = caller.CloseIdle
	n.book.Connect(caller)
	n.trust, err = trust.New(trust.Needs{
		DB: d, Types: grant.Types{}, Signer: signer, Self: members.Address{Member: id, URL: url, Root: trusttest.PublicRoot(root)},
		Book: n.book, Follower: n.book, Caller: caller, Home: func(a members.Address) string { return "http://" + string(a.Member) }, Now: time.Now, Log: quiet,
	})
	trusttest.OK(t, err)
	n.electors = elector.New(elector.Needs{DB: d, Book: n.book, Collectives: func() (elector.Collectives, bool) { return charters{n.trust.Collectives}, true }})
	n.server = peer.NewServer("", peer.NewHandler(needs, append(n.book.Routes(), n.trust.Fittings().Peer...)))
	l := w.net.listen(string(id))
	go func() { _ = n.server.Serve(l) }()
	trusttest.OK(t, n.book.Init(t.Context(), trusttest.KeySet(t, id, url, root), trusttest.PublicRoot(root)))
	w.nodes = append(w.nodes, n)
}

// charters are those of a node's room trust.
type charters struct{ *collective.Service }

func (c charters) Society(ctx context.Context, id string) (elector.Society, error) {
	found, err := c.Get(ctx, id)
	s := elector.Society{Charter: elector.Charter{ID: found.ID, Admit: found.Charter.Admit}, Root: found.Root, Suspended: found.Barred}
	for _, f := range found.Charter.Founders {
		s.Charter.Founders = append(s.Charter.Founders, elector.Founder{Member: f.Member, Root: f.Root})
	}
	return s, err
}

func (charters) Followed(context.Context) ([]elector.Charter, error) { return nil, nil }

// pass has days go by, and then everybody exchange what they have.
func (w *ward) pass(days int) {
	w.t.Helper()
	time.Sleep(time.Duration(days) * 24 * time.Hour)
	for range 3 {
		time.Sleep(5 * time.Minute)
		for _, n := range w.nodes {
			ctx := w.t.Context()
			_, _ = n.book.Pull(ctx), n.book.Push(ctx) // who cannot be reached is no error of who asks
			trusttest.OK(w.t, errors.Join(n.book.Deliver(ctx, slices.Concat(n.trust.Readers(), n.electors.Readers())), n.trust.Members.Settle(ctx)))
			_ = n.trust.Tasks.Run(ctx)
		}
	}
}

// meet has a newcomer add a member that invited it.
func (w *ward) meet(newcomer, member int) {
	w.t.Helper()
	in, err := w.nodes[member].trust.Members.Invite(w.t.Context(), time.Hour)
	trusttest.OK(w.t, err)
	_, err = w.nodes[newcomer].trust.Members.Add(w.t.Context(), in.Address, in.Code)
	trusttest.OK(w.t, err)
}

// vouch has members meet a newcomer and vouch for it.
func (w *ward) vouch(newcomer int, by ...int) {
	w.t.Helper()
	for _, i := range by {
		w.meet(newcomer, i)
		trusttest.OK(w.t, w.nodes[i].trust.Members.Vouch(w.t.Context(), w.nodes[newcomer].id))
	}
}

// join has nodes follow the charter.
func (w *ward) join(nodes ...int) {
	w.t.Helper()
	for _, i := range nodes {
		_, err := w.nodes[i].trust.Collectives.Join(w.t.Context(), w.charter)
		trusttest.OK(w.t, err)
	}
}

// says is who decides now by one node: "0 1 2! 3:too_young"; all others draw the same from the
// same heads, and by what they have read themselves.
func (w *ward) says(author int) string {
	t := w.t
	t.Helper()
	at := core.At(time.Now())
	drawn, err := w.nodes[author].electors.Draw(t.Context(), w.charter, at)
	trusttest.OK(t, err)
	for i, n := range w.nodes {
		check, err := n.electors.Recheck(t.Context(), elector.Named{Charter: w.charter, At: at, Electorate: drawn.Electorate(nil), Heads: drawn.Heads})
		own, err2 := n.electors.Draw(t.Context(), w.charter, at)
		if err != nil || err2 != nil || !check.Same() || fmt.Sprint(own.Candidates) != fmt.Sprint(drawn.Candidates) {
			t.Fatalf("node %d finds others than node %d: %+v %v %v\n%v\n%v", i, author, check, err, err2, own.Candidates, drawn.Candidates)
		}
	}
	var out []string
	for _, c := range drawn.Candidates {
		word := strings.TrimLeft(strings.TrimSuffix(string(c.Member), ".test")[1:], "0")
		switch {
		case !c.In():
			word += ":" + string(c.Why)
		case c.Warned:
			word += "!"
		}
		out = append(out, word)
	}
	return strings.Join(out, " ")
}

// end stops everything, so that nothing of it is left in the bubble.
func (w *ward) end() {
	for _, n := range w.nodes {
		_ = n.server.Close()
		n.idle()
	}
	time.Sleep(2 * time.Minute)
	synctest.Wait()
}

// TestSockPuppetsDoNotDecide: eleven nodes with real logbooks. Two founded a collective, one came
// to it and looked honest for 200 days; then it brings eight more that vouch for each other. After
// 30 days they are in no electorate, after 91 neither, and every node says so alike and why; the
// one that a member of another branch vouches for is in, with a warning.
func TestSockPuppetsDoNotDecide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const founder, second, evil, first, last = 0, 1, 2, 3, 10
		w := &ward{t: t, net: &network{cut: func(string, string) bool { return false }}}
		defer w.end()
		dir := scratch(t)
		for i := range last + 1 {
			w.foundElecting(dir, core.MemberID(fmt.Sprintf("m%03d.test", i+1)))
		}
		time.Sleep(time.Minute) // requests of the second a node starts in are refused
		w.vouch(second, founder)
		var err error
		w.charter, err = w.nodes[founder].trust.Collectives.Found(t.Context(), collective.CharterDraft{Name: "Us", Text: "We.", Others: []core.MemberID{w.nodes[second].id}})
		trusttest.OK(t, err)
		w.pass(0)
		w.join(second)
		w.vouch(evil, founder)
		w.pass(0)
		w.vouch(evil, second)
		w.pass(0)
		w.join(evil)
		w.pass(200)
		w.vouch(first, evil, founder) // a founder that was taken in
		w.pass(0)
		w.join(first)
		for i := first + 1; i <= last; i++ {
			w.meet(i, founder) // who vouches for none of these
			w.vouch(i, i-1, i-2)
			w.pass(0)
			w.join(i)
		}
		w.pass(30)
		puppets := func(why string) string { return strings.ReplaceAll("4_ 5_ 6_ 7_ 8_ 9_ 10_ 11_", "_", why) }
		if got, want := w.says(founder), "1 2 3! "+puppets(":too_young"); got != want {
			t.Fatalf("after 30 days: %s", got)
		}
		w.pass(61)
		if got, want := w.says(second), "1 2 3! "+puppets(":no_outside_vouch"); got != want {
			t.Fatalf("after 91 days: %s", got)
		}
		w.vouch(first+4, second)
		w.pass(0)
		if got, want := w.says(last), "1 2 3! "+strings.Replace(puppets(":no_outside_vouch"), "8:no_outside_vouch", "8!", 1); got != want {
			t.Fatalf("with a vouch from outside: %s", got)
		}
	})
}
