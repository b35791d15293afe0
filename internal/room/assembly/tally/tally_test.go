package tally_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// ballots is one letter a member: a gree, c oncern, s aside, o bject with an objection, q uiet
// objection without a ballot, x objects and lifted its objection all the same, l ifted objection and no ballot, u nopened, "." nothing, z asleep
// and nothing, Z asleep and agrees.
func (e *election) ballots(letters string) *election {
	for i, letter := range letters {
		who := member(i)
		switch letter {
		case 'a', 'Z':
			e.vote(who, says(tally.Agree))
		case 'c':
			e.vote(who, says(tally.Concern))
		case 's':
			e.vote(who, says(tally.Aside))
		case 'o':
			e.word(who, tally.TypeObjection, &e.q)
			e.vote(who, objects(who))
		case 'q':
			e.word(who, tally.TypeObjection, &e.q)
		case 'x':
			e.word(who, tally.TypeObjection, &e.q)
			e.vote(who, objects(who))
			e.word(who, tally.TypeLifted, &e.q)
		case 'l':
			e.word(who, tally.TypeObjection, &e.q)
			e.word(who, tally.TypeLifted, &e.q)
		case 'u':
			_, commit := e.seal(who, says(tally.Agree))
			e.witness(&e.q, tally.PhaseCommit, who, e.commit(who, commit))
		case '.', 'z':
		default:
			panic("no ballot " + string(letter))
		}
	}
	return e
}

// asleep are the members whose letter says so.
func asleep(q tally.Question, letters string) tally.Question {
	for i, letter := range letters {
		q.Electorate[i].Sleeping = letter == 'z' || letter == 'Z'
	}
	return q
}

func names(all []core.MemberID) string {
	var s strings.Builder
	for _, id := range all {
		fmt.Fprint(&s, strings.TrimSuffix(string(id[1:]), ".test"), " ")
	}
	return strings.TrimSpace(s.String())
}

func TestConsent(t *testing.T) {
	for name, c := range map[string]struct {
		ballots        string
		n, quorum      int // the quorum by hand: 9·N and 4·q² stand beside
		turnout        int
		result         tally.Result
		standing, free string
		fallback       bool
	}{
		"all agree":                      {"aaaaa", 5, 4, 5, tally.Passed, "", "", false}, // 45: 36 < 45 ≤ 64
		"just enough":                    {"aacs.", 5, 4, 4, tally.Passed, "", "", false},
		"one too few":                    {"aac..", 5, 4, 3, tally.NoQuorum, "", "", false},
		"unopened counts for the quorum": {"auuu.", 5, 4, 4, tally.Passed, "", "", false},
		"a concern passes":               {"csss.", 5, 4, 4, tally.Passed, "", "", false},
		"nobody says yes":                {"sssss", 5, 4, 5, tally.Nobody, "", "", false},
		"all unopened":                   {"uuuuu", 5, 4, 5, tally.Nobody, "", "", false},
		"an objection":                   {"aaaao", 5, 4, 5, tally.Blocked, "04", "", false},
		"an objection and no ballot":     {"aaaaq", 5, 4, 4, tally.Blocked, "04", "", false},
		"too few, with an objection":     {"aa..o", 5, 4, 3, tally.NoQuorum, "04", "", false},
		"two objections":                 {"oaaao", 5, 4, 5, tally.Blocked, "00 04", "", false},
		"lifted":                         {"aaaal", 5, 4, 4, tally.Passed, "", "", false},
		"objects to what it lifted":      {"aaaax", 5, 4, 5, tally.Passed, "", "", false},
		"one member":                     {"a", 1, 1, 1, tally.Passed, "", "", false},  // 9: 4·1 < 9, but N is 1
		"two members":                    {"aa", 2, 2, 2, tally.Passed, "", "", false}, // 18: 16 < 18, but N is 2
		"two, one silent":                {"a.", 2, 2, 1, tally.NoQuorum, "", "", false},
		"three members":                  {"aaa", 3, 3, 3, tally.Passed, "", "", false}, // 27: 16 < 27 ≤ 36
		"sleepers lower the quorum":      {"aaazzz", 3, 3, 3, tally.Passed, "", "", false},
		"a sleeper votes":                {"aa.zzZ", 3, 3, 3, tally.Passed, "", "", false},
		"all sleep":                      {"zzz", 0, 0, 0, tally.Nobody, "", "", false},

		"fallback, three quarters":            {"aaao", 4, 3, 4, tally.Passed, "03", "03", true}, // 36 = 36; 4·3 ≥ 3·4
		"fallback, objects to what it lifted": {"aaax", 4, 3, 4, tally.Passed, "", "03", true},
		"fallback, less":                      {"aaaoo", 5, 4, 5, tally.Failed, "03 04", "", true},         // 4·3 < 3·5
		"fallback, aside is no voice":         {"acsso", 5, 4, 5, tally.Failed, "04", "", true},            // 4·2 < 3·3
		"fallback, six of eight":              {"aaaccaoo", 8, 5, 8, tally.Passed, "06 07", "06 07", true}, // 4·6 = 3·8; 64 < 72 ≤ 100
		"fallback, nobody says yes":           {"sssss", 5, 4, 5, tally.Failed, "", "", true},
		"fallback, too few":                   {"aa..o", 5, 4, 3, tally.NoQuorum, "04", "", true},
		"fallback, objects in words":          {"aaaq.", 5, 4, 3, tally.NoQuorum, "03", "", true},
		"fallback, objects in words, ok":      {"aaaaq", 5, 4, 4, tally.Passed, "04", "04", true},
	} {
		t.Run(name, func(t *testing.T) {
			q := asleep(ask(tally.KindConsent, len(c.ballots), 0), c.ballots)
			q.Fallback = c.fallback
			got := hold(q).ballots(c.ballots).count()
			if got.N != c.n || got.Quorum != c.quorum || got.Turnout != c.turnout || got.Result != c.result {
				t.Errorf("N %d, quorum %d, turnout %d, %s; want %d, %d, %d, %s", got.N, got.Quorum, got.Turnout, got.Result, c.n, c.quorum, c.turnout, c.result)
			}
			if names(got.Standing) != c.standing || names(got.Free) != c.free {
				t.Errorf("standing %v, free %v", got.Standing, got.Free)
			}
		})
	}
}

func TestLazy(t *testing.T) {
	for ballots, want := range map[string]tally.Result{
		"....": tally.Passed, "...l": tally.Passed, "..q.": tally.Objected, "aaa.": tally.Passed,
	} {
		e := hold(ask(tally.KindLazy, 4, 0))
		for i, letter := range ballots {
			if letter == 'a' {
				e.vote(member(i), says(tally.Agree)) // of no use, and no harm
				continue
			}
			e.ballots(strings.Repeat(".", i) + string(letter))
		}
		got := e.count()
		if got.Result != want || got.Quorum != 0 || got.Turnout != 0 || got.Lines[0].Status != tally.None {
			t.Errorf("%s: %s, quorum %d, turnout %d, %v", ballots, got.Result, got.Quorum, got.Turnout, got.Lines[0])
		}
	}
}

func TestGradesMakeAResult(t *testing.T) {
	for name, c := range map[string]struct {
		kind   tally.Kind
		grades [][]int
		result tally.Result
		best   int // -1: no order
	}{
		"chosen":              {tally.KindChoice, [][]int{{0, 5}, {1, 4}, {2, 3}}, tally.Chosen, 1},
		"rejected":            {tally.KindChoice, [][]int{{0, 0}, {0, 0}, {5, 1}}, tally.Rejected, 0},
		"too few":             {tally.KindChoice, [][]int{{0, 5}, {1, 4}}, tally.NoQuorum, 1},
		"enough, none opened": {tally.KindChoice, [][]int{nil, nil, nil}, tally.Nobody, -1},
		"poll":                {tally.KindPoll, [][]int{{0, 5}}, tally.Advice, 1},
		"poll, all zero":      {tally.KindPoll, [][]int{{0, 0}, {1, 0}}, tally.Advice, 0}, // medians 0; then 1 against 0
		"poll, nobody":        {tally.KindPoll, nil, tally.Nobody, -1},
		"poll, none opened":   {tally.KindPoll, [][]int{nil}, tally.Nobody, -1},
	} {
		t.Run(name, func(t *testing.T) {
			e := hold(ask(c.kind, 4, 2)) // quorum 3: 36 = 9·4
			for i, grades := range c.grades {
				if grades == nil {
					e.witness(&e.q, tally.PhaseCommit, member(i), e.commit(member(i), doc(member(i))))
					continue
				}
				e.vote(member(i), gives(grades...))
			}
			got := e.count()
			if got.Result != c.result || (got.Order == nil) != (c.best < 0) || c.best >= 0 && got.Order[0] != c.best {
				t.Errorf("%s, %v", got.Result, got.Order)
			}
			if strings.Contains(got.Text, "order ") != (c.best >= 0) {
				t.Error(got.Text)
			}
		})
	}
}

// Whoever hurries needs everybody who is awake.
func TestHurried(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*tally.Question)
		want   bool
	}{
		"usual":                  {func(*tally.Question) {}, false},
		"short talk":             {func(q *tally.Question) { q.TalkUntil-- }, true},
		"short commit":           {func(q *tally.Question) { q.CommitUntil-- }, true},
		"short reveal":           {func(q *tally.Question) { q.RevealUntil-- }, true},
		"short grace":            {func(q *tally.Question) { q.Grace-- }, true},
		"no talk, a new version": {func(q *tally.Question) { q.Version, q.TalkUntil = 2, q.Opened }, false},
		"lazy": {func(q *tally.Question) {
			q.Kind, q.CommitUntil, q.RevealUntil = tally.KindLazy, q.TalkUntil, q.TalkUntil
		}, false},
	} {
		q := asleep(ask(tally.KindConsent, 6, 0), "aaaaaz")
		c.change(&q)
		want := 4 // 45: 36 < 45 ≤ 64
		switch {
		case q.Kind == tally.KindLazy:
			want = 0
		case c.want:
			want = 5
		}
		if q.Hurried() != c.want || q.Quorum() != want {
			t.Errorf("%s: hurried %v, quorum %d", name, q.Hurried(), q.Quorum())
		}
	}
}

func TestPhases(t *testing.T) {
	q, lazy := ask(tally.KindConsent, 3, 0), ask(tally.KindLazy, 3, 0)
	for _, c := range []struct {
		now        core.Moment
		want, lazy tally.Phase
	}{
		{opened - 1, "", ""},
		{opened, tally.PhaseTalk, tally.PhaseTalk},
		{opened + 7*day, tally.PhaseTalk, tally.PhaseTalk},
		{opened + 7*day + 1, tally.PhaseCommit, tally.PhaseGrace},
		{opened + 7*day + 6*hour + 1, tally.PhaseCommit, tally.PhaseCounted},
		{opened + 14*day, tally.PhaseCommit, tally.PhaseCounted},
		{opened + 14*day + 1, tally.PhaseReveal, tally.PhaseCounted},
		{opened + 17*day, tally.PhaseReveal, tally.PhaseCounted},
		{opened + 17*day + 1, tally.PhaseGrace, tally.PhaseCounted},
		{opened + 17*day + 6*hour, tally.PhaseGrace, tally.PhaseCounted},
		{opened + 17*day + 6*hour + 1, tally.PhaseCounted, tally.PhaseCounted},
	} {
		if q.Phase(c.now) != c.want || lazy.Phase(c.now) != c.lazy {
			t.Errorf("%d: %q and %q, want %q and %q", c.now-opened, q.Phase(c.now), lazy.Phase(c.now), c.want, c.lazy)
		}
	}
}

// The text of a tally, whole, by hand.
func TestText(t *testing.T) {
	e := hold(asleep(ask(tally.KindConsent, 6, 0), "aaaaaz"))
	e.ballots("acuo.")
	e.fork(member(0), member(4))
	e.fork(member(1), member(4))
	want := "entrechat/tally/1\nproposal " + e.q.ID + "\nkind consent\nn 5 quorum 4 turnout 4\n" +
		"m00.test open agree\nm01.test open concern\nm02.test unopened\nm03.test open object\nm04.test void\nm05.test none\n" +
		"standing m03.test\nresult blocked\n"
	if got := e.count(); got.Text != want {
		t.Errorf("got\n%s\nwant\n%s", got.Text, want)
	}
	e = hold(ask(tally.KindPoll, 3, 3))
	e.vote(member(1), gives(5, 0, 3))
	want = "entrechat/tally/1\nproposal " + e.q.ID + "\nkind poll\nn 3 quorum 0 turnout 1\n" +
		"m00.test none\nm01.test open 5,0,3\nm02.test none\norder 0 2 1\nresult advice\n"
	if got := e.count(); got.Text != want {
		t.Errorf("got\n%s\nwant\n%s", got.Text, want)
	}
	e = hold(func() tally.Question { q := ask(tally.KindConsent, 4, 0); q.Fallback = true; return q }())
	e.ballots("aaao")
	got := e.count()
	if !strings.Contains(got.Text, "\nkind consent fallback\n") || !strings.HasSuffix(got.Text, "\nstanding m03.test\nfree m03.test\nresult passed\n") {
		t.Error(got.Text)
	}
}

// Objections stand over versions, each in time by the version it is about.
func TestObjectionsStandOverVersions(t *testing.T) {
	first, second := ask(tally.KindConsent, 5, 0), ask(tally.KindConsent, 5, 0)
	second.Version, second.Opened, second.TalkUntil = 2, opened+3*day, opened+3*day
	second.CommitUntil, second.RevealUntil = opened+15*day, opened+18*day
	chain := func() *election { return hold(first, second) }
	for name, c := range map[string]struct {
		do   func(*election, *tally.Question)
		want tally.Result
	}{
		"none":         {func(*election, *tally.Question) {}, tally.Passed},
		"to the first": {func(e *election, v1 *tally.Question) { e.word(member(4), tally.TypeObjection, v1) }, tally.Blocked},
		"lifted there": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.word(member(4), tally.TypeLifted, v1)
		}, tally.Passed},
		"lifted here": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.word(member(4), tally.TypeLifted, &e.q)
		}, tally.Passed},
		"lifted before": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeLifted, v1)
			e.word(member(4), tally.TypeObjection, v1)
		}, tally.Blocked},
		"said again": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.word(member(4), tally.TypeLifted, v1)
			e.word(member(4), tally.TypeObjection, &e.q)
		}, tally.Blocked},
		"lifts another's": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.word(member(3), tally.TypeLifted, v1)
		}, tally.Blocked},
		"lifts something else": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			i := e.write(member(4), tally.TypeLifted, opened+4*day, tally.WordBody{Proposal: e.q.ID, Doc: doc(member(3))})
			e.witness(&e.q, tally.PhaseCommit, member(4), i)
		}, tally.Blocked},
		"voted agree": {func(e *election, v1 *tally.Question) { e.word(member(3), tally.TypeObjection, v1) }, tally.Passed},
		"late for its own version": {func(e *election, v1 *tally.Question) {
			i := e.write(member(4), tally.TypeObjection, v1.CommitUntil+1, tally.WordBody{Proposal: v1.ID, Doc: doc(member(4))})
			e.witness(v1, tally.PhaseCommit, member(4), i)
		}, tally.Passed},
		"seen for the other version only": {func(e *election, v1 *tally.Question) {
			i := e.write(member(4), tally.TypeObjection, opened+hour, tally.WordBody{Proposal: v1.ID, Doc: doc(member(4))})
			e.witness(&e.q, tally.PhaseCommit, member(4), i)
		}, tally.Passed},
		"lifted unseen": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.write(member(4), tally.TypeLifted, opened+4*day, tally.WordBody{Proposal: e.q.ID, Doc: doc(member(4))})
		}, tally.Blocked},
		"named by a ballot": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.vote(member(4), objects(member(4)))
		}, tally.Blocked},
		"void": {func(e *election, v1 *tally.Question) {
			e.word(member(4), tally.TypeObjection, v1)
			e.fork(member(0), member(4))
			e.fork(member(1), member(4))
		}, tally.Passed},
		"of a stranger": {func(e *election, v1 *tally.Question) {
			i := e.write("stranger.test", tally.TypeObjection, opened+hour, tally.WordBody{Proposal: v1.ID, Doc: doc("stranger.test")})
			e.see(member(0), v1, tally.PhaseCommit, "stranger.test", i)
			e.see(member(1), v1, tally.PhaseCommit, "stranger.test", i)
		}, tally.Passed},
	} {
		t.Run(name, func(t *testing.T) {
			e := chain().ballots("aaaa")
			c.do(e, &e.q.Earlier[0])
			if got := e.count(); got.Result != c.want {
				t.Errorf("%s, standing %v\n%s", got.Result, got.Standing, got.Text)
			}
		})
	}
}

// A version is counted no more when the entry of the next is in time for its commit phase.
func TestReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		by      core.MemberID
		iat     core.Moment
		unseen  bool
		another bool
		want    tally.Result
	}{
		"replaced":       {by: member(0), iat: opened + 14*day, want: tally.Replaced},
		"later":          {by: member(0), iat: opened + 14*day + 1, want: tally.Passed},
		"not seen":       {by: member(0), iat: opened + day, unseen: true, want: tally.Passed},
		"not its author": {by: member(1), iat: opened + day, want: tally.Passed},
		"another's":      {by: member(0), iat: opened + day, another: true, want: tally.Passed},
	} {
		e := hold(ask(tally.KindConsent, 4, 0)).ballots("aaa.")
		body := tally.ProposalBody{Proposal: doc("new"), Charter: "c", Replaces: e.q.ID}
		if c.another {
			body.Replaces = doc("another")
		}
		i := e.write(c.by, tally.TypeProposal, c.iat, body)
		if !c.unseen {
			e.witness(&e.q, tally.PhaseCommit, c.by, i)
		}
		got := e.count()
		if got.Result != c.want || !strings.HasSuffix(got.Text, "\nresult "+string(c.want)+"\n") {
			t.Errorf("%s: %s", name, got.Text)
		}
	}
	e := hold(ask(tally.KindLazy, 4, 0))
	e.witness(&e.q, tally.PhaseTalk, member(0), e.write(member(0), tally.TypeProposal, opened+day, tally.ProposalBody{Proposal: doc("new"), Replaces: e.q.ID}))
	if got := e.count(); got.Result != tally.Replaced {
		t.Errorf("lazy: %s", got.Result)
	}
}

// Who talks to both sides is drawn among those who are awake and on neither.
func TestFacilitator(t *testing.T) {
	drawn := map[core.MemberID]bool{}
	for round := range 60 {
		q := asleep(ask(tally.KindConsent, 8, 0), "aaaaaaaz")
		q.Version, q.TalkUntil = 3, q.Opened+core.Moment(round) // another proposal each round
		e := hold(q).ballots("aaaoqaa")
		e.fork(member(0), member(6))
		e.fork(member(1), member(6))
		got := e.count()
		if got.Result != tally.Blocked {
			t.Fatal(got.Text)
		}
		drawn[got.Facilitator] = true
	}
	// The author is 0, 3 and 4 object, 6 is void, 7 sleeps. That one of three is never drawn
	// in 60 rounds has a chance of 3·(2/3)^60; the rounds are the same ones each time.
	if len(drawn) != 3 || !drawn[member(1)] || !drawn[member(2)] || !drawn[member(5)] {
		t.Error(drawn)
	}
	for name, change := range map[string]func(*tally.Question){
		"second version": func(q *tally.Question) { q.Version = 2 },
		"fallback":       func(q *tally.Question) { q.Fallback = true },
	} {
		q := ask(tally.KindConsent, 5, 0)
		q.Version = 3
		change(&q)
		if got := hold(q).ballots("aaaao").count(); got.Facilitator != "" {
			t.Errorf("%s: %s", name, got.Facilitator)
		}
	}
	q := ask(tally.KindConsent, 3, 0)
	q.Version = 3
	if got := hold(q).ballots("aoo").count(); got.Result != tally.Blocked || got.Facilitator != "" {
		t.Errorf("nobody is left, and %s was drawn", got.Facilitator)
	}
}

// Two equal options are put in order by lot, and another nonce is another lot.
func TestLot(t *testing.T) {
	first := map[int]int{}
	for round := range 40 {
		q := ask(tally.KindPoll, 3, 2)
		q.TalkUntil += core.Moment(round)
		e := hold(q)
		e.vote(member(1), gives(4, 4))
		got := e.count()
		if !slices.Equal(got.Medians, []int{4, 4}) {
			t.Fatal(got.Medians)
		}
		first[got.Order[0]]++
	}
	if first[0] < 10 || first[1] < 10 {
		t.Error("the lot has a side:", first)
	}
}

// What is said of an earlier version whose phases end later is not waited for.
func TestNothingIsReadAfterTheCount(t *testing.T) {
	first, second := ask(tally.KindConsent, 5, 0), ask(tally.KindConsent, 5, 0)
	first.CommitUntil, first.RevealUntil = opened+40*day, opened+43*day
	second.Version, second.TalkUntil = 2, second.Opened
	for after, want := range map[core.Moment]tally.Result{0: tally.Blocked, 1: tally.Passed} {
		for _, witness := range []bool{false, true} {
			e := hold(first, second).ballots("aaaa")
			v1, said, seen := &e.q.Earlier[0], e.q.Due(), e.q.Due()
			if witness {
				said, seen = opened+day, seen+after
			} else {
				said += after
			}
			i := e.write(member(4), tally.TypeObjection, said, tally.WordBody{Proposal: v1.ID, Doc: doc(member(4))})
			body := tally.SeenBody{Proposal: v1.ID, Phase: tally.PhaseCommit, Seen: []tally.Sighting{{Ordinal: 4, Index: i}}}
			e.write(member(0), tally.TypeSeen, seen, body)
			e.write(member(1), tally.TypeSeen, seen, body)
			if got := e.count(); got.Result != want {
				t.Errorf("%d after the count is due, witness %v: %s", after, witness, got.Result)
			}
		}
	}
}
