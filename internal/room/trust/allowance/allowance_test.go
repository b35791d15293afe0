package allowance

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/trusttest"
)

func store(bytes int64) core.Grant { return trusttest.Store(bytes) }

func addressOf(id core.MemberID) member.Address {
	return member.Address{Member: id, URL: "https://" + string(id), Root: trusttest.RootOf(string(id))}
}

// pactOf is a pact between a.test and b.test.
func pactOf(give, ask []core.Grant) pact.Pact {
	return pact.Pact{
		Made: trusttest.Noon, OpenUntil: trusttest.Noon.Add(30 * 24 * time.Hour), NoticeDays: 90,
		Proposer: pact.Party{Address: addressOf("a.test"), Grants: give}, Accepter: pact.Party{Address: addressOf("b.test"), Grants: ask},
	}
}

// pactMachine drives one pact through anything the two parties, strangers and
// late deliveries can do.
type pactMachine struct {
	record  pact.Record
	now     core.Moment
	closed  bool // somebody closed it
	granted bool // it was active at some moment
}

func (m *pactMachine) Accept(t *rapid.T) {
	before := m.record.State(m.now)
	h, err := m.record.Accept(pact.Acceptance{V: 1, Accepter: "b.test", At: m.now}, m.now)
	if refused := before == pact.Declined || before == pact.Withdrawn || before == pact.Lapsed; refused != (err != nil) {
		t.Fatalf("accept in state %s: %v", before, err)
	}
	m.record = h
}

func (m *pactMachine) Close(t *rapid.T) {
	by := rapid.SampledFrom([]core.MemberID{"a.test", "b.test", "stranger.test"}).Draw(t, "by")
	h, err := m.record.Close(by, m.now)
	if (err != nil) != (by == "stranger.test") {
		t.Fatalf("close by %s: %v", by, err)
	}
	m.record, m.closed = h, m.closed || err == nil
}

func (m *pactMachine) Wait(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 100*24).Draw(t, "hours")) * time.Hour)
}

// Check holds after every step: an ended pact never writes, reading ends with
// the notice, nothing is larger than what the text says.
func (m *pactMachine) Check(t *rapid.T) {
	state := m.record.State(m.now)
	m.granted = m.granted || state == pact.Active
	if m.closed && state == pact.Active {
		t.Fatal("a closed pact is active")
	}
	a, err := Standpoint{Types: trusttest.Types(), Who: "b.test", Known: true, Pacts: []pact.Record{m.record}}.Allow(trusttest.KindStore, m.now)
	switch {
	case (state == pact.Active || state == pact.Ending) != (err == nil):
		t.Fatalf("%s: %+v %v", state, a, err)
	case err == nil && a.ReadOnly != (state == pact.Ending):
		t.Fatalf("%s: read only %v", state, a.ReadOnly)
	case state == pact.Ending && (a.Until <= m.now || a.Until != m.record.Until()):
		t.Fatalf("until %d at %d", a.Until, m.now)
	case a.Grant.Amount("bytes") > 200 || (!m.granted && err == nil):
		t.Fatalf("%+v without a promise", a)
	}
}

func TestPactMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &pactMachine{record: pact.Record{ID: "x", Pact: pactOf([]core.Grant{store(200)}, nil)}, now: trusttest.Noon}
		t.Repeat(map[string]func(*rapid.T){"accept": m.Accept, "close": m.Close, "wait": m.Wait, "": m.Check})
	})
}

// However many pacts there are, what is allowed is one of the promises in force,
// and none in force is larger.
func TestAllowanceIsTheLargestPromise(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []pact.Record
		var inForce []int64
		for i := range rapid.IntRange(0, 6).Draw(t, "pacts") {
			bytes := rapid.Int64Range(1, 1000).Draw(t, "bytes")
			h := pact.Record{ID: fmt.Sprint(i), Pact: pactOf([]core.Grant{store(bytes)}, []core.Grant{store(5000)})}
			if rapid.Bool().Draw(t, "signed") {
				h.Accepted = &pact.Acceptance{}
			}
			if rapid.Bool().Draw(t, "closed") {
				h.Closed, h.ClosedBy = trusttest.Noon, "a.test"
			}
			if h.State(trusttest.Noon) == pact.Active {
				inForce = append(inForce, bytes)
			}
			records = append(records, h)
		}
		p := Standpoint{Types: trusttest.Types(), Who: "b.test", Known: true, Barred: rapid.Bool().Draw(t, "barred"), Pacts: records}
		a, err := p.Allow(trusttest.KindStore, trusttest.Noon)
		if len(inForce) == 0 {
			if err == nil && !a.ReadOnly {
				t.Fatalf("%+v with no pact in force", a)
			}
			return
		}
		if err != nil || a.Grant.Amount("bytes") != slices.Max(inForce) || a.ReadOnly != p.Barred {
			t.Fatalf("%+v %v, in force %v", a, err, inForce)
		}
	})
}

func TestAllowWhoHasWhat(t *testing.T) {
	active := pact.Record{Pact: pactOf([]core.Grant{store(10), trusttest.Grant(trusttest.KindWatch, "every_s", 60)}, nil), Accepted: &pact.Acceptance{}}
	ending := active
	ending.Closed, ending.ClosedBy = trusttest.Noon, "b.test"
	light := []core.Grant{trusttest.Login(), store(1 << 40)}
	for _, c := range []struct {
		name string
		at   Standpoint
		kind core.GrantKind
		want string
	}{
		{"stranger", Standpoint{Types: trusttest.Types(), Pacts: []pact.Record{active}}, trusttest.KindStore, "denied"},
		{"pact", Standpoint{Types: trusttest.Types(), Known: true, Pacts: []pact.Record{active}}, trusttest.KindStore, "10"},
		{"not promised", Standpoint{Types: trusttest.Types(), Known: true, Pacts: []pact.Record{active}}, core.GrantKind("custody"), "denied"},
		{"suspended", Standpoint{Types: trusttest.Types(), Known: true, Barred: true, Pacts: []pact.Record{active}}, trusttest.KindStore, "10 ro"},
		{"suspended watch", Standpoint{Types: trusttest.Types(), Known: true, Barred: true, Pacts: []pact.Record{active}}, trusttest.KindWatch, "denied"},
		{"ending", Standpoint{Types: trusttest.Types(), Known: true, Pacts: []pact.Record{ending}}, trusttest.KindStore, "10 ro until"},
		{"ending watch", Standpoint{Types: trusttest.Types(), Known: true, Pacts: []pact.Record{ending}}, trusttest.KindWatch, "denied"},
		{"ending beside another", Standpoint{Types: trusttest.Types(), Known: true, Pacts: []pact.Record{ending, active}}, trusttest.KindStore, "10"},
		{"charter", Standpoint{Types: trusttest.Types(), Known: true, Light: light}, trusttest.KindLogin, "0"},
		{"a charter stores nothing", Standpoint{Types: trusttest.Types(), Known: true, Light: light}, trusttest.KindStore, "denied"},
	} {
		c.at.Who = "b.test"
		a, err := c.at.Allow(c.kind, trusttest.Noon)
		got := fmt.Sprint(a.Grant.Amount("bytes"))
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
