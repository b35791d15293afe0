package tally_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// dice answers a number from 0 to below n.
type dice func(n int) int

func (d dice) oneIn(n int) bool { return d(n) == 0 }

// seeded are dice that fall the same for the same number.
func seeded(n uint64) dice { return rand.New(rand.NewPCG(n, 11)).IntN }

// pick is one of a list.
func pick[T any](d dice, of ...T) T { return of[d(len(of))] }

// draw is any election there can be: kinds, versions, sleepers, ballots with every fault of
// their own, objections, forks, witnesses, junk.
func draw(d dice) *election {
	n := pick(d, 1, 2, 3, 3, 4, 5, 6, 7)
	kind := pick(d, tally.KindConsent, tally.KindConsent, tally.KindChoice, tally.KindLazy, tally.KindPoll)
	options := 0
	if kind == tally.KindChoice || kind == tally.KindPoll {
		options = 2 + d(4)
	}
	var versions []tally.Question
	for v := range 1 + d(2)*d(4) {
		q := ask(kind, n, options)
		q.Version, q.Opened = int64(v+1), opened+core.Moment(v)*day
		if v > 0 && kind != tally.KindLazy {
			q.TalkUntil = q.Opened
		}
		if d.oneIn(5) && kind != tally.KindLazy {
			q.CommitUntil, q.RevealUntil = opened+9*day, opened+10*day
		}
		for i := range q.Electorate {
			q.Electorate[i].Sleeping = d.oneIn(4)
		}
		if v == 3 && kind == tally.KindConsent {
			q.Fallback = true
		}
		if v > 0 && d.oneIn(3) && n > 1 { // somebody left
			out := d(n)
			q.Electorate = append(q.Electorate[:out:out], q.Electorate[out+1:]...)
		}
		q.By = q.Electorate[d(len(q.Electorate))].ID
		versions = append(versions, q)
	}
	e := hold(versions...)
	t := throw{election: e, dice: d, careful: !d.oneIn(3)}
	for _, m := range append(slices.Clip(e.q.Electorate), tally.Member{ID: "stranger.test"}) {
		t.words(m.ID)
		t.vote(m.ID)
		t.others(m.ID)
	}
	for _, m := range versions[0].Electorate {
		t.others(m.ID)
	}
	t.everybodySees()
	return e
}

// throw fills an election by dice. Where it is careful, most things are as they should be.
type throw struct {
	*election
	dice

	careful bool
	written []sight
}

// sight is an entry that members may have seen.
type sight struct {
	q     *tally.Question
	phase tally.Phase
	of    core.MemberID
	index int64
}

func (t *throw) slip() bool { return t.oneIn(map[bool]int{true: 12, false: 3}[t.careful]) }

func (t *throw) version() *tally.Question {
	if k := t.dice(1 + 2*len(t.q.Earlier)); k < len(t.q.Earlier) {
		return &t.q.Earlier[k]
	}
	return &t.q
}

// at is a time for a phase, at times at or over its bounds.
func (t *throw) at(q *tally.Question, p tally.Phase) core.Moment {
	if t.slip() {
		end := q.End(p)
		return pick(t.dice, q.Opened-1, q.Opened, end, end+1, end+6*hour, end+6*hour+1, q.Due(), q.Due()+1, q.Due()+day)
	}
	return q.End(p) - core.Moment(t.dice(int(6*hour)))
}

func (t *throw) say(who core.MemberID, q *tally.Question, p tally.Phase, typ string, body any) {
	t.written = append(t.written, sight{q, p, who, t.write(who, typ, t.at(q, p), body)})
}

func (t *throw) words(who core.MemberID) {
	if t.oneIn(2) {
		return
	}
	for range 1 + t.dice(3) {
		q := t.version()
		about := doc(pick(t.dice, who, who, who, member(0)))
		t.say(who, q, q.WordPhase(), pick(t.dice, tally.TypeObjection, tally.TypeObjection, tally.TypeLifted), tally.WordBody{Proposal: q.ID, Doc: about})
	}
}

func (t *throw) vote(who core.MemberID) {
	var last []byte
	for range pick(t.dice, 0, 1, 1, 1, 1, 2, 3) {
		last = t.opening(who)
		body := tally.BallotBody{Proposal: t.q.ID, Commit: tally.Commit(last), Sealed: []byte("age")}
		if t.slip() {
			body = pick(t.dice, tally.BallotBody{Proposal: t.version().ID, Commit: body.Commit}, tally.BallotBody{Proposal: t.q.ID, Commit: "x"},
				tally.BallotBody{Proposal: t.q.ID, Commit: body.Commit, Sealed: make([]byte, pick(t.dice, tally.MaxSealed, tally.MaxSealed+1))})
		}
		t.say(who, &t.q, tally.PhaseCommit, tally.TypeBallot, body)
		if t.slip() {
			t.say(who, &t.q, tally.PhaseReveal, tally.TypeOpening, tally.OpeningBody{Proposal: t.version().ID, Opening: t.opening(who)})
		}
	}
	if last != nil && !t.slip() {
		t.say(who, &t.q, tally.PhaseReveal, tally.TypeOpening, tally.OpeningBody{Proposal: t.q.ID, Opening: last})
	}
}

// opening is the bytes of a ballot, with a fault at times.
func (t *throw) opening(who core.MemberID) []byte {
	data, _ := t.seal(who, t.choice(who))
	text := string(data)
	if !t.slip() {
		return data
	}
	return []byte(pick(t.dice,
		strings.Replace(text, t.q.ID, t.version().ID, 1), strings.Replace(text, string(who), "m00.test", 1), text+" ", text+"x", "", "null", "[]",
		strings.Replace(text, `"nonce":"`, `"nonce":"0`, 1), strings.Replace(text, "{", `{"v":1,`, 1), strings.Replace(text, "{", `{"nonce":"",`, 1),
		strings.Replace(text, `"choice":{`, `"choice":{"x":0,`, 1), strings.Replace(text, `"choice":{`, `"choice":{"grades":null,`, 1),
		strings.Replace(text, `"choice":{`, `"choice":{"objection":"",`, 1), strings.Replace(text, "5", "5.0", 1), "\xff", strings.Repeat("[", 20),
	))
}

func (t *throw) choice(who core.MemberID) tally.Choice {
	graded := t.q.Options > 0
	if t.slip() {
		graded = !graded
	}
	if !graded {
		s := pick(t.dice, tally.Agree, tally.Agree, tally.Agree, tally.Concern, tally.Aside, tally.Object)
		c := tally.Choice{Stance: s}
		if s == tally.Object || t.slip() {
			c.Objection = pick(t.dice, doc(who), doc(who), doc(who), doc(member(0)), "x")
		}
		if t.slip() {
			c.Stance = pick(t.dice, "yes", "Agree", tally.Object)
		}
		return c
	}
	c := tally.Choice{}
	most := pick(t.dice, 1, 2, tally.MaxGrade+1) // few grades make ties
	for range t.q.Options {
		c.Grades = append(c.Grades, t.dice(most))
	}
	if len(c.Grades) > 0 && t.slip() {
		c.Grades[0] = pick(t.dice, -1, 6, 1<<40)
	}
	if len(c.Grades) > 0 && t.slip() {
		c.Grades = c.Grades[1:]
	}
	return c
}

// others are forks, new versions, and junk.
func (t *throw) others(who core.MemberID) {
	if t.slip() {
		about := t.q.Electorate[t.dice(len(t.q.Electorate))].ID
		t.write(who, "entrechat/fork/1", t.at(&t.q, tally.PhaseReveal)+core.Moment(t.dice(2))*6*hour, fmt.Sprintf(`{"origin":%q,"epoch":1,"a":[{}]}`, about))
	}
	if once := t.slip(); once && t.slip() {
		t.say(who, &t.q, t.q.WordPhase(), tally.TypeProposal, tally.ProposalBody{Proposal: doc("new"), Charter: "c", Replaces: t.version().ID})
	}
	if t.slip() {
		t.junk(who)
	}
}

// junk is an entry that somebody made up, in the form of a leaf or not even that.
func (t *throw) junk(who core.MemberID) {
	typ := pick(t.dice, tally.TypeBallot, tally.TypeOpening, tally.TypeSeen, tally.TypeObjection, tally.TypeLifted, tally.TypeProposal,
		"entrechat/fork/1", "entrechat/ballot/2", "entrechat/ballot/11", "entrechat/seen", "other/ballot/1")
	id := t.q.ID
	opening := base64.StdEncoding.EncodeToString(t.opening(who))
	body := pick(t.dice, "null", "[]", "{}", "5", `"x"`, "1.5", `{"proposal":null}`, `{"proposal":5}`, `{"a":1,"a":2}`, "{", "-0", "9007199254740993",
		`{"origin":5}`, `{"origin":null}`, fmt.Sprintf(`{"origin":%q,"origin":"x"}`, who), `"\ud800"`, `"\ud83d\ude00"`, strings.Repeat("[", 15)+strings.Repeat("]", 15), strings.Repeat("[", 16)+strings.Repeat("]", 16),
		fmt.Sprintf(`{"proposal":%q,"commit":%q,"sealed":"AB=="}`, id, id), fmt.Sprintf(`{"proposal":%q,"commit":%q,"sealed":null}`, id, id), fmt.Sprintf(`{"proposal":%q,"commit":%q,"x":1}`, id, id),
		fmt.Sprintf(`{"proposal":%q,"opening":%q}`, id, strings.TrimRight(opening, "=")), fmt.Sprintf(`{"proposal":%q,"opening":%q}`, id, opening), fmt.Sprintf(`{"proposal":%q,"opening":true}`, id),
		fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[[0,%d],[1,0],[-1,0],[2,-1],[99,1],[9007199254740991,9007199254740991]]}`, id, t.dice(4)),
		fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[[0,0],[1]]}`, id), fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[[0,0],null]}`, id), fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[[0,null],[1,true]]}`, id), fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[ [ 0 , 0 ] , [1,0] ]}`, id), fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":[[[0,0]]]}`, id),
		fmt.Sprintf(`{"proposal":%q,"phase":"commit","seen":{"0":0}}`, id), fmt.Sprintf(`{"proposal":%q,"phase":null,"seen":null}`, id), fmt.Sprintf(`{"proposal":%q,"phase":"later","seen":[[0,0]]}`, id),
		fmt.Sprintf(`{"proposal":%q,"doc":"x"}`, id), fmt.Sprintf(`{"proposal":%q,"doc":null}`, id), fmt.Sprintf(`{"proposal":%q,"doc":%q}`, id, strings.ToUpper(doc(who))),
		fmt.Sprintf(`{"proposal":%q,"charter":1,"replaces":%q}`, id, id), fmt.Sprintf(`{"proposal":null,"replaces":%q}`, id))
	index := t.next[who]
	t.next[who]++
	q := t.version()
	iat := t.at(q, pick(t.dice, tally.PhaseTalk, tally.PhaseCommit, tally.PhaseReveal))
	form := pick(t.dice, `{"typ":%q,"iss":%q,"iat":%d,"body":%s}`, `{"typ":%q,"iss":%q,"iat":%d,"body":%s}`, `{"typ":%q,"iss":%q,"iat":%d,"body":%s}`,
		`{"typ":%q,"iss":%q,"iat":%d,"exp":1,"body":%s}`, `{"typ":%q,"iss":%q,"iat":%d,"exp":9000000000000000,"aud":["a.test"],"body":%s}`,
		`{"typ":%q,"iss":%q,"iat":%d,"aud":["a..test"],"body":%s}`, `{"typ":%q,"iss":"%s.x","iat":%d,"body":%s}`, `{"typ":%q,"iss":%q,"iat":-%d,"body":%s}`,
		`{"typ":%q,"iss":%q,"iat":%d,"aud":null,"exp":null,"body":%s,"x":1}`, "\ufeff"+`{"typ":%q,"iss":%q,"iat":%d,"body":%s}`, ` {"typ":%q,"iss":%q,"iat":%d,"body":%s}`+"\n")
	t.rows = append(t.rows, row{who, index, fmt.Sprintf(form, typ, who, iat, body)})
	for _, p := range []tally.Phase{tally.PhaseTalk, tally.PhaseCommit, tally.PhaseReveal} {
		t.written = append(t.written, sight{&t.q, p, who, index})
	}
}

// everybodySees writes the entries of the witnesses: all of them, or at random.
func (t *throw) everybodySees() {
	sloppy := !t.careful || t.oneIn(3)
	for v := range append(slices.Clip(t.q.Earlier), t.q) {
		q := &t.q
		if v < len(t.q.Earlier) {
			q = &t.q.Earlier[v]
		}
		for _, p := range []tally.Phase{tally.PhaseTalk, tally.PhaseCommit, tally.PhaseReveal} {
			for _, m := range append(slices.Clip(q.Electorate), tally.Member{ID: "stranger.test"}) {
				body := tally.SeenBody{Proposal: q.ID, Phase: p}
				for _, s := range t.written {
					if s.q.ID == q.ID && (s.phase == p || t.oneIn(20)) && (!sloppy || !t.oneIn(3)) {
						body.Seen = append(body.Seen, tally.Sighting{Ordinal: int64(q.Ordinal(s.of)), Index: s.index})
					}
				}
				iat := q.End(p).Add(time.Hour)
				if sloppy && t.slip() {
					iat = t.at(q, p)
				}
				t.write(m.ID, tally.TypeSeen, iat, body)
			}
		}
	}
}
