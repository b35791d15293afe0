package tally_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/tally"
)

// opened is when the questions of the tests open, and day is in microseconds.
const (
	opened = core.Moment(1_800_000_000_000_000)
	day    = core.Moment(24 * 60 * 60 * 1e6)
	hour   = day / 24
)

// row is a leaf of a member's logbook.
type row struct {
	member core.MemberID
	index  int64
	text   string
}

// election is a question, and logbooks about it.
type election struct {
	q        tally.Question
	payloads [][]byte // of the versions, the oldest first
	rows     []row
	next     map[core.MemberID]int64
}

// member is the one with the number; the numbers are the order of the electorate.
func member(i int) core.MemberID { return core.MemberID(fmt.Sprintf("m%02d.test", i)) }

// ask is a question of usual length to n members, the first of whom is its author.
func ask(kind tally.Kind, n, options int) tally.Question {
	q := tally.Question{
		By: member(0), Kind: kind, Version: 1, Options: options, Grace: 6 * time.Hour, Opened: opened,
		TalkUntil: opened + 7*day, CommitUntil: opened + 14*day, RevealUntil: opened + 17*day,
	}
	if kind == tally.KindLazy {
		q.CommitUntil, q.RevealUntil = q.TalkUntil, q.TalkUntil
	}
	for i := range n {
		q.Electorate = append(q.Electorate, tally.Member{ID: member(i)})
	}
	return q
}

// hold begins an election about the last of the versions; their ids are given here.
func hold(versions ...tally.Question) *election {
	e := &election{next: map[core.MemberID]int64{}}
	for _, q := range versions {
		text := payload(q)
		sum := sha256.Sum256(text)
		q.ID = hex.EncodeToString(sum[:])
		q.Earlier = e.q.Earlier
		if e.q.ID != "" {
			q.Earlier = append(slices.Clip(q.Earlier), e.q)
		}
		e.q, e.payloads = q, append(e.payloads, text)
	}
	return e
}

// payload is a proposal as it is signed, as far as a count reads it.
// spec: docs/spec/decision.md#proposal
func payload(q tally.Question) []byte {
	type person struct {
		Member   core.MemberID `json:"member"`
		Sleeping bool          `json:"sleeping"`
	}
	people, options := []person{}, []string{}
	for _, m := range q.Electorate {
		people = append(people, person{m.ID, m.Sleeping})
	}
	for i := range q.Options {
		options = append(options, fmt.Sprintf("way %d", i))
	}
	text, err := json.Marshal(map[string]any{
		"v": 1, "by": q.By, "kind": q.Kind, "version": q.Version, "fallback": q.Fallback, "options": options,
		"opened_us": q.Opened, "talk_until_us": q.TalkUntil, "commit_until_us": q.CommitUntil, "reveal_until_us": q.RevealUntil,
		"grace_us": q.Grace.Microseconds(), "electorate": people,
	})
	if err != nil {
		panic(err)
	}
	return text
}

// write puts an entry into a logbook and answers its index. The body may be JSON already.
func (e *election) write(who core.MemberID, typ string, iat core.Moment, body any) int64 {
	text, ok := body.(string)
	if !ok {
		data, err := wire.Encode(body)
		if err != nil {
			panic(err)
		}
		text = string(data)
	}
	index := e.next[who]
	e.next[who]++
	e.rows = append(e.rows, row{who, index, fmt.Sprintf(`{"typ":%q,"iss":%q,"iat":%d,"body":%s}`, typ, who, iat, text)})
	return index
}

// see is a witness's entry, at the end of the phase, about entries of one member.
func (e *election) see(witness core.MemberID, q *tally.Question, phase tally.Phase, of core.MemberID, indexes ...int64) {
	body := tally.SeenBody{Proposal: q.ID, Phase: phase}
	for _, i := range indexes {
		body.Seen = append(body.Seen, tally.Sighting{Ordinal: int64(q.Ordinal(of)), Index: i})
	}
	e.write(witness, tally.TypeSeen, q.End(phase)+hour, body)
}

// witness is see by the two members behind the entry's.
func (e *election) witness(q *tally.Question, phase tally.Phase, of core.MemberID, indexes ...int64) {
	n := len(q.Electorate)
	for i := 1; i <= 2; i++ {
		if who := q.Electorate[(q.Ordinal(of)+i)%n].ID; who != of {
			e.see(who, q, phase, of, indexes...)
		}
	}
}

// seal is the bytes of a ballot and what is committed to.
func (e *election) seal(who core.MemberID, choice tally.Choice) (opening []byte, commit string) {
	sum := sha256.Sum256([]byte("nonce of " + who))
	opening, err := tally.Opening{Proposal: e.q.ID, Member: who, Nonce: hex.EncodeToString(sum[:]), Choice: choice}.Bytes()
	if err != nil {
		panic(err)
	}
	return opening, tally.Commit(opening)
}

// commit and open are the entries of a ballot, in time and not yet witnessed.
func (e *election) commit(who core.MemberID, commit string) int64 {
	return e.write(who, tally.TypeBallot, e.q.CommitUntil-hour, tally.BallotBody{Proposal: e.q.ID, Commit: commit, Sealed: []byte("age")})
}

func (e *election) open(who core.MemberID, opening []byte) int64 {
	return e.write(who, tally.TypeOpening, e.q.CommitUntil+7*hour, tally.OpeningBody{Proposal: e.q.ID, Opening: opening})
}

// vote is a whole ballot: sealed, opened, witnessed.
func (e *election) vote(who core.MemberID, choice tally.Choice) {
	opening, commit := e.seal(who, choice)
	e.witness(&e.q, tally.PhaseCommit, who, e.commit(who, commit))
	e.witness(&e.q, tally.PhaseReveal, who, e.open(who, opening))
}

// doc is the id of an objection of a member.
func doc(who core.MemberID) string {
	sum := sha256.Sum256([]byte("objection of " + who))
	return hex.EncodeToString(sum[:])
}

// word is an objection to a version or its lifting, in time and witnessed.
func (e *election) word(who core.MemberID, typ string, q *tally.Question) {
	i := e.write(who, typ, q.Opened+hour, tally.WordBody{Proposal: q.ID, Doc: doc(who)})
	e.witness(q, q.WordPhase(), who, i)
}

// fork is a proof that a witness logged about a member.
func (e *election) fork(witness, about core.MemberID) {
	e.write(witness, format.TypFork, e.q.CommitUntil, fmt.Sprintf(`{"origin":%q,"epoch":1,"a":{"x":1}}`, about))
}

// entries are what a node reads of the logbooks.
func (e *election) entries() []tally.Entry {
	var all []tally.Entry
	for _, r := range e.rows {
		if x, err := format.ParseLeaf(r.member, r.index, []byte(r.text)); err == nil {
			all = append(all, tally.Entry{Member: x.Log, Index: x.Index, Typ: x.Typ, Iat: x.Iat, Body: x.Body})
		}
	}
	return all
}

func (e *election) count() tally.Tally { return tally.Count(e.q, e.entries()) }

// line is what became of a member's ballots.
func line(t *testing.T, got tally.Tally, who core.MemberID) tally.Line {
	t.Helper()
	for _, l := range got.Lines {
		if l.Member == who {
			return l
		}
	}
	t.Fatalf("no line of %s", who)
	return tally.Line{}
}

func says(s tally.Stance) tally.Choice { return tally.Choice{Stance: s} }

func objects(who core.MemberID) tally.Choice {
	return tally.Choice{Stance: tally.Object, Objection: doc(who)}
}

func gives(grades ...int) tally.Choice { return tally.Choice{Grades: grades} }
