package trust

import (
	"errors"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/task"
	"entrechat/internal/room/trust/trusttest"
)

func (n *node) standing(id core.MemberID) member.Standing {
	n.w.t.Helper()
	m, err := member.Find(n.w.t.Context(), n.DB, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return ""
	}
	trusttest.OK(n.w.t, err)
	return m.Standing
}

func TestInvitationMakesBothKnowEachOther(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	in, err := a.Members.Invite(t.Context(), time.Hour)
	trusttest.OK(t, err)
	for range 2 { // pasted twice: nothing changes
		if _, err := b.Members.Add(t.Context(), in.Address, in.Code); err != nil {
			t.Fatal(err)
		}
	}
	if a.standing("b.test") != member.Added || b.standing("a.test") != member.Added {
		t.Errorf("a sees %q, b sees %q", a.standing("b.test"), b.standing("a.test"))
	}
	if !a.follows("b.test") {
		t.Error("a does not follow b")
	}
	// The link leaks: the next one to use it gains nothing.
	if _, err = c.Members.Add(t.Context(), in.Address, in.Code); keyOf(err) != "trust.used_invite" {
		t.Errorf("c is told %v", err)
	}
	if left := trusttest.Must[[]task.Waiting](t)(c.Members.Tasks.Waiting(t.Context())); len(left) != 0 || c.standing("a.test") != "" || c.follows("a.test") {
		t.Errorf("the refused invitation left %+v, %q", left, c.standing("a.test"))
	}
	w.wait(time.Minute)
	if got := a.standing("c.test"); got != "" {
		t.Errorf("a used invitation made c %q", got)
	}
}

func TestWithoutInvitationOneOnlyAsks(t *testing.T) {
	w := newWorld(t, "a.test", "c.test")
	a, c := w.nodes["a.test"], w.nodes["c.test"]
	found, err := c.Members.Locate(t.Context(), a.url)
	trusttest.OK(t, err)
	_, err = c.Members.Add(t.Context(), found, "")
	trusttest.OK(t, err)
	if a.standing("c.test") != member.Asked {
		t.Fatalf("c is %q", a.standing("c.test"))
	}
	if a.follows("c.test") {
		t.Error("a request makes us follow")
	}
	for _, promise := range trusttest.Types() {
		kind := promise.Kind
		if _, err := a.May(t.Context(), "c.test", kind); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("%s: %v, want denied", kind, err)
		}
	}
	h, err := c.Pacts.Propose(t.Context(), "a.test", pact.Terms{Ask: []core.Grant{store(5)}})
	trusttest.OK(t, err)
	if list := trusttest.Must[[]pact.Record](t)(a.Pacts.List(t.Context())); len(list) != 0 {
		t.Error("a stranger's proposal is kept")
	}
	// a compares the words and adds c; c's proposal arrives by itself.
	found, err = a.Members.Locate(t.Context(), "c.test")
	trusttest.OK(t, err)
	_, err = a.Members.Add(t.Context(), found, "")
	trusttest.OK(t, err)
	w.wait(time.Hour)
	if got, err := a.Pacts.Get(t.Context(), h.ID); err != nil || got.State(a.now()) != pact.Proposed {
		t.Errorf("%v %v", got, err)
	}
}

func TestRootKeyIsPinned(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "x.test")
	w.befriend("a.test", "b.test")
	a, x := w.nodes["a.test"], w.nodes["x.test"]
	// Somebody buys b.test and comes with a key of its own, even with an invitation.
	thief := trusttest.KeyFrom("thief")
	address := w.nodes["b.test"].address()
	address.Root = trusttest.PublicRoot(thief)
	if _, err := a.Members.Add(t.Context(), address, ""); keyOf(err) != "trust.other_root" {
		t.Errorf("another root: %v", err)
	}
	in, err := a.Members.Invite(t.Context(), time.Hour)
	trusttest.OK(t, err)
	g := hello(t, member.Hello{V: 1, From: "b.test", To: "a.test", At: a.now(), Code: in.Code}, "b.test")
	g.Keys = trusttest.KeySet(t, "b.test", "https://b.test", thief)
	if _, err := a.Members.Greet(t.Context(), g); keyOf(err) != "trust.other_root" {
		t.Errorf("hello under another root: %v", err)
	}
	// The same key under a second name.
	twin := x.address()
	twin.Root = trusttest.PublicRoot(w.nodes["b.test"].root)
	if _, err := a.Members.Add(t.Context(), twin, ""); keyOf(err) != "trust.other_origin" {
		t.Errorf("one key, two origins: %v", err)
	}
}

// agree makes a pact: a gives 200, asks 100.
func (w *world) agree(a, b core.MemberID) pact.Record {
	w.t.Helper()
	h, err := w.nodes[a].Pacts.Propose(w.t.Context(), b, pact.Terms{
		Give: []core.Grant{store(200)}, Ask: []core.Grant{store(100)}, Card: pact.Card{Place: "Lyon", Admin: "Les Chats"},
	})
	trusttest.OK(w.t, err)
	h, err = w.nodes[b].Pacts.Accept(w.t.Context(), h.ID[:8], pact.Card{Place: "Brest,  France"})
	trusttest.OK(w.t, err)
	return h
}

func TestPactFromProposalToEnd(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	h := w.agree("a.test", "b.test")
	for _, n := range []*node{a, b} {
		got, err := n.Pacts.Get(t.Context(), h.ID)
		if err != nil || got.State(n.now()) != pact.Active {
			t.Fatalf("%s: %s %v", n.self(), got.State(n.now()), err)
		}
		if types := n.types(); !slices.Equal(types, []string{pact.TypePact}) {
			t.Errorf("%s logged %v", n.self(), types)
		}
	}
	if got := trusttest.Must[core.Allowance](t)(a.May(t.Context(), "b.test", trusttest.KindStore)); got.Grant.Amount("bytes") != 200 || got.ReadOnly {
		t.Errorf("a allows %+v", got)
	}
	lenders := trusttest.Must[[]core.Lender](t)(a.Lenders(t.Context(), trusttest.KindStore))
	if len(lenders) != 1 || lenders[0].Grant.Amount("bytes") != 100 || lenders[0].Site != "brest, france" {
		t.Errorf("lenders of a: %+v", lenders)
	}
	lenders = trusttest.Must[[]core.Lender](t)(b.Lenders(t.Context(), trusttest.KindStore))
	if len(lenders) != 1 || lenders[0].Grant.Amount("bytes") != 200 || lenders[0].Site != "lyon" || lenders[0].Admin != "les chats" {
		t.Errorf("lenders of b: %+v", lenders)
	}

	_, err := b.Pacts.Close(t.Context(), h.ID)
	trusttest.OK(t, err)
	for _, n := range []*node{a, b} {
		if types := n.types(); !slices.Contains(types, pact.TypePactEnd) {
			t.Errorf("%s logged %v", n.self(), types)
		}
		if left := trusttest.Must[[]core.Lender](t)(n.Lenders(t.Context(), trusttest.KindStore)); len(left) != 0 {
			t.Errorf("%s still lends to: %+v", n.self(), left)
		}
	}
	if got := trusttest.Must[core.Allowance](t)(a.May(t.Context(), "b.test", trusttest.KindStore)); !got.ReadOnly || got.Until != a.now().Add(90*day) {
		t.Errorf("during the notice: %+v", got)
	}
	w.wait(90 * day)
	if _, err := a.May(t.Context(), "b.test", trusttest.KindStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("after the notice: %v", err)
	}
}

func TestPactSurvivesEitherSideOffline(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	b.offline.Store(true)
	h, err := a.Pacts.Propose(t.Context(), "b.test", pact.Terms{Give: []core.Grant{store(1)}})
	trusttest.OK(t, err)
	if left := trusttest.Must[[]task.Waiting](t)(a.Members.Tasks.Waiting(t.Context())); len(left) != 1 || left[0].Tries != 1 {
		t.Fatalf("nothing waits: %+v", left)
	}
	b.offline.Store(false)
	w.wait(time.Hour)
	if _, err := b.Pacts.Get(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}

	a.offline.Store(true)
	_, err = b.Pacts.Accept(t.Context(), h.ID, pact.Card{})
	trusttest.OK(t, err)
	if got := trusttest.Must[pact.Record](t)(a.Pacts.Get(t.Context(), h.ID)); got.State(a.now()) != pact.Proposed {
		t.Fatal(got.State(a.now()))
	}
	a.offline.Store(false)
	w.wait(time.Hour)
	if got := trusttest.Must[pact.Record](t)(a.Pacts.Get(t.Context(), h.ID)); got.State(a.now()) != pact.Active {
		t.Fatal(got.State(a.now()))
	}

	a.offline.Store(true)
	_, err = b.Pacts.Close(t.Context(), h.ID)
	trusttest.OK(t, err)
	w.wait(time.Hour)
	a.offline.Store(false)
	a.work() // b's logbook, mirrored by others, tells it before b does
	if got := trusttest.Must[pact.Record](t)(a.Pacts.Get(t.Context(), h.ID)); got.State(a.now()) != pact.Ending || got.ClosedBy != "b.test" {
		t.Errorf("%s by %q", got.State(a.now()), got.ClosedBy)
	}
	w.wait(task.LastRetry)
	for _, n := range []*node{a, b} {
		if left := trusttest.Must[[]task.Waiting](t)(n.Members.Tasks.Waiting(t.Context())); len(left) != 0 {
			t.Errorf("%s still tries %+v", n.self(), left)
		}
	}
}

func TestHostilePacts(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("a.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	post := func(from *node, o pact.Offer) error {
		return from.client.JSON(t.Context(), "a.test", "POST", pact.PathPacts, o, nil)
	}

	h, err := a.Pacts.Propose(t.Context(), "b.test", pact.Terms{Give: []core.Grant{store(200)}})
	trusttest.OK(t, err)
	proposal := trusttest.Must[pact.Offer](t)(b.Pacts.Signed(t.Context(), h.ID))
	_, err = a.Pacts.Close(t.Context(), h.ID) // withdrawn; b is told
	trusttest.OK(t, err)
	if _, err := b.Pacts.Accept(t.Context(), h.ID, pact.Card{}); keyOf(err) != pact.KeyClosed {
		t.Errorf("accept what was withdrawn: %v", err)
	}
	// b signs all the same and sends it.
	late := proposal
	trusttest.OK(t, late.Pact.AddSignature(b.signer))
	_, acceptance, err := document.Sign(pact.AcceptType, pact.Acceptance{V: 1, Pact: h.ID, Accepter: "b.test", At: b.now()}, b.signer)
	trusttest.OK(t, err)
	late.Acceptance = &acceptance
	if err := post(b, late); keyOf(err) != pact.KeyClosed {
		t.Errorf("late acceptance: %v", err)
	}

	signedPact := w.agree("a.test", "b.test")
	old := trusttest.Must[pact.Offer](t)(b.Pacts.Signed(t.Context(), signedPact.ID))
	forged := old
	forged.Pact.Signatures = slices.Clone(old.Pact.Signatures)
	forged.Pact.Signatures[1].Sig = old.Pact.Signatures[0].Sig
	changed := old
	changed.Pact.Payload = proposal.Pact.Payload
	for name, o := range map[string]pact.Offer{"forged second signature": forged, "changed payload": changed} {
		if err := post(b, o); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("%s: %v, want denied", name, err)
		}
	}
	if err := post(c, old); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("somebody else's pact: %v, want denied", err)
	}
	if err := c.client.JSON(t.Context(), "a.test", "GET", pact.PathPacts+"/"+signedPact.ID, nil, nil); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("somebody else's text: %v, want not found", err)
	}
	if err := c.client.JSON(t.Context(), "a.test", "POST", pact.PathPacts+"/"+signedPact.ID+"/close", struct{}{}, nil); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("somebody else's end: %v, want not found", err)
	}
	if got := trusttest.Must[pact.Record](t)(a.Pacts.Get(t.Context(), signedPact.ID)); got.State(a.now()) != pact.Active {
		t.Fatal(got.State(a.now()))
	}

	// a ends it; b replays the acceptance of the day it was signed.
	_, err = a.Pacts.Close(t.Context(), signedPact.ID)
	trusttest.OK(t, err)
	trusttest.OK(t, post(b, old))
	if got := trusttest.Must[core.Allowance](t)(a.May(t.Context(), "b.test", trusttest.KindStore)); !got.ReadOnly {
		t.Errorf("a replayed acceptance gives %+v", got)
	}
}

func TestSuspendedAndRefusedKeepReading(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	w.agree("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	may := func() core.Allowance {
		t.Helper()
		return trusttest.Must[core.Allowance](t)(a.May(t.Context(), "b.test", trusttest.KindStore))
	}
	a.suspend("b.test", trusttest.Noon)
	if got := may(); !got.ReadOnly || got.Until != 0 {
		t.Errorf("suspended: %+v", got)
	}
	if left := trusttest.Must[[]core.Lender](t)(a.Lenders(t.Context(), trusttest.KindStore)); len(left) != 0 {
		t.Errorf("new data would go to a suspended member: %+v", left)
	}
	a.suspend("b.test", 0)
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", true))
	if got := may(); !got.ReadOnly {
		t.Errorf("refused: %+v", got)
	}
	if _, err := b.Pacts.Propose(t.Context(), "a.test", pact.Terms{Ask: []core.Grant{store(1)}}); err != nil {
		t.Fatal(err)
	}
	if list := trusttest.Must[[]pact.Record](t)(a.Pacts.List(t.Context())); len(list) != 1 {
		t.Errorf("a refused member's proposal is kept: %d", len(list))
	}
	trusttest.OK(t, a.Members.Refuse(t.Context(), "b.test", false))
	if got := may(); got.ReadOnly {
		t.Errorf("no longer refused: %+v", got)
	}
}

func TestVouchesAreFollowed(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test", "d.test")
	w.befriend("a.test", "b.test")
	w.befriend("b.test", "c.test")
	w.befriend("c.test", "d.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	trusttest.OK(t, b.Members.Vouch(t.Context(), "c.test"))
	trusttest.OK(t, b.Members.Vouch(t.Context(), "c.test"))
	trusttest.OK(t, c.Members.Vouch(t.Context(), "d.test"))
	if types := b.types(); len(types) != 1 {
		t.Errorf("vouching twice wrote %v", types)
	}
	w.wait(time.Minute)
	w.wait(time.Minute)
	if a.standing("c.test") != member.Met {
		t.Errorf("c is %q to a", a.standing("c.test"))
	}
	if a.standing("d.test") != "" {
		t.Errorf("a follows whom a member it only met vouches for: %q", a.standing("d.test"))
	}
	if _, err := a.May(t.Context(), "c.test", trusttest.KindStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a vouch alone grants something: %v", err)
	}
	trusttest.OK(t, b.Members.Unvouch(t.Context(), "c.test"))
	if err := b.Members.Unvouch(t.Context(), "c.test"); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("unvouch twice: %v", err)
	}
	w.wait(time.Minute)
	if a.standing("c.test") != "" || a.follows("c.test") {
		t.Errorf("c is still %q to a", a.standing("c.test"))
	}
}

// A person's word weighs more than vouches: the key others vouched for gives way.
func TestInvitationReplacesAKeyOnlyVouchedFor(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	wrong := w.nodes["c.test"].address()
	wrong.Root = trusttest.RootOf("somebody else")
	_, err := b.book.Append(t.Context(), member.TypeVouch, nil, 0, wrong)
	trusttest.OK(t, err)
	w.wait(time.Minute)
	if a.standing("c.test") != member.Met {
		t.Fatalf("c is %q", a.standing("c.test"))
	}
	w.befriend("a.test", "c.test")
	if m := trusttest.Must[member.Member](t)(member.Find(t.Context(), a.DB, "c.test")); m.Standing != member.Added || m.Root != w.nodes["c.test"].address().Root {
		t.Errorf("c is %+v", m)
	}
	w.wait(time.Minute)
	if log := trusttest.Must[logbook.Member](t)(a.book.Member(t.Context(), "c.test")); log.Root != w.nodes["c.test"].address().Root {
		t.Errorf("a follows %s", log.Root)
	}
}

func TestRefusalOutlivesVouches(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("b.test", "c.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	trusttest.OK(t, b.Members.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	trusttest.OK(t, a.Members.Refuse(t.Context(), "c.test", true))
	trusttest.OK(t, b.Members.Unvouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	trusttest.OK(t, b.Members.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	if m := trusttest.Must[member.Member](t)(member.Find(t.Context(), a.DB, "c.test")); !m.Refused {
		t.Error("the refusal is forgotten")
	}
}

func TestVouchBudget(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	for i := range member.MaxVouches + 10 { // b does not keep to the rule
		id := core.MemberID("m" + string(rune('a'+i/10)) + string(rune('a'+i%10)) + ".test")
		_, err := b.book.Append(t.Context(), member.TypeVouch, nil, 0, addressOf(id))
		trusttest.OK(t, err)
	}
	for _, n := range []*node{b, a} {
		trusttest.OK(t, errors.Join(n.book.Push(t.Context()), n.book.Deliver(t.Context(), n.Readers())))
	}
	if given := trusttest.Must[[]member.Vouch](t)(member.VouchesBy(t.Context(), a.DB, "b.test")); len(given) != member.MaxVouches {
		t.Errorf("%d vouches of one logbook count", len(given))
	}
	if err := b.Members.Vouch(t.Context(), "a.test"); keyOf(err) != "trust.vouch_budget" {
		t.Errorf("one more: %v", err)
	}
}

func TestCollective(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("b.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	id, err := a.Collectives.Found(t.Context(), collective.CharterDraft{
		Name: "Les Portées", Text: "Nous nous entraidons.", Others: []core.MemberID{"b.test"}, Grants: []core.Grant{trusttest.Login()},
	})
	trusttest.OK(t, err)
	w.wait(time.Minute)
	if _, err := a.May(t.Context(), "b.test", trusttest.KindLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("b never said it founded this: %v", err)
	}
	_, err = b.Collectives.Join(t.Context(), id[:10])
	trusttest.OK(t, err)
	w.wait(time.Minute)
	if got := trusttest.Must[core.Allowance](t)(a.May(t.Context(), "b.test", trusttest.KindLogin)); got.Grant.Kind != trusttest.KindLogin {
		t.Errorf("founders: %+v", got)
	}
	// c hears of it from b, joins, and waits for two vouches.
	w.wait(time.Minute)
	_, err = c.Collectives.Join(t.Context(), id)
	trusttest.OK(t, err)
	trusttest.OK(t, b.Members.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	w.wait(time.Minute)
	if _, err := a.May(t.Context(), "c.test", trusttest.KindLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("one vouch is enough: %v", err)
	}
	w.befriend("a.test", "c.test")
	trusttest.OK(t, a.Members.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	for _, n := range []*node{a, b} {
		if _, err := n.May(t.Context(), "c.test", trusttest.KindLogin); err != nil {
			t.Errorf("%s: %v", n.self(), err)
		}
	}
	if _, err := a.May(t.Context(), "c.test", trusttest.KindStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a charter stores: %v", err)
	}
	trusttest.OK(t, a.Members.Refuse(t.Context(), "c.test", true))
	if _, err := a.May(t.Context(), "c.test", trusttest.KindLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("refused: %v", err)
	}
	if lost := trusttest.Must[collective.Collective](t)(b.Collectives.Get(t.Context(), id)).Without("b.test"); !slices.Equal(lost, []core.MemberID{"c.test"}) {
		t.Errorf("without b: %v", lost)
	}
	trusttest.OK(t, b.Collectives.Leave(t.Context(), id))
	w.wait(time.Minute)
	if _, err := c.May(t.Context(), "a.test", trusttest.KindLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("c is no longer admitted: %v", err)
	}
}

// A node loses its disk. Its logbook, given back by the mirrors, says with whom
// it has pacts; the others hand the texts back.
func TestEverythingLost(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("a.test", "c.test")
	a := w.nodes["a.test"]
	kept := w.agree("a.test", "b.test")
	ended := w.agree("a.test", "b.test")
	closed := trusttest.Must[pact.Record](t)(a.Pacts.Close(t.Context(), ended.ID))
	trusttest.OK(t, a.Members.Vouch(t.Context(), "c.test"))

	w.wait(time.Minute) // everybody mirrors a
	a.signer = seal.NewSigner("a.test", trusttest.KeyFrom("a new online key"))
	a.open(w.newDB())
	trusttest.OK(t, a.book.Recovery.Expect(t.Context(), a.Self.Root, a.url))
	_, err := a.book.Recovery.Retrieve(t.Context(), []string{w.nodes["c.test"].url})
	trusttest.OK(t, err)
	_, err = a.book.Recovery.Resume(t.Context(), a.root, a.url)
	trusttest.OK(t, err)
	for range 4 {
		w.wait(time.Hour)
	}
	if a.standing("b.test") != member.Added || a.standing("c.test") != member.Added {
		t.Errorf("b is %q, c is %q", a.standing("b.test"), a.standing("c.test"))
	}
	if got, err := a.Pacts.Get(t.Context(), kept.ID); err != nil || got.State(a.now()) != pact.Active {
		t.Errorf("the pact in force: %s %v", got.State(a.now()), err)
	}
	// Whoever keeps something of ours until its notice is over must be known, and until when.
	got, err := a.Pacts.Get(t.Context(), ended.ID)
	if late := got.Until().Sub(closed.Until()).Abs(); err != nil || got.State(a.now()) != pact.Ending || late > time.Hour {
		t.Errorf("the ended pact: %s, its notice %s beside what it was: %v", got.State(a.now()), late, err)
	}
	if got := trusttest.Must[[]core.Lender](t)(a.Lenders(t.Context(), trusttest.KindStore)); len(got) != 1 || got[0].Site != "brest, france" {
		t.Errorf("lenders: %+v", got)
	}
}
