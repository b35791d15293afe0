package trust

import (
	"errors"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

func (n *node) standing(id core.MemberID) Standing {
	n.w.t.Helper()
	m, err := member(n.w.t.Context(), n.DB, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return ""
	}
	ok(n.w.t, err)
	return m.Standing
}

func TestInvitationMakesBothKnowEachOther(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	in, err := a.Invite(t.Context(), time.Hour)
	ok(t, err)
	for range 2 { // pasted twice: nothing changes
		if _, err := b.Add(t.Context(), in.Address, in.Code); err != nil {
			t.Fatal(err)
		}
	}
	if a.standing("b.test") != Added || b.standing("a.test") != Added {
		t.Errorf("a sees %q, b sees %q", a.standing("b.test"), b.standing("a.test"))
	}
	if !a.follows("b.test") {
		t.Error("a does not follow b")
	}
	// The link leaks: the next one to use it gains nothing.
	if _, err = c.Add(t.Context(), in.Address, in.Code); keyOf(err) != "trust.used_invite" {
		t.Errorf("c is told %v", err)
	}
	if left := must[[]Waiting](t)(c.Tasks.Waiting(t.Context())); len(left) != 0 || c.standing("a.test") != "" || c.follows("a.test") {
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
	found, err := c.Locate(t.Context(), a.url)
	ok(t, err)
	_, err = c.Add(t.Context(), found, "")
	ok(t, err)
	if a.standing("c.test") != Asked {
		t.Fatalf("c is %q", a.standing("c.test"))
	}
	if a.follows("c.test") {
		t.Error("a request makes us follow")
	}
	for _, kind := range core.GrantKinds() {
		if _, err := a.May(t.Context(), "c.test", kind); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("%s: %v, want denied", kind, err)
		}
	}
	h, err := c.Propose(t.Context(), "a.test", Terms{Ask: []core.Grant{store(5)}})
	ok(t, err)
	if list := must[[]Held](t)(a.Pacts(t.Context())); len(list) != 0 {
		t.Error("a stranger's proposal is kept")
	}
	// a compares the words and adds c; c's proposal arrives by itself.
	found, err = a.Locate(t.Context(), "c.test")
	ok(t, err)
	_, err = a.Add(t.Context(), found, "")
	ok(t, err)
	w.wait(time.Hour)
	if got, err := a.Pact(t.Context(), h.ID); err != nil || got.State(a.now()) != Proposed {
		t.Errorf("%v %v", got, err)
	}
}

func TestRootKeyIsPinned(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "x.test")
	w.befriend("a.test", "b.test")
	a, x := w.nodes["a.test"], w.nodes["x.test"]
	// Somebody buys b.test and comes with a key of its own, even with an invitation.
	thief := keyFrom("thief")
	address := w.nodes["b.test"].address()
	address.Root = publicRoot(thief)
	if _, err := a.Add(t.Context(), address, ""); keyOf(err) != "trust.other_root" {
		t.Errorf("another root: %v", err)
	}
	in, err := a.Invite(t.Context(), time.Hour)
	ok(t, err)
	g := hello(t, Hello{V: 1, From: "b.test", To: "a.test", At: a.now(), Code: in.Code}, "b.test")
	g.Keys = keySet(t, "b.test", "https://b.test", thief)
	if _, err := a.Greet(t.Context(), g); keyOf(err) != "trust.other_root" {
		t.Errorf("hello under another root: %v", err)
	}
	// The same key under a second name.
	twin := x.address()
	twin.Root = publicRoot(w.nodes["b.test"].root)
	if _, err := a.Add(t.Context(), twin, ""); keyOf(err) != "trust.other_origin" {
		t.Errorf("one key, two origins: %v", err)
	}
}

// agree makes a pact: a gives 200, asks 100.
func (w *world) agree(a, b core.MemberID) Held {
	w.t.Helper()
	h, err := w.nodes[a].Propose(w.t.Context(), b, Terms{
		Give: []core.Grant{store(200)}, Ask: []core.Grant{store(100)}, Card: Card{Place: "Lyon", Admin: "Les Chats"},
	})
	ok(w.t, err)
	h, err = w.nodes[b].Accept(w.t.Context(), h.ID[:8], Card{Place: "Brest,  France"})
	ok(w.t, err)
	return h
}

func TestPactFromProposalToEnd(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	h := w.agree("a.test", "b.test")
	for _, n := range []*node{a, b} {
		got, err := n.Pact(t.Context(), h.ID)
		if err != nil || got.State(n.now()) != Active {
			t.Fatalf("%s: %s %v", n.self(), got.State(n.now()), err)
		}
		if types := n.types(); !slices.Equal(types, []string{typePact}) {
			t.Errorf("%s logged %v", n.self(), types)
		}
	}
	if got := must[core.Allowance](t)(a.May(t.Context(), "b.test", core.GrantStore)); got.Grant.Bytes != 200 || got.ReadOnly {
		t.Errorf("a allows %+v", got)
	}
	lenders := must[[]core.Lender](t)(a.Lenders(t.Context(), core.GrantStore))
	if len(lenders) != 1 || lenders[0].Grant.Bytes != 100 || lenders[0].Site != "brest, france" {
		t.Errorf("lenders of a: %+v", lenders)
	}
	lenders = must[[]core.Lender](t)(b.Lenders(t.Context(), core.GrantStore))
	if len(lenders) != 1 || lenders[0].Grant.Bytes != 200 || lenders[0].Site != "lyon" || lenders[0].Admin != "les chats" {
		t.Errorf("lenders of b: %+v", lenders)
	}

	_, err := b.Close(t.Context(), h.ID)
	ok(t, err)
	for _, n := range []*node{a, b} {
		if types := n.types(); !slices.Contains(types, typePactEnd) {
			t.Errorf("%s logged %v", n.self(), types)
		}
		if left := must[[]core.Lender](t)(n.Lenders(t.Context(), core.GrantStore)); len(left) != 0 {
			t.Errorf("%s still lends to: %+v", n.self(), left)
		}
	}
	if got := must[core.Allowance](t)(a.May(t.Context(), "b.test", core.GrantStore)); !got.ReadOnly || got.Until != a.now().Add(90*day) {
		t.Errorf("during the notice: %+v", got)
	}
	w.wait(90 * day)
	if _, err := a.May(t.Context(), "b.test", core.GrantStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("after the notice: %v", err)
	}
}

func TestPactSurvivesEitherSideOffline(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	b.offline.Store(true)
	h, err := a.Propose(t.Context(), "b.test", Terms{Give: []core.Grant{store(1)}})
	ok(t, err)
	if left := must[[]Waiting](t)(a.Tasks.Waiting(t.Context())); len(left) != 1 || left[0].Tries != 1 {
		t.Fatalf("nothing waits: %+v", left)
	}
	b.offline.Store(false)
	w.wait(time.Hour)
	if _, err := b.Pact(t.Context(), h.ID); err != nil {
		t.Fatal(err)
	}

	a.offline.Store(true)
	_, err = b.Accept(t.Context(), h.ID, Card{})
	ok(t, err)
	if got := must[Held](t)(a.Pact(t.Context(), h.ID)); got.State(a.now()) != Proposed {
		t.Fatal(got.State(a.now()))
	}
	a.offline.Store(false)
	w.wait(time.Hour)
	if got := must[Held](t)(a.Pact(t.Context(), h.ID)); got.State(a.now()) != Active {
		t.Fatal(got.State(a.now()))
	}

	a.offline.Store(true)
	_, err = b.Close(t.Context(), h.ID)
	ok(t, err)
	w.wait(time.Hour)
	a.offline.Store(false)
	a.work() // b's logbook, mirrored by others, tells it before b does
	if got := must[Held](t)(a.Pact(t.Context(), h.ID)); got.State(a.now()) != Ending || got.ClosedBy != "b.test" {
		t.Errorf("%s by %q", got.State(a.now()), got.ClosedBy)
	}
	w.wait(lastRetry)
	for _, n := range []*node{a, b} {
		if left := must[[]Waiting](t)(n.Tasks.Waiting(t.Context())); len(left) != 0 {
			t.Errorf("%s still tries %+v", n.self(), left)
		}
	}
}

func TestHostilePacts(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("a.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	post := func(from *node, o Offer) error {
		return from.client.JSON(t.Context(), "a.test", "POST", pathPacts, o, nil)
	}

	h, err := a.Propose(t.Context(), "b.test", Terms{Give: []core.Grant{store(200)}})
	ok(t, err)
	proposal := must[Offer](t)(b.Signed(t.Context(), h.ID))
	_, err = a.Close(t.Context(), h.ID) // withdrawn; b is told
	ok(t, err)
	if _, err := b.Accept(t.Context(), h.ID, Card{}); keyOf(err) != keyClosed {
		t.Errorf("accept what was withdrawn: %v", err)
	}
	// b signs all the same and sends it.
	late := proposal
	ok(t, late.Pact.AddSignature(b.signer))
	_, acceptance, err := sign(AcceptType, Acceptance{V: 1, Pact: h.ID, Accepter: "b.test", At: b.now()}, b.signer)
	ok(t, err)
	late.Acceptance = &acceptance
	if err := post(b, late); keyOf(err) != keyClosed {
		t.Errorf("late acceptance: %v", err)
	}

	signedPact := w.agree("a.test", "b.test")
	old := must[Offer](t)(b.Signed(t.Context(), signedPact.ID))
	forged := old
	forged.Pact.Signatures = slices.Clone(old.Pact.Signatures)
	forged.Pact.Signatures[1].Sig = old.Pact.Signatures[0].Sig
	changed := old
	changed.Pact.Payload = proposal.Pact.Payload
	for name, o := range map[string]Offer{"forged second signature": forged, "changed payload": changed} {
		if err := post(b, o); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("%s: %v, want denied", name, err)
		}
	}
	if err := post(c, old); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("somebody else's pact: %v, want denied", err)
	}
	if err := c.client.JSON(t.Context(), "a.test", "GET", pathPacts+"/"+signedPact.ID, nil, nil); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("somebody else's text: %v, want not found", err)
	}
	if err := c.client.JSON(t.Context(), "a.test", "POST", pathPacts+"/"+signedPact.ID+"/close", struct{}{}, nil); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("somebody else's end: %v, want not found", err)
	}
	if got := must[Held](t)(a.Pact(t.Context(), signedPact.ID)); got.State(a.now()) != Active {
		t.Fatal(got.State(a.now()))
	}

	// a ends it; b replays the acceptance of the day it was signed.
	_, err = a.Close(t.Context(), signedPact.ID)
	ok(t, err)
	ok(t, post(b, old))
	if got := must[core.Allowance](t)(a.May(t.Context(), "b.test", core.GrantStore)); !got.ReadOnly {
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
		return must[core.Allowance](t)(a.May(t.Context(), "b.test", core.GrantStore))
	}
	a.suspend("b.test", noon)
	if got := may(); !got.ReadOnly || got.Until != 0 {
		t.Errorf("suspended: %+v", got)
	}
	if left := must[[]core.Lender](t)(a.Lenders(t.Context(), core.GrantStore)); len(left) != 0 {
		t.Errorf("new data would go to a suspended member: %+v", left)
	}
	a.suspend("b.test", 0)
	ok(t, a.Refuse(t.Context(), "b.test", true))
	if got := may(); !got.ReadOnly {
		t.Errorf("refused: %+v", got)
	}
	if _, err := b.Propose(t.Context(), "a.test", Terms{Ask: []core.Grant{store(1)}}); err != nil {
		t.Fatal(err)
	}
	if list := must[[]Held](t)(a.Pacts(t.Context())); len(list) != 1 {
		t.Errorf("a refused member's proposal is kept: %d", len(list))
	}
	ok(t, a.Refuse(t.Context(), "b.test", false))
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
	ok(t, b.Vouch(t.Context(), "c.test"))
	ok(t, b.Vouch(t.Context(), "c.test"))
	ok(t, c.Vouch(t.Context(), "d.test"))
	if types := b.types(); len(types) != 1 {
		t.Errorf("vouching twice wrote %v", types)
	}
	w.wait(time.Minute)
	w.wait(time.Minute)
	if a.standing("c.test") != Met {
		t.Errorf("c is %q to a", a.standing("c.test"))
	}
	if a.standing("d.test") != "" {
		t.Errorf("a follows whom a member it only met vouches for: %q", a.standing("d.test"))
	}
	if _, err := a.May(t.Context(), "c.test", core.GrantStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a vouch alone grants something: %v", err)
	}
	ok(t, b.Unvouch(t.Context(), "c.test"))
	if err := b.Unvouch(t.Context(), "c.test"); core.CodeOf(err) != core.CodeNotFound {
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
	wrong.Root = rootOf("somebody else")
	_, err := b.book.Append(t.Context(), typeVouch, nil, 0, wrong)
	ok(t, err)
	w.wait(time.Minute)
	if a.standing("c.test") != Met {
		t.Fatalf("c is %q", a.standing("c.test"))
	}
	w.befriend("a.test", "c.test")
	if m := must[Member](t)(member(t.Context(), a.DB, "c.test")); m.Standing != Added || m.Root != w.nodes["c.test"].address().Root {
		t.Errorf("c is %+v", m)
	}
	w.wait(time.Minute)
	if log := must[logbook.Member](t)(a.book.Member(t.Context(), "c.test")); log.Root != w.nodes["c.test"].address().Root {
		t.Errorf("a follows %s", log.Root)
	}
}

func TestRefusalOutlivesVouches(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("b.test", "c.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	ok(t, b.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	ok(t, a.Refuse(t.Context(), "c.test", true))
	ok(t, b.Unvouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	ok(t, b.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	if m := must[Member](t)(member(t.Context(), a.DB, "c.test")); !m.Refused {
		t.Error("the refusal is forgotten")
	}
}

func TestVouchBudget(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	w.befriend("a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	for i := range maxVouches + 10 { // b does not keep to the rule
		id := core.MemberID("m" + string(rune('a'+i/10)) + string(rune('a'+i%10)) + ".test")
		_, err := b.book.Append(t.Context(), typeVouch, nil, 0, addressOf(id))
		ok(t, err)
	}
	for _, n := range []*node{b, a} {
		ok(t, errors.Join(n.book.Push(t.Context()), n.book.Deliver(t.Context(), n.Readers())))
	}
	if given := must[[]Vouch](t)(vouchesBy(t.Context(), a.DB, "b.test")); len(given) != maxVouches {
		t.Errorf("%d vouches of one logbook count", len(given))
	}
	if err := b.Vouch(t.Context(), "a.test"); keyOf(err) != "trust.vouch_budget" {
		t.Errorf("one more: %v", err)
	}
}

func TestCollective(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("b.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	id, err := a.Found(t.Context(), CharterDraft{
		Name: "Les Portées", Text: "Nous nous entraidons.", Others: []core.MemberID{"b.test"}, Grants: []core.Grant{{Kind: core.GrantLogin}},
	})
	ok(t, err)
	w.wait(time.Minute)
	if _, err := a.May(t.Context(), "b.test", core.GrantLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("b never said it founded this: %v", err)
	}
	_, err = b.Join(t.Context(), id[:10])
	ok(t, err)
	w.wait(time.Minute)
	if got := must[core.Allowance](t)(a.May(t.Context(), "b.test", core.GrantLogin)); got.Grant.Kind != core.GrantLogin {
		t.Errorf("founders: %+v", got)
	}
	// c hears of it from b, joins, and waits for two vouches.
	w.wait(time.Minute)
	_, err = c.Join(t.Context(), id)
	ok(t, err)
	ok(t, b.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	w.wait(time.Minute)
	if _, err := a.May(t.Context(), "c.test", core.GrantLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("one vouch is enough: %v", err)
	}
	w.befriend("a.test", "c.test")
	ok(t, a.Vouch(t.Context(), "c.test"))
	w.wait(time.Minute)
	for _, n := range []*node{a, b} {
		if _, err := n.May(t.Context(), "c.test", core.GrantLogin); err != nil {
			t.Errorf("%s: %v", n.self(), err)
		}
	}
	if _, err := a.May(t.Context(), "c.test", core.GrantStore); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("a charter stores: %v", err)
	}
	ok(t, a.Refuse(t.Context(), "c.test", true))
	if _, err := a.May(t.Context(), "c.test", core.GrantLogin); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("refused: %v", err)
	}
	if lost := must[Collective](t)(b.Collective(t.Context(), id)).Without("b.test"); !slices.Equal(lost, []core.MemberID{"c.test"}) {
		t.Errorf("without b: %v", lost)
	}
	ok(t, b.Leave(t.Context(), id))
	w.wait(time.Minute)
	if _, err := c.May(t.Context(), "a.test", core.GrantLogin); core.CodeOf(err) != core.CodeDenied {
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
	closed := must[Held](t)(a.Close(t.Context(), ended.ID))
	ok(t, a.Vouch(t.Context(), "c.test"))

	w.wait(time.Minute) // everybody mirrors a
	a.signer = seal.NewSigner("a.test", keyFrom("a new online key"))
	a.open(w.newDB())
	ok(t, a.book.Recovery.Expect(t.Context(), a.Self.Root, a.url))
	_, err := a.book.Recovery.Retrieve(t.Context(), []string{w.nodes["c.test"].url})
	ok(t, err)
	_, err = a.book.Recovery.Resume(t.Context(), a.root, a.url)
	ok(t, err)
	for range 4 {
		w.wait(time.Hour)
	}
	if a.standing("b.test") != Added || a.standing("c.test") != Added {
		t.Errorf("b is %q, c is %q", a.standing("b.test"), a.standing("c.test"))
	}
	if got, err := a.Pact(t.Context(), kept.ID); err != nil || got.State(a.now()) != Active {
		t.Errorf("the pact in force: %s %v", got.State(a.now()), err)
	}
	// Whoever keeps something of ours until its notice is over must be known, and until when.
	got, err := a.Pact(t.Context(), ended.ID)
	if late := got.Until().Sub(closed.Until()).Abs(); err != nil || got.State(a.now()) != Ending || late > time.Hour {
		t.Errorf("the ended pact: %s, its notice %s beside what it was: %v", got.State(a.now()), late, err)
	}
	if got := must[[]core.Lender](t)(a.Lenders(t.Context(), core.GrantStore)); len(got) != 1 || got[0].Site != "brest, france" {
		t.Errorf("lenders: %+v", got)
	}
}
