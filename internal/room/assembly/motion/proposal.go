package motion

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/tally"
)

// Bounds of what a proposal says, in characters.
const (
	MaxTitle  = 120
	MaxText   = 20_000
	MaxOption = 120
)

const (
	minOptions, maxOptions = 2, 10
	maxElectorate          = 500
	maxFrom                = 20
	maxVersion             = 3 // and the last round as the one after
	fallbackVersion        = maxVersion + 1
	// longest bounds a decision from its opening to its count: nobody is held for ever.
	longest  = 366 * 24 * time.Hour
	maxGrace = 7 * 24 * time.Hour
)

// FallbackWait is how long after the count of version 3 the last round may begin at the earliest.
const FallbackWait = 14 * 24 * time.Hour

// From is what a proposal comes from: ids of needs and incidents.
type From struct {
	Needs     []string `json:"needs"`
	Incidents []string `json:"incidents"`
}

// Proposal is what is to be decided. The zero value is none.
// spec: docs/spec/decision.md#proposal
type Proposal struct {
	V           int64             `json:"v"` // 1
	Salt        string            `json:"salt"`
	By          core.MemberID     `json:"by"`
	Charter     string            `json:"charter"` // id of the collective
	Kind        tally.Kind        `json:"kind"`
	Lang        string            `json:"lang"`
	Title       string            `json:"title"`
	Text        string            `json:"text"`    // Markdown without HTML
	Options     []string          `json:"options"` // of a choice or poll
	Version     int64             `json:"version"` // from 1
	Replaces    string            `json:"replaces"`
	Fallback    bool              `json:"fallback"` // the last round
	Opened      core.Moment       `json:"opened_us"`
	TalkUntil   core.Moment       `json:"talk_until_us"`
	CommitUntil core.Moment       `json:"commit_until_us"`
	RevealUntil core.Moment       `json:"reveal_until_us"`
	GraceUS     int64             `json:"grace_us"`
	Review      string            `json:"review"` // 2027-11-30; empty for a poll
	Electorate  []elector.Elector `json:"electorate"`
	Heads       []elector.Head    `json:"heads"`
	From        From              `json:"from"`
}

// Grace is how long what was said in time may take to get around.
func (p Proposal) Grace() time.Duration { return time.Duration(p.GraceUS) * time.Microsecond }

// CountedAt is when the count is due.
func (p Proposal) CountedAt() core.Moment { return p.RevealUntil.Add(p.Grace()) }

// Ordinal is the place of a member in the electorate, from 0; false where it is not in it.
func (p Proposal) Ordinal(id core.MemberID) (int, bool) {
	return slices.BinarySearchFunc(p.Electorate, id, func(e elector.Elector, id core.MemberID) int { return cmp.Compare(e.Member, id) })
}

// Has says whether a member is in the electorate.
func (p Proposal) Has(id core.MemberID) bool {
	_, ok := p.Ordinal(id)
	return ok
}

// Question is what is counted of the proposal; earlier are the versions before it, the oldest
// first.
func (p Proposal) Question(id string, earlier ...tally.Question) tally.Question {
	q := tally.Question{
		ID: id, By: p.By, Kind: p.Kind, Fallback: p.Fallback, Version: p.Version, Options: len(p.Options),
		Opened: p.Opened, TalkUntil: p.TalkUntil, CommitUntil: p.CommitUntil, RevealUntil: p.RevealUntil, Grace: p.Grace(), Earlier: earlier,
	}
	for _, e := range p.Electorate {
		q.Electorate = append(q.Electorate, tally.Member{ID: e.Member, Sleeping: e.Sleeping})
	}
	return q
}

// WithoutText is what has to be known of a proposal to count it: nothing that a person wrote is
// in it, nor the salt, with which the id would tell a guess at the text. Options keep their number.
func (p Proposal) WithoutText() Proposal {
	p.Salt, p.Title, p.Text, p.Options, p.From = "", "", "", make([]string, len(p.Options)), From{}
	return p
}

// Propose signs a proposal of ours. Returns CodeInvalid with the rule that it breaks.
func Propose(p Proposal, by seal.Signer) (Proposal, Document, error) {
	p.V, p.Salt, p.By = 1, newSalt(), by.ID()
	if err := p.check(); err != nil {
		return p, Document{}, err
	}
	d, err := sign(TypeProposal, p, by)
	return p, d, err
}

// ReadProposal reads a proposal without verifying its signature. Returns CodeInvalid.
func ReadProposal(env seal.Envelope) (p Proposal, d Document, err error) {
	id, by, err := open(env, TypeProposal, &p)
	if err == nil {
		err = p.check()
	}
	if err == nil && by != p.By {
		err = bad("signed by another")
	}
	return p, Document{id, env}, err
}

// check refuses what breaks a rule that needs nothing but the document.
func (p Proposal) check() error {
	switch {
	case p.V != 1 || !saltForm.MatchString(p.Salt) || !p.By.Valid():
		return bad("no version 1, salt or author")
	case !idForm.MatchString(p.Charter):
		return bad("no collective")
	case !langForm.MatchString(p.Lang):
		return bad("no language")
	}
	for _, check := range []func() error{p.checkText, p.checkVersion, p.checkTimes, p.checkElectorate, p.checkFrom} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (p Proposal) checkText() error {
	if err := checkLine(p.Title, MaxTitle, "assembly.motion.bad_title"); err != nil {
		return err
	}
	if err := checkProse(p.Text, MaxText, 1, "assembly.motion.no_text"); err != nil {
		return err
	}
	switch p.Kind {
	case tally.KindConsent, tally.KindLazy:
		if len(p.Options) != 0 {
			return invalid("assembly.motion.no_options", "options")
		}
	case tally.KindChoice, tally.KindPoll:
		return p.checkOptions()
	default:
		return invalid("assembly.motion.bad_kind", "kind")
	}
	return nil
}

func (p Proposal) checkOptions() error {
	if len(p.Options) < minOptions || len(p.Options) > maxOptions {
		return invalid("assembly.motion.bad_options", fmt.Sprintf("%d options", len(p.Options)))
	}
	for i, o := range p.Options {
		if err := checkLine(o, MaxOption, "assembly.motion.bad_options"); err != nil {
			return err
		}
		if slices.Contains(p.Options[:i], o) {
			return invalid("assembly.motion.bad_options", "an option twice")
		}
	}
	return nil
}

func (p Proposal) checkVersion() error {
	switch {
	case p.Version < 1 || p.Version > fallbackVersion || p.Fallback != (p.Version == fallbackVersion):
		return invalid("assembly.motion.too_many_versions", fmt.Sprintf("version %d", p.Version))
	case (p.Version == 1) != (p.Replaces == ""):
		return bad("a version in the place of no other, or the first in the place of one")
	case p.Replaces != "" && !idForm.MatchString(p.Replaces):
		return bad("replaces no id")
	case p.Fallback && p.Kind != tally.KindConsent:
		return bad("a last round of what is no consent")
	}
	return nil
}

func (p Proposal) checkTimes() error {
	switch {
	case p.Opened <= 0 || p.TalkUntil < p.Opened || p.CommitUntil < p.TalkUntil || p.RevealUntil < p.CommitUntil || p.GraceUS < 0:
		return invalid("assembly.motion.bad_times", "out of order")
	case p.RevealUntil.Sub(p.Opened) > longest || p.Grace() > maxGrace:
		return invalid("assembly.motion.bad_times", "too long")
	}
	if p.Kind == tally.KindLazy {
		if p.CommitUntil != p.TalkUntil || p.RevealUntil != p.TalkUntil || p.TalkUntil.Sub(p.Opened) < tally.TalkLeast || p.Grace() < tally.GraceLeast {
			return invalid("assembly.motion.lazy_hurried", "a lazy one in a hurry")
		}
	} else if p.CommitUntil == p.TalkUntil || p.RevealUntil.Sub(p.CommitUntil) <= p.Grace() {
		return invalid("assembly.motion.bad_times", "no time to vote, or to open")
	}
	if p.Kind == tally.KindPoll {
		if p.Review != "" {
			return invalid("assembly.motion.bad_review", "a review of advice")
		}
		return nil
	}
	day, err := time.Parse(time.DateOnly, p.Review)
	if err != nil || !day.After(p.RevealUntil.Time().Truncate(24*time.Hour)) || day.Sub(p.Opened.Time()) > 20*longest {
		return invalid("assembly.motion.bad_review", "no day after the count")
	}
	return nil
}

func (p Proposal) checkElectorate() error {
	if len(p.Electorate) == 0 || len(p.Electorate) > maxElectorate {
		return bad(fmt.Sprintf("%d electors", len(p.Electorate)))
	}
	for i, e := range p.Electorate {
		if !e.Member.Valid() || e.Root.IsZero() || i > 0 && p.Electorate[i-1].Member >= e.Member {
			return bad("an elector without name or root, or out of order")
		}
	}
	if !p.Has(p.By) {
		return invalid("assembly.motion.not_elector", "its author is not in the electorate")
	}
	if len(p.Heads) > 2*maxElectorate {
		return bad("too many heads")
	}
	for i, h := range p.Heads {
		if !h.Member.Valid() || h.Size < 0 || i > 0 && p.Heads[i-1].Member >= h.Member {
			return bad("a head without name or size, or out of order")
		}
	}
	return nil
}

func (p Proposal) checkFrom() error {
	if len(p.From.Needs) > maxFrom || len(p.From.Incidents) > maxFrom {
		return bad("comes from too much")
	}
	for _, id := range slices.Concat(p.From.Needs, p.From.Incidents) {
		if err := checkLine(id, 64, "assembly.motion.bad"); err != nil {
			return err
		}
	}
	return nil
}

// Follows says whether a new version may stand in the place of before, whose id is id. Returns
// CodeInvalid.
func (p Proposal) Follows(before Proposal, id string) error {
	switch {
	case p.Replaces != id || p.By != before.By || p.Charter != before.Charter || p.Kind != before.Kind:
		return bad("replaces a proposal of another author, collective or kind")
	case p.Version != before.Version+1:
		return bad("not the version after")
	case p.Opened <= before.Opened:
		return bad("opened before the version that it replaces")
	case p.CommitUntil < before.CommitUntil:
		return invalid("assembly.motion.bad_times", "its ballots end before those of the version that it replaces")
	case p.Fallback && p.Opened < before.RevealUntil.Add(FallbackWait):
		return invalid("assembly.motion.fallback_early", "a last round within 14 days")
	}
	return nil
}
