package trust

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
)

const noon = core.Moment(1_800_000_000_000_000)

// rootOf is a made-up root key, one for each name.
func rootOf(name string) core.RootKey {
	var k core.RootKey
	copy(k[:], name)
	return k
}

func addressOf(id core.MemberID) Address {
	return Address{Member: id, URL: "https://" + string(id), Root: rootOf(string(id))}
}

func store(bytes int64) core.Grant { return core.Grant{Kind: core.GrantStore, Bytes: bytes} }

// pactOf is a valid pact between a.test and b.test.
func pactOf(give, ask []core.Grant) Pact {
	return Pact{
		V: 1, Terms: termsV1, Nonce: "AAAAAAAAAAAAAAAAAAAAAAAAAA", Made: noon, OpenUntil: noon.Add(defaultOpen),
		Proposer:   Party{Address: addressOf("a.test"), Grants: give, Card: Card{Place: "Lyon, France"}},
		Accepter:   Party{Address: addressOf("b.test"), Grants: ask},
		NoticeDays: 90,
	}
}

func TestPactCheck(t *testing.T) {
	good := pactOf([]core.Grant{store(1)}, nil)
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Pact){
		"other terms":            func(p *Pact) { p.Terms = "entrechat/convention/2" },
		"no nonce":               func(p *Pact) { p.Nonce = "" },
		"with oneself":           func(p *Pact) { p.Accepter.Member = p.Proposer.Member },
		"one root, two origins":  func(p *Pact) { p.Accepter.Root = p.Proposer.Root },
		"no grant":               func(p *Pact) { p.Proposer.Grants = nil },
		"speaks for the other":   func(p *Pact) { p.Accepter.Card.Place = "Lyon" },
		"no notice":              func(p *Pact) { p.NoticeDays = 0 },
		"notice overflows":       func(p *Pact) { p.NoticeDays = 1 << 52 },
		"open for ever":          func(p *Pact) { p.OpenUntil = noon.Add(1000 * day) },
		"a day that is not one":  func(p *Pact) { p.Review = "2027-02-30" },
		"terminal escape":        func(p *Pact) { p.Purpose = "\x1b[2J" },
		"text turned round":      func(p *Pact) { p.Proposer.Card.Name = "abc\u202ecba" },
		"two lines for one":      func(p *Pact) { p.Proposer.Card.Place = "Lyon\nParis" },
		"grant twice":            func(p *Pact) { p.Proposer.Grants = []core.Grant{store(1), store(2)} },
		"bytes for watch":        func(p *Pact) { p.Proposer.Grants = []core.Grant{{Kind: core.GrantWatch, EveryS: 60, Bytes: 1}} },
		"negative bytes":         func(p *Pact) { p.Proposer.Grants = []core.Grant{store(-1)} },
		"unknown kind":           func(p *Pact) { p.Proposer.Grants = []core.Grant{{Kind: "root"}} },
		"url with a password":    func(p *Pact) { p.Proposer.URL = "https://u:p@a.test" },
		"url that runs a script": func(p *Pact) { p.Proposer.URL = "javascript:alert(1)" },
	} {
		p := pactOf([]core.Grant{store(1)}, nil)
		spoil(&p)
		if err := p.Check(); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestPactStates(t *testing.T) {
	p := pactOf([]core.Grant{store(1)}, nil)
	accepted := &Acceptance{V: 1, Pact: "x", Accepter: "b.test", At: noon}
	at := func(h Held, after time.Duration) State { return h.State(noon.Add(after)) }
	for _, c := range []struct {
		name  string
		held  Held
		after time.Duration
		want  State
	}{
		{"new", Held{Pact: p}, 0, Proposed},
		{"not answered", Held{Pact: p}, defaultOpen, Lapsed},
		{"declined", Held{Pact: p, Closed: noon, ClosedBy: "b.test"}, day, Declined},
		{"withdrawn", Held{Pact: p, Closed: noon, ClosedBy: "a.test"}, day, Withdrawn},
		{"signed, long ago", Held{Pact: p, Accepted: accepted}, 5000 * day, Active},
		{"last day of notice", Held{Pact: p, Accepted: accepted, Closed: noon, ClosedBy: "a.test"}, 90*day - 1000, Ending},
		{"notice over", Held{Pact: p, Accepted: accepted, Closed: noon, ClosedBy: "a.test"}, 90 * day, Ended},
	} {
		if got := at(c.held, c.after); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// pactMachine drives one pact through anything the two parties, strangers and
// late deliveries can do.
type pactMachine struct {
	held    Held
	now     core.Moment
	closed  bool // somebody closed it
	granted bool // it was active at some moment
}

func (m *pactMachine) Accept(t *rapid.T) {
	before := m.held.State(m.now)
	h, err := m.held.Accept(Acceptance{V: 1, Accepter: "b.test", At: m.now}, m.now)
	if refused := before == Declined || before == Withdrawn || before == Lapsed; refused != (err != nil) {
		t.Fatalf("accept in state %s: %v", before, err)
	}
	m.held = h
}

func (m *pactMachine) Close(t *rapid.T) {
	by := rapid.SampledFrom([]core.MemberID{"a.test", "b.test", "stranger.test"}).Draw(t, "by")
	h, err := m.held.Close(by, m.now)
	if (err != nil) != (by == "stranger.test") {
		t.Fatalf("close by %s: %v", by, err)
	}
	m.held, m.closed = h, m.closed || err == nil
}

func (m *pactMachine) Wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 100*24).Draw(t, "hours")) * time.Hour)
}

// Check holds after every step: an ended pact never writes, reading ends with
// the notice, nothing is larger than what the text says.
func (m *pactMachine) Check(t *rapid.T) {
	state := m.held.State(m.now)
	m.granted = m.granted || state == Active
	if m.closed && state == Active {
		t.Fatal("a closed pact is active")
	}
	a, err := Standpoint{Who: "b.test", Known: true, Pacts: []Held{m.held}}.Allow(core.GrantStore, m.now)
	switch {
	case (state == Active || state == Ending) != (err == nil):
		t.Fatalf("%s: %+v %v", state, a, err)
	case err == nil && a.ReadOnly != (state == Ending):
		t.Fatalf("%s: read only %v", state, a.ReadOnly)
	case state == Ending && (a.Until <= m.now || a.Until != m.held.Until()):
		t.Fatalf("until %d at %d", a.Until, m.now)
	case a.Grant.Bytes > 200 || (!m.granted && err == nil):
		t.Fatalf("%+v without a promise", a)
	}
}

func TestPactMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &pactMachine{held: Held{ID: "x", Pact: pactOf([]core.Grant{store(200)}, nil)}, now: noon}
		t.Repeat(map[string]func(*rapid.T){"accept": m.Accept, "close": m.Close, "wait": m.Wait, "": m.Check})
	})
}

// However many pacts there are, what is allowed is one of the promises in force,
// and none in force is larger.
func TestAllowanceIsTheLargestPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var held []Held
		var inForce []int64
		for i := range rapid.IntRange(0, 6).Draw(t, "pacts") {
			bytes := rapid.Int64Range(1, 1000).Draw(t, "bytes")
			h := Held{ID: fmt.Sprint(i), Pact: pactOf([]core.Grant{store(bytes)}, []core.Grant{store(5000)})}
			if rapid.Bool().Draw(t, "signed") {
				h.Accepted = &Acceptance{}
			}
			if rapid.Bool().Draw(t, "closed") {
				h.Closed, h.ClosedBy = noon, "a.test"
			}
			if h.State(noon) == Active {
				inForce = append(inForce, bytes)
			}
			held = append(held, h)
		}
		p := Standpoint{Who: "b.test", Known: true, Barred: rapid.Bool().Draw(t, "barred"), Pacts: held}
		a, err := p.Allow(core.GrantStore, noon)
		if len(inForce) == 0 {
			if err == nil && !a.ReadOnly {
				t.Fatalf("%+v with no pact in force", a)
			}
			return
		}
		if err != nil || a.Grant.Bytes != slices.Max(inForce) || a.ReadOnly != p.Barred {
			t.Fatalf("%+v %v, in force %v", a, err, inForce)
		}
	})
}

func TestAllowWhoHasWhat(t *testing.T) {
	active := Held{Pact: pactOf([]core.Grant{store(10), {Kind: core.GrantWatch, EveryS: 60}}, nil), Accepted: &Acceptance{}}
	ending := active
	ending.Closed, ending.ClosedBy = noon, "b.test"
	light := []core.Grant{{Kind: core.GrantLogin}, store(1 << 40)}
	for _, c := range []struct {
		name string
		at   Standpoint
		kind core.GrantKind
		want string
	}{
		{"stranger", Standpoint{Pacts: []Held{active}}, core.GrantStore, "denied"},
		{"pact", Standpoint{Known: true, Pacts: []Held{active}}, core.GrantStore, "10"},
		{"not promised", Standpoint{Known: true, Pacts: []Held{active}}, core.GrantCustody, "denied"},
		{"suspended", Standpoint{Known: true, Barred: true, Pacts: []Held{active}}, core.GrantStore, "10 ro"},
		{"suspended watch", Standpoint{Known: true, Barred: true, Pacts: []Held{active}}, core.GrantWatch, "denied"},
		{"ending", Standpoint{Known: true, Pacts: []Held{ending}}, core.GrantStore, "10 ro until"},
		{"ending watch", Standpoint{Known: true, Pacts: []Held{ending}}, core.GrantWatch, "denied"},
		{"ending beside another", Standpoint{Known: true, Pacts: []Held{ending, active}}, core.GrantStore, "10"},
		{"charter", Standpoint{Known: true, Light: light}, core.GrantLogin, "0"},
		{"a charter stores nothing", Standpoint{Known: true, Light: light}, core.GrantStore, "denied"},
	} {
		c.at.Who = "b.test"
		a, err := c.at.Allow(c.kind, noon)
		got := fmt.Sprint(a.Grant.Bytes)
		if a.ReadOnly {
			got += " ro"
		}
		if a.Until != 0 {
			got += " until"
		}
		if err != nil {
			got = string(core.CodeOf(err))
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLarger(t *testing.T) {
	for _, c := range []struct {
		name       string
		less, more core.Grant
	}{
		{"bytes", store(1), store(2)},
		{"rate, none is most", core.Grant{Kind: core.GrantStore, Bytes: 1, RateBits: 9}, store(1)},
		{"watch oftener", core.Grant{Kind: core.GrantWatch, EveryS: 300}, core.Grant{Kind: core.GrantWatch, EveryS: 60}},
		{"login, all", core.Grant{Kind: core.GrantLogin, Services: []string{"a", "b"}}, core.Grant{Kind: core.GrantLogin}},
		{"login, more", core.Grant{Kind: core.GrantLogin, Services: []string{"z"}}, core.Grant{Kind: core.GrantLogin, Services: []string{"a", "b"}}},
	} {
		for _, got := range []core.Grant{larger(c.less, c.more), larger(c.more, c.less)} {
			if !cmp.Equal(got, c.more) {
				t.Errorf("%s: %+v", c.name, got)
			}
		}
	}
}

// society is a collective with given founders, joins and vouches ("ab" = a for b).
func society(founders, joined string, admit int64, pairs ...string) Collective {
	id := func(r rune) core.MemberID { return core.MemberID(string(r) + ".test") }
	c := Collective{
		Charter: Charter{Admit: admit},
		Barred:  func(core.MemberID) bool { return false },
		Root:    func(id core.MemberID) core.RootKey { return rootOf(string(id)) },
	}
	for _, r := range founders {
		c.Charter.Founders = append(c.Charter.Founders, addressOf(id(r)))
	}
	for _, r := range joined {
		c.Joined = append(c.Joined, id(r))
	}
	for _, p := range pairs {
		r := []rune(p)
		c.Vouches = append(c.Vouches, Vouch{By: id(r[0]), For: addressOf(id(r[1]))})
	}
	return c
}

func admitted(c Collective) (out string) {
	for _, a := range c.Admissions() {
		if a.Admitted {
			out += string(a.Member[0])
		}
	}
	return out
}

func TestAdmissions(t *testing.T) {
	other := society("ab", "abc", 2, "ac", "bc")
	other.Vouches[1].For.Root = rootOf("somebody who bought the domain")
	forked := society("ab", "abc", 2, "ac", "bc")
	forked.Barred = func(id core.MemberID) bool { return id == "b.test" }
	for _, c := range []struct {
		name string
		in   Collective
		want string
	}{
		{"founders who say so", society("abc", "ab", 2), "ab"},
		{"two vouches", society("ab", "abc", 2, "ac", "bc"), "abc"},
		{"one vouch", society("ab", "abc", 2, "ac"), "ab"},
		{"one vouch twice", society("ab", "abc", 2, "ac", "ac"), "ab"},
		{"vouched for, but did not join", society("ab", "ab", 2, "ac", "bc"), "ab"},
		{"a chain", society("ab", "abcd", 2, "ac", "bc", "cd", "ad"), "abcd"},
		{"two newcomers for each other", society("ab", "abcde", 2, "cd", "dc", "ce", "de", "ec", "ed"), "ab"},
		{"for itself", society("a", "ab", 1, "bb"), "a"},
		{"another key", other, "ab"},
		{"suspended voucher", forked, "a"},
	} {
		if got := admitted(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Admission does not depend on the order things arrive in; more vouches never
// cost anybody their place; whoever is admitted without being a founder has
// enough admitted vouchers.
func TestAdmissionRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pair := rapid.StringMatching(`[a-h]{2}`)
		pairs := rapid.SliceOfN(pair, 0, 40).Draw(t, "vouches")
		joined := rapid.Permutation([]rune("abcdefgh")).Draw(t, "order")
		admit := rapid.Int64Range(1, 3).Draw(t, "admit")
		c := society("abc", string(joined), admit, pairs...)
		want := admitted(c)
		shuffled := society("abc", string(joined), admit, rapid.Permutation(pairs).Draw(t, "again")...)
		if got := admitted(shuffled); got != want {
			t.Fatalf("order matters: %q and %q", want, got)
		}
		more := society("abc", string(joined), admit, append(pairs, pair.Draw(t, "one more"))...)
		for _, r := range want {
			if got := admitted(more); !slices.Contains([]rune(got), r) {
				t.Fatalf("a vouch removed %c: %q, then %q", r, want, got)
			}
		}
		for _, a := range c.Admissions() {
			if a.Admitted && !a.Founder && int64(len(a.By)) < admit {
				t.Fatalf("%s admitted by %v, %d needed", a.Member, a.By, admit)
			}
		}
	})
}

func TestMeetings(t *testing.T) {
	vouch := func(by, to core.MemberID, since core.Moment) Vouch {
		return Vouch{By: by, For: addressOf(to), Since: since}
	}
	forged := vouch("b.test", "c.test", 1)
	forged.For.Root = rootOf("other")
	trusted := func(id core.MemberID) bool { return id == "a.test" || id == "b.test" || id == "d.test" }
	for _, c := range []struct {
		name    string
		vouches []Vouch
		limit   int
		want    string
	}{
		{"by somebody we trust", []Vouch{vouch("a.test", "c.test", 1)}, 9, "c"},
		{"by a stranger", []Vouch{vouch("x.test", "c.test", 1)}, 9, ""},
		{"for itself", []Vouch{vouch("a.test", "a.test", 1)}, 9, ""},
		{"two keys, one each", []Vouch{vouch("a.test", "c.test", 1), forged}, 9, ""},
		{"two keys, one has more", []Vouch{vouch("a.test", "c.test", 1), vouch("d.test", "c.test", 1), forged}, 9, "c"},
		{"a flood pushes nobody out", []Vouch{vouch("a.test", "e.test", 9), vouch("a.test", "f.test", 8), vouch("b.test", "g.test", 1)}, 2, "gf"},
	} {
		var got string
		for _, a := range Meetings(c.vouches, trusted, c.limit) {
			got += string(a.Member[0])
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCharterCheck(t *testing.T) {
	good := func() Charter {
		return Charter{
			V: 1, Name: "Entre nous", Text: "…\n", Founders: []Address{addressOf("a.test"), addressOf("b.test")},
			Admit: 2, Grants: []core.Grant{{Kind: core.GrantLogin}}, Made: noon,
		}
	}
	if err := good().Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Charter){
		"nobody could join":      func(c *Charter) { c.Admit = 3 },
		"anybody could join":     func(c *Charter) { c.Admit = 0 },
		"a heavy grant":          func(c *Charter) { c.Grants = []core.Grant{store(1)} },
		"a founder twice":        func(c *Charter) { c.Founders[1] = c.Founders[0] },
		"no founder":             func(c *Charter) { c.Founders = nil },
		"a founder without root": func(c *Charter) { c.Founders[0].Root = core.RootKey{} },
	} {
		c := good()
		spoil(&c)
		if err := c.Check(); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v, want invalid", name, err)
		}
	}
}

func TestPin(t *testing.T) {
	m := Member{Address: addressOf("a.test"), Standing: Added}
	if err := m.pin(rootOf("a.test")); err != nil {
		t.Error(err)
	}
	if err := m.pin(rootOf("the new owner of the domain")); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("another root: %v, want conflict", err)
	}
}

func TestInvite(t *testing.T) {
	in := Invite{addressOf("a.test"), newCode()}
	far := in
	far.URL = "http://127.0.0.1:7101"
	for _, want := range []Invite{in, far} {
		link := want.String()
		for _, pasted := range []string{link, "  " + link + "\n", link[:40] + "\r\n " + link[40:]} {
			got, err := ParseInvite(pasted)
			if err != nil || got != want {
				t.Errorf("%q: %+v %v", pasted, got, err)
			}
		}
		for i := range len(link) - len(invitePrefix) {
			if cut, err := ParseInvite(link[:len(invitePrefix)+i]); err == nil && cut.Code != want.Code {
				t.Errorf("a cut link is taken: %q", link[:len(invitePrefix)+i])
			}
		}
	}
}

func FuzzInvite(f *testing.F) {
	f.Add(Invite{addressOf("a.test"), "AAAAAAAAAAAAAAAAAAAAAAAAAA"}.String())
	f.Add("entrechat:invite/1/a.test/x/y")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := ParseInvite(s)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := ParseInvite(in.String()); err != nil || again != in {
			t.Fatalf("%+v, then %+v %v", in, again, err)
		}
	})
}
