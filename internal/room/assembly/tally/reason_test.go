package tally_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// What can go wrong with a ballot, each with its own reason. The member in question is 2 of
// four; the bounds of each time are tried from both sides.
func TestReasons(t *testing.T) {
	me, another := member(2), member(3)
	honest := func(e *election) ([]byte, string) { return e.seal(me, says(tally.Agree)) }
	// sealed is a ballot in time, of these bytes; opened too where open.
	sealed := func(e *election, opening []byte, open bool) {
		e.witness(&e.q, tally.PhaseCommit, me, e.commit(me, tally.Commit(opening)))
		if open {
			e.witness(&e.q, tally.PhaseReveal, me, e.open(me, opening))
		}
	}
	text := func(form string, args ...any) func(*election) {
		return func(e *election) {
			sealed(e, []byte(strings.NewReplacer("ID", e.q.ID, "NONCE", doc(me)).Replace(fmt.Sprintf(form, args...))), true)
		}
	}
	chosen := func(choice string) func(*election) {
		return text(`{"proposal":"ID","member":%q,"nonce":"NONCE","choice":%s}`, me, choice)
	}
	commitAt := func(iat func(*tally.Question) core.Moment) func(*election) {
		return func(e *election) {
			opening, commit := honest(e)
			i := e.write(me, tally.TypeBallot, iat(&e.q), tally.BallotBody{Proposal: e.q.ID, Commit: commit})
			e.witness(&e.q, tally.PhaseCommit, me, i)
			e.witness(&e.q, tally.PhaseReveal, me, e.open(me, opening))
		}
	}
	openAt := func(iat func(*tally.Question) core.Moment) func(*election) {
		return func(e *election) {
			opening, _ := honest(e)
			sealed(e, opening, false)
			i := e.write(me, tally.TypeOpening, iat(&e.q), tally.OpeningBody{Proposal: e.q.ID, Opening: opening})
			e.witness(&e.q, tally.PhaseReveal, me, i)
		}
	}
	for name, c := range map[string]struct {
		do     func(*election)
		status tally.Status
		reason tally.Reason
	}{
		"nothing": {func(*election) {}, tally.None, ""},
		"counted": {func(e *election) { e.vote(me, says(tally.Agree)) }, tally.Open, ""},

		"at the opening":              {commitAt(func(q *tally.Question) core.Moment { return q.Opened }), tally.Open, ""},
		"before it":                   {commitAt(func(q *tally.Question) core.Moment { return q.Opened - 1 }), tally.None, tally.Early},
		"at the last moment":          {commitAt(func(q *tally.Question) core.Moment { return q.CommitUntil }), tally.Open, ""},
		"after it":                    {commitAt(func(q *tally.Question) core.Moment { return q.CommitUntil + 1 }), tally.None, tally.Late},
		"long after the count":        {commitAt(func(q *tally.Question) core.Moment { return q.Due() + 99*day }), tally.None, tally.Late},
		"opened at the last moment":   {openAt(func(q *tally.Question) core.Moment { return q.RevealUntil }), tally.Open, ""},
		"opened after it":             {openAt(func(q *tally.Question) core.Moment { return q.RevealUntil + 1 }), tally.Unopened, tally.OpenedLate},
		"opened before the beginning": {openAt(func(q *tally.Question) core.Moment { return q.Opened - 1 }), tally.Unopened, tally.OpenedEarly},
		"never opened":                {func(e *election) { o, _ := honest(e); sealed(e, o, false) }, tally.Unopened, tally.Silent},
		"seen by nobody":              {func(e *election) { _, c := honest(e); e.commit(me, c) }, tally.None, tally.Unseen},
		"seen by one":                 {func(e *election) { _, c := honest(e); e.see(another, &e.q, tally.PhaseCommit, me, e.commit(me, c)) }, tally.None, tally.Unseen},
		"opening seen by one": {func(e *election) {
			o, _ := honest(e)
			sealed(e, o, false)
			e.see(another, &e.q, tally.PhaseReveal, me, e.open(me, o))
		}, tally.Unopened, tally.OpeningUnseen},
		"other bytes": {func(e *election) {
			o, _ := honest(e)
			sealed(e, o, false)
			e.witness(&e.q, tally.PhaseReveal, me, e.open(me, append(o, ' ')))
		}, tally.Unopened, tally.OtherBytes},
		"another's ballot":              {func(e *election) { o, _ := e.seal(another, says(tally.Agree)); sealed(e, o, true) }, tally.Unopened, tally.OtherMember},
		"a ballot of another proposal":  {text(`{"proposal":%q,"member":%q,"nonce":"NONCE","choice":{"stance":"agree"}}`, doc("x"), me), tally.Unopened, tally.OtherProposal},
		"no JSON":                       {text(`{`), tally.Unopened, tally.Unreadable},
		"no nonce":                      {text(`{"proposal":"ID","member":%q,"choice":{"stance":"agree"}}`, me), tally.Unopened, tally.Unreadable},
		"a short nonce":                 {text(`{"proposal":"ID","member":%q,"nonce":"00","choice":{"stance":"agree"}}`, me), tally.Unopened, tally.Unreadable},
		"an unknown member":             {text(`{"proposal":"ID","member":%q,"nonce":"NONCE","choice":{"stance":"agree"},"x":1}`, me), tally.Unopened, tally.Unreadable},
		"a name twice":                  {text(`{"proposal":"ID","member":%q,"member":%q,"nonce":"NONCE","choice":{"stance":"agree"}}`, me, me), tally.Unopened, tally.Unreadable},
		"no choice":                     {text(`{"proposal":"ID","member":%q,"nonce":"NONCE"}`, me), tally.Bad, tally.Misfit},
		"null":                          {chosen(`null`), tally.Bad, tally.Misfit},
		"nothing chosen":                {chosen(`{}`), tally.Bad, tally.Misfit},
		"no such stance":                {chosen(`{"stance":"Agree"}`), tally.Bad, tally.Misfit},
		"grades for a text":             {chosen(`{"grades":[1]}`), tally.Bad, tally.Misfit},
		"both":                          {chosen(`{"stance":"agree","grades":[1]}`), tally.Bad, tally.Misfit},
		"empty grades":                  {chosen(`{"stance":"agree","grades":[]}`), tally.Bad, tally.Misfit},
		"agrees and names an objection": {chosen(`{"stance":"agree","objection":"` + doc(me) + `"}`), tally.Bad, tally.Misfit},
		"an empty objection":            {chosen(`{"stance":"agree","objection":""}`), tally.Bad, tally.Misfit},
		"objects to nothing":            {chosen(`{"stance":"object"}`), tally.Bad, tally.Misfit},
		"null as if left out":           {chosen(`{"stance":"agree","objection":null,"grades":null}`), tally.Open, ""},
		"objects without objection":     {func(e *election) { e.vote(me, objects(me)) }, tally.Bad, tally.NoObjection},
		"another's objection":           {func(e *election) { e.word(another, tally.TypeObjection, &e.q); e.vote(me, objects(another)) }, tally.Bad, tally.NoObjection},
		"not its own one":               {func(e *election) { e.word(me, tally.TypeObjection, &e.q); e.vote(me, objects(another)) }, tally.Bad, tally.NoObjection},
		"objection too late": {func(e *election) {
			i := e.write(me, tally.TypeObjection, e.q.CommitUntil+1, tally.WordBody{Proposal: e.q.ID, Doc: doc(me)})
			e.witness(&e.q, tally.PhaseCommit, me, i)
			e.vote(me, objects(me))
		}, tally.Bad, tally.NoObjection},
		"objects":      {func(e *election) { e.word(me, tally.TypeObjection, &e.q); e.vote(me, objects(me)) }, tally.Open, ""},
		"forked":       {func(e *election) { e.vote(me, says(tally.Agree)); e.fork(member(0), me); e.fork(member(1), me) }, tally.Void, tally.Forked},
		"forked twice": {func(e *election) { e.vote(me, says(tally.Agree)); e.fork(member(0), me); e.fork(member(0), me) }, tally.Open, ""},
		"by itself":    {func(e *election) { e.vote(me, says(tally.Agree)); e.fork(member(0), me); e.fork(me, me) }, tally.Open, ""},
		"by strangers": {func(e *election) { e.vote(me, says(tally.Agree)); e.fork("x.test", me); e.fork("y.test", me) }, tally.Open, ""},
	} {
		t.Run(name, func(t *testing.T) {
			e := hold(ask(tally.KindConsent, 4, 0))
			c.do(e)
			got := line(t, e.count(), me)
			if got.Status != c.status || got.Reason != c.reason {
				t.Errorf("%s, %q; want %s, %q", got.Status, got.Reason, c.status, c.reason)
			}
			if (got.Index >= 0) != (c.status == tally.Unopened || c.status == tally.Bad || c.status == tally.Open) {
				t.Errorf("%s with the ballot at %d", got.Status, got.Index)
			}
		})
	}
}

// Forks count from the opening to the end of the count: an older one was pardoned.
func TestForksHaveATime(t *testing.T) {
	q := ask(tally.KindConsent, 4, 0)
	for iat, want := range map[core.Moment]tally.Status{q.Opened - 1: tally.Open, q.Opened: tally.Void, q.Due(): tally.Void, q.Due() + 1: tally.Open} {
		e := hold(q).ballots("aaaa")
		for _, witness := range []core.MemberID{member(0), member(1)} {
			e.write(witness, "entrechat/fork/1", iat, fmt.Sprintf(`{"origin":%q}`, member(3)))
		}
		if got := line(t, e.count(), member(3)).Status; got != want {
			t.Errorf("%d: %s", iat-q.Opened, got)
		}
	}
}

// Grades fit when there is one for each option, from 0 to 5.
func TestGradesFit(t *testing.T) {
	for choice, want := range map[string]bool{
		`{"grades":[0,5,3]}`: true, `{"grades":[0,5]}`: false, `{"grades":[0,5,3,1]}`: false, `{"grades":[0,6,3]}`: false, `{"grades":[0,-1,3]}`: false,
		`{"grades":[0,null,3]}`: false, `{"grades":[0,"1",3]}`: false, `{"grades":[0,1.0,3]}`: false, `{"grades":[]}`: false, `{"stance":"agree"}`: false,
		`{"grades":[0,5,3],"stance":"agree"}`: false, `{"grades":[0,5,3],"stance":""}`: false, `[0,5,3]`: false, `{"Grades":[0,5,3]}`: false,
	} {
		q := ask(tally.KindChoice, 3, 3)
		c, err := tally.ParseChoice([]byte(choice))
		if got := err == nil && c.Fits(&q); got != want {
			t.Errorf("%s: %v, %v", choice, got, err)
		}
	}
}

// A later ballot replaces the earlier one, where it is in time itself.
func TestTheLastBallotCounts(t *testing.T) {
	for name, c := range map[string]struct {
		second func(*election, string) int64
		want   tally.Stance
		why    tally.Reason
	}{
		"in time": {func(e *election, c string) int64 {
			i := e.commit(member(1), c)
			e.witness(&e.q, tally.PhaseCommit, member(1), i)
			return i
		}, tally.Aside, ""},
		"unseen": {func(e *election, c string) int64 { return e.commit(member(1), c) }, tally.Agree, tally.Unseen},
		"late": {func(e *election, c string) int64 {
			i := e.write(member(1), tally.TypeBallot, e.q.CommitUntil+1, tally.BallotBody{Proposal: e.q.ID, Commit: c})
			e.witness(&e.q, tally.PhaseCommit, member(1), i)
			return i
		}, tally.Agree, tally.Late},
	} {
		e := hold(ask(tally.KindConsent, 4, 0))
		e.vote(member(1), says(tally.Agree))
		opening, commit := e.seal(member(1), says(tally.Aside))
		i := c.second(e, commit)
		e.witness(&e.q, tally.PhaseReveal, member(1), e.open(member(1), opening))
		got := line(t, e.count(), member(1))
		if got.Choice.Stance != c.want || len(got.Refused) != 0 != (c.why != "") {
			t.Errorf("%s: %+v", name, got)
		}
		if c.why != "" && (got.Refused[0].Reason != c.why || got.Refused[0].Index != i) {
			t.Errorf("%s: %+v", name, got.Refused)
		}
	}
}

// Who saw what: where it was seen for another phase, late, by itself, by strangers or in a
// form that is none, it was not seen.
func TestWitnesses(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		do   func(*election, int64)
		want tally.Status
	}{
		"two": {4, func(e *election, i int64) { e.witness(&e.q, tally.PhaseCommit, member(1), i) }, tally.Unopened},
		"one twice": {4, func(e *election, i int64) {
			e.see(member(0), &e.q, tally.PhaseCommit, member(1), i)
			e.see(member(0), &e.q, tally.PhaseCommit, member(1), i)
		}, tally.None},
		"one and itself": {4, func(e *election, i int64) {
			e.see(member(0), &e.q, tally.PhaseCommit, member(1), i)
			e.see(member(1), &e.q, tally.PhaseCommit, member(1), i)
		}, tally.None},
		"two strangers": {4, func(e *election, i int64) {
			e.see("x.test", &e.q, tally.PhaseCommit, member(1), i)
			e.see("y.test", &e.q, tally.PhaseCommit, member(1), i)
		}, tally.None},
		"one and a stranger": {4, func(e *election, i int64) {
			e.see(member(2), &e.q, tally.PhaseCommit, member(1), i)
			e.see("x.test", &e.q, tally.PhaseCommit, member(1), i)
		}, tally.None},
		"for another phase":     {4, func(e *election, i int64) { e.witness(&e.q, tally.PhaseReveal, member(1), i) }, tally.None},
		"for talk":              {4, func(e *election, i int64) { e.witness(&e.q, tally.PhaseTalk, member(1), i) }, tally.None},
		"of another index":      {4, func(e *election, i int64) { e.witness(&e.q, tally.PhaseCommit, member(1), i+1) }, tally.None},
		"of another member":     {4, func(e *election, i int64) { e.witness(&e.q, tally.PhaseCommit, member(2), i) }, tally.None},
		"one of two":            {2, func(e *election, i int64) { e.see(member(0), &e.q, tally.PhaseCommit, member(1), i) }, tally.Unopened},
		"none of two":           {2, func(*election, int64) {}, tally.None},
		"both others, of three": {3, func(e *election, i int64) { e.witness(&e.q, tally.PhaseCommit, member(1), i) }, tally.Unopened},
		"among junk": {4, func(e *election, i int64) {
			for w, form := range []string{`[[-1,0],[99,0],[1,%d]]`, `[[1,%d],[1,%[1]d],[1,-5]]`} {
				body := fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":%s}`, e.q.ID, fmt.Sprintf(form, i))
				e.write(member(2*w), tally.TypeSeen, e.q.CommitUntil, body)
			}
		}, tally.Unopened},
		"in no form": {4, func(e *election, i int64) {
			for _, form := range []string{`[[1,%d,0]]`, `[[1,%d],[1]]`, `[[[1,%d]]]`, `[[1,%d],1]`, `[[1,%d],"1,2"]`, `[[1,%d],[1,2.0]]`, `[[1,%d],null]`, `[[1,%d],[null,1]]`, `[["1",%d]]`, `[1,%d]`, `{"1":%d}`} {
				body := fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":%s}`, e.q.ID, fmt.Sprintf(form, i))
				e.write(member(0), tally.TypeSeen, e.q.CommitUntil, body)
				e.write(member(2), tally.TypeSeen, e.q.CommitUntil, body)
			}
		}, tally.None},
	} {
		t.Run(name, func(t *testing.T) {
			e := hold(ask(tally.KindConsent, c.n, 0))
			_, commit := e.seal(member(1), says(tally.Agree))
			c.do(e, e.commit(member(1), commit))
			if got := line(t, e.count(), member(1)).Status; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	// A witness has from the opening to the end of the grace.
	q := ask(tally.KindConsent, 4, 0)
	for iat, want := range map[core.Moment]tally.Status{
		q.Opened - 1: tally.None, q.Opened: tally.Unopened, q.CommitUntil + 6*hour: tally.Unopened, q.CommitUntil + 6*hour + 1: tally.None,
	} {
		e := hold(q)
		_, commit := e.seal(member(1), says(tally.Agree))
		body := tally.SeenBody{Proposal: e.q.ID, Phase: tally.PhaseCommit, Seen: []tally.Sighting{{Ordinal: 1, Index: e.commit(member(1), commit)}}}
		e.write(member(0), tally.TypeSeen, iat, body)
		e.write(member(2), tally.TypeSeen, iat, body)
		if got := line(t, e.count(), member(1)).Status; got != want {
			t.Errorf("seen at %d: %s", iat-q.Opened, got)
		}
	}
	// One member alone has nobody to see it.
	if got := hold(ask(tally.KindConsent, 1, 0)).ballots("a").count(); got.Result != tally.Passed {
		t.Error(got.Text)
	}
}

// A ballot that is not as it must be is none.
func TestBallotsHaveAForm(t *testing.T) {
	long := base64.StdEncoding.EncodeToString(make([]byte, tally.MaxSealed+1))
	for form, want := range map[string]tally.Status{
		`{"proposal":"ID","commit":"COMMIT","sealed":"AA=="}`:         tally.Unopened,
		`{"proposal":"ID","commit":"COMMIT"}`:                         tally.Unopened,
		`{"proposal":"ID","commit":"COMMIT","sealed":"` + long + `"}`: tally.None,
		`{"proposal":"ID","commit":"COMMIT","sealed":"AB=="}`:         tally.None,
		`{"proposal":"ID","commit":"COMMIT","sealed":1}`:              tally.None,
		`{"proposal":"ID","commit":"COMMIT","x":1}`:                   tally.None,
		`{"proposal":"ID","commit":"short"}`:                          tally.None,
		`{"proposal":"ID","commit":null}`:                             tally.None,
		`{"proposal":"OTHER","commit":"COMMIT"}`:                      tally.None,
		`["ID","COMMIT"]`:                                             tally.None,
		`null`:                                                        tally.None,
	} {
		e := hold(ask(tally.KindConsent, 4, 0))
		_, commit := e.seal(member(1), says(tally.Agree))
		body := strings.NewReplacer("ID", e.q.ID, "OTHER", doc("x"), "COMMIT", commit).Replace(form)
		e.witness(&e.q, tally.PhaseCommit, member(1), e.write(member(1), tally.TypeBallot, e.q.CommitUntil, body))
		if got := line(t, e.count(), member(1)).Status; got != want {
			t.Errorf("%.70s: %s, want %s", form, got, want)
		}
	}
}

// What is about another proposal is of no use here, nor an objection without the hash of a text.
func TestOnlyWhatIsAboutTheQuestion(t *testing.T) {
	e := hold(ask(tally.KindConsent, 4, 0))
	opening, commit := e.seal(member(1), says(tally.Agree))
	e.witness(&e.q, tally.PhaseCommit, member(1), e.commit(member(1), commit))
	e.witness(&e.q, tally.PhaseReveal, member(1), e.write(member(1), tally.TypeOpening, e.q.RevealUntil, tally.OpeningBody{Proposal: doc("x"), Opening: opening}))
	e.witness(&e.q, tally.PhaseCommit, member(2), e.write(member(2), tally.TypeObjection, opened, tally.WordBody{Proposal: e.q.ID, Doc: "none"}))
	got := e.count()
	if l := line(t, got, member(1)); l.Status != tally.Unopened || l.Reason != tally.Silent || len(got.Standing) != 0 {
		t.Errorf("%+v, standing %v", l, got.Standing)
	}
}
