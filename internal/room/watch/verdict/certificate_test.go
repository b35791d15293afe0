package verdict

import (
	"crypto/ed25519"
	"crypto/sha256"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
)

// signer is a member's, always the same for one name.
func signer(m core.MemberID) seal.Signer {
	seed := sha256.Sum256([]byte(m))
	return seal.NewSigner(m, ed25519.NewKeyFromSeed(seed[:]))
}

// certified makes a certificate of what seats vote in one round or two, and the facts it
// is checked against.
func certified(a Assignment, state State, rounds ...string) (Certificate, Facts) {
	c := Certificate{
		Case: Case{
			Owner: a.Owner, Target: a.Target, Roster: a.Roster, Nonce: "0123456789abcdef0123456789abcdef", Collector: member(0),
		},
		State: state, At: 1_000_000_000,
	}
	for i, letters := range rounds {
		c.Votes = append(c.Votes, votes(i+1, letters)...)
	}
	f := Facts{Assignment: a, Keys: map[core.MemberID][]ed25519.PublicKey{}}
	for i := range c.Votes {
		s := signer(c.Votes[i].Voter)
		c.Votes[i].Sign(c.Case, s)
		f.Keys[s.ID()] = []ed25519.PublicKey{s.Public()}
	}
	return c, f
}

// sound: the certificate that mutations start from.
func sound() (Certificate, Facts) {
	return certified(seats(0, 1, 2, 3, 4, 5, 6), Down, "ddddddu", "ddddddd")
}

func TestCheck(t *testing.T) {
	c, f := sound()
	e, err := Check(c, f)
	if err != nil || e.State != Down || e.Weak || e.Failing != 7 || e.Voters != 7 || e.Class != look.Timeout {
		t.Fatalf("%+v, %v", e, err)
	}
	// The suspicion was 15 s before the collector's own vote, the median vote 3 us later.
	if e.Since != 1_000_000_003 || e.Last != 1_030_000_003 {
		t.Errorf("since %d, last %d", e.Since, e.Last)
	}
	text, err := wire.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := ParseCertificate(text); err != nil || len(back.Votes) != 14 {
		t.Errorf("read back: %v", err)
	}
}

// A certificate of the longest names still fits into an entry.
func TestCertificateFits(t *testing.T) {
	c, _ := sound()
	long := core.MemberID(string(make([]byte, 0)) + "a" + string(slices.Repeat([]byte("b"), 250)) + "c")
	c.Owner, c.Collector = long, long
	for i := range c.Votes {
		c.Votes[i].Voter, c.Votes[i].Leaf, c.Votes[i].Half, c.Votes[i].MS = long, HexHash([32]byte{9}), look.Timeout, 3_600_000
		c.Votes[i].At = core.At(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	}
	text, err := wire.Encode(c)
	if err != nil || len(text) > maxBody {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// What must be refused, one by one.
func TestCheckRefuses(t *testing.T) {
	resign := func(c *Certificate) {
		for i := range c.Votes {
			c.Votes[i].Sign(c.Case, signer(c.Votes[i].Voter))
		}
	}
	for name, change := range map[string]func(c *Certificate, f *Facts){
		"another state":                func(c *Certificate, _ *Facts) { c.State = Up },
		"partial":                      func(c *Certificate, _ *Facts) { c.State = Partial },
		"unknown":                      func(c *Certificate, _ *Facts) { c.State = Unknown },
		"a vote turned":                func(c *Certificate, _ *Facts) { c.Votes[0].State, c.Votes[0].Class = VoteUp, look.Fine },
		"a vote of another class":      func(c *Certificate, _ *Facts) { c.Votes[0].Class = look.DNS },
		"a vote of another time":       func(c *Certificate, _ *Facts) { c.Votes[0].At++ },
		"a vote of another latency":    func(c *Certificate, _ *Facts) { c.Votes[0].MS++ },
		"votes of another case":        func(c *Certificate, _ *Facts) { c.Nonce = "ffffffffffffffffffffffffffffffff" },
		"votes for another collector":  func(c *Certificate, _ *Facts) { c.Collector = member(1) },
		"a collector without a seat":   func(c *Certificate, _ *Facts) { c.Collector = "eve.test"; resign(c) },
		"a collector without a vote":   func(_ *Certificate, f *Facts) { f.Barred = map[core.MemberID]bool{member(0): true} },
		"votes moved to another round": func(c *Certificate, _ *Facts) { c.Votes[0].Round = 2 },
		"a vote twice":                 func(c *Certificate, _ *Facts) { c.Votes = append(c.Votes, c.Votes[0]) },
		"one round":                    func(c *Certificate, _ *Facts) { c.Votes = c.Votes[:7] },
		"the second round alone":       func(c *Certificate, _ *Facts) { c.Votes = c.Votes[7:] },
		"a stranger's vote": func(c *Certificate, f *Facts) {
			c.Votes[0].Voter = "eve.test"
			resign(c)
			f.Keys["eve.test"] = []ed25519.PublicKey{signer("eve.test").Public()}
		},
		"a voter whose key is not known": func(_ *Certificate, f *Facts) { delete(f.Keys, member(3)) },
		"another's key":                  func(_ *Certificate, f *Facts) { f.Keys[member(3)] = f.Keys[member(4)] },
		"another roster":                 func(c *Certificate, _ *Facts) { c.Roster = HexHash([32]byte{2}); resign(c) },
		"another target":                 func(c *Certificate, _ *Facts) { c.Target = "00000000000000bb"; resign(c) },
		"an old vote among them":         func(c *Certificate, _ *Facts) { c.Votes[5].At -= 300_000_000; resign(c) },
		"rounds that are one":            func(c *Certificate, _ *Facts) { c.Votes[8].At = c.Votes[1].At; resign(c) },
		"rounds far apart": func(c *Certificate, _ *Facts) {
			for i := range c.Votes[7:] {
				c.Votes[7+i].At += 3_600_000_000
			}
			resign(c)
		},
		"a suspicion after the vote": func(c *Certificate, _ *Facts) { c.At = c.Votes[0].At + 1 },
		"a suspicion of an hour ago": func(c *Certificate, _ *Facts) { c.At = c.Votes[0].At - 3_600_000_000 },
		"too few that see":           func(c *Certificate, _ *Facts) { c.Votes = slices.Concat(c.Votes[:3], c.Votes[7:10]) },
		"no votes":                   func(c *Certificate, _ *Facts) { c.Votes = nil },
	} {
		c, f := sound()
		change(&c, &f)
		if e, err := Check(c, f); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %+v, %v", name, e.Outcome, err)
		}
	}
}

// Votes that were lost do not decide.
func TestCheckWithoutTheBarred(t *testing.T) {
	c, f := certified(seats(0, 1, 2, 3, 4, 5, 6), Down, "dddduuu", "dddduuu")
	if _, err := Check(c, f); err != nil {
		t.Fatal(err)
	}
	f.Barred = map[core.MemberID]bool{member(1): true, member(2): true}
	if e, err := Check(c, f); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("%+v, %v", e.Outcome, err)
	}
}

// Whatever one changes in the text of a certificate: it is refused, or says the same.
func TestCheckMutations(t *testing.T) {
	c, f := sound()
	want, err := Check(c, f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := wire.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := slices.Clone(text)
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
			changed[at] = rapid.SampledFrom([]byte(`0123456789abcdef",:{}[]uptdown`)).Draw(t, "to")
		}
		got, err := ParseCertificate(changed)
		if err != nil {
			return
		}
		e, err := Check(got, f)
		// The suspicion, and what it comes after, are the collector's to say, and bounded.
		if err == nil && (e.Outcome != want.Outcome || e.Key != want.Key || e.Nonce != want.Nonce || e.Since > want.Last || e.Since < want.Since.Add(-suspected)) {
			t.Fatalf("%s\nis taken as %+v", changed, e)
		}
	})
}

func FuzzParse(f *testing.F) {
	c, facts := sound()
	text, err := wire.Encode(c)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"month":"2026-11","site":"A","members":[{"member":"a.test","site":"B","prefix":"10.1.0.0/16"}]}`))
	f.Add([]byte(`{"owners":[{"member":"a.test","every_s":60}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := ParseCertificate(body); err == nil {
			_, _ = Check(c, facts)
		}
		if r, err := ParseRoster(body); err == nil {
			a := Assign("owner.test", "00000000000000aa", HexHash([32]byte{1}), r)
			if len(a.Seats) > voters {
				t.Fatal("too many voters")
			}
		}
		_, _ = ParseDuty(body)
	})
}

func TestSkewedClocks(t *testing.T) {
	// Three of seven clocks are a minute off: begin and end hardly move.
	c, f := certified(seats(0, 1, 2, 3, 4, 5, 6), Down, "ddddddd", "ddddddd")
	for i := range c.Votes {
		if i%7 < 3 {
			c.Votes[i].At += 60_000_000
		}
		c.Votes[i].Sign(c.Case, signer(c.Votes[i].Voter))
	}
	c.At += 60_000_000 // the collector's is one of them
	e, err := Check(c, f)
	if err != nil || e.Since.Sub(1_000_000_000).Abs() > time.Second {
		t.Errorf("since %d, %v", e.Since, err)
	}
}

func TestSpans(t *testing.T) {
	ev := func(nonce, after string, s State, since, last core.Moment) Event {
		return Event{Nonce: nonce, After: after, Outcome: Outcome{State: s}, Since: since, Last: last}
	}
	for name, c := range map[string]struct {
		in   []Event
		want []core.Moment // begins, of states that take turns
	}{
		"nothing":                 {},
		"one outage":              {[]Event{ev("a", "", Down, 100, 120), ev("b", "a", Up, 200, 200)}, []core.Moment{100, 200}},
		"proved twice":            {[]Event{ev("a", "", Down, 100, 120), ev("c", "", Down, 90, 125), ev("b", "a", Up, 200, 200)}, []core.Moment{90, 200}},
		"in another order":        {[]Event{ev("b", "a", Up, 200, 200), ev("c", "", Down, 90, 125), ev("a", "", Down, 100, 120)}, []core.Moment{90, 200}},
		"recovered twice":         {[]Event{ev("a", "", Down, 100, 120), ev("b", "a", Up, 200, 200), ev("c", "a", Up, 205, 206)}, []core.Moment{100, 200}},
		"a clock behind":          {[]Event{ev("a", "", Down, 100, 120), ev("b", "a", Up, 110, 110)}, []core.Moment{100, 110}},
		"an end before its begin": {[]Event{ev("a", "", Down, 100, 120), ev("b", "a", Up, 90, 90)}, []core.Moment{100, 101}},
		"refuted":                 {[]Event{ev("a", "", Up, 100, 120)}, nil},
	} {
		got := Spans(c.in)
		var begins []core.Moment
		for _, s := range got {
			begins = append(begins, s.From)
		}
		if !slices.Equal(begins, c.want) {
			t.Errorf("%s: %v", name, begins)
		}
	}
}

// The intervals of any history cover its time without gap or overlap, and grey is never up.
func TestIntervals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var events []Event
		for i := range rapid.IntRange(0, 12).Draw(t, "events") {
			since := core.Moment(rapid.Int64Range(1, 1000).Draw(t, "since"))
			events = append(events, Event{
				Nonce: string(rune('a' + i)), Outcome: Outcome{State: rapid.SampledFrom([]State{Up, Down, Partial}).Draw(t, "state")},
				Since: since, Last: since + core.Moment(rapid.Int64Range(0, 20).Draw(t, "last")),
			})
		}
		var grey [][2]core.Moment
		for range rapid.IntRange(0, 4).Draw(t, "greys") {
			a := core.Moment(rapid.Int64Range(1, 1000).Draw(t, "g"))
			grey = append(grey, [2]core.Moment{a, a + core.Moment(rapid.Int64Range(1, 200).Draw(t, "l"))})
		}
		grey = MergeGrey(grey)
		from, known := core.Moment(rapid.Int64Range(0, 500).Draw(t, "from")), core.Moment(rapid.Int64Range(0, 1200).Draw(t, "known"))
		to := from + core.Moment(rapid.Int64Range(1, 1000).Draw(t, "to"))
		at := from
		for _, i := range Intervals(Spans(events), known, from, to, grey) {
			if i.From != at || i.To <= i.From {
				t.Fatalf("%d to %d, after %d", i.From, i.To, at)
			}
			for _, g := range grey {
				if i.State == Up && i.From < g[1] && g[0] < i.To {
					t.Fatalf("up from %d to %d, while nobody knew from %d to %d", i.From, i.To, g[0], g[1])
				}
			}
			at = i.To
		}
		if at != to {
			t.Fatalf("ends at %d, not %d", at, to)
		}
	})
}
