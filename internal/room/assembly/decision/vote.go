package decision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// Vote casts the hoster's ballot, sealed; the last one counts. who is the admin, as four eyes
// need it. Of an objection the id may be left out: it is ours that stands. approval: it waits
// for the word of a second admin. Returns CodeConflict outside the time for it, CodeDenied,
// CodeInvalid for what does not fit what is asked.
func (v voter) Vote(ctx context.Context, id string, c tally.Choice, who string) (approval bool, err error) {
	r, err := v.mayVote(ctx, id)
	if err != nil {
		return false, err
	}
	if c, err = v.fits(ctx, r, c); err != nil {
		return false, err
	}
	if !v.n.FourEyes {
		return false, v.cast(ctx, r, c)
	}
	if who = tidyName(who); who == "" {
		return false, core.Invalid("assembly.decision.who", errors.New("no name"))
	}
	text, err := wire.Encode(c)
	if err != nil {
		return false, err
	}
	return true, v.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return putWaiting(ctx, q, r.ID, waiting{vote: v.n.Box.Seal(waitingLabel(r.ID), text), who: who, made: v.now()})
	})
}

// Approve casts the vote that waits, on the word of a second admin. Returns CodeNotFound where
// none waits, CodeDenied for who cast it.
func (v voter) Approve(ctx context.Context, id, who string) error {
	r, err := v.mayVote(ctx, id)
	if err != nil {
		return err
	}
	w, ok, err := getWaiting(ctx, v.n.DB, r.ID)
	if err != nil {
		return err
	}
	if !ok {
		return core.NotFound("assembly.decision.none_waits", errors.New("none waits"))
	}
	if who = tidyName(who); who == "" {
		return core.Invalid("assembly.decision.who", errors.New("no name"))
	}
	if strings.EqualFold(who, w.who) {
		return core.Denied("assembly.decision.same_eyes", errors.New("who cast it"))
	}
	text, err := v.n.Box.Open(waitingLabel(r.ID), w.vote)
	if err != nil {
		return err
	}
	c, err := tally.ParseChoice(text)
	if err != nil {
		return err
	}
	if c, err = v.fits(ctx, r, c); err != nil {
		return err
	}
	return v.cast(ctx, r, c)
}

func tidyName(who string) string { return strings.Join(strings.Fields(who), " ") }

func waitingLabel(proposal string) string { return "assembly decision waiting " + proposal }

func ballotLabel(commit string) string { return "assembly decision ballot " + commit }

// mayVote is the proposal, where it is time to vote on the very version that is named.
func (v voter) mayVote(ctx context.Context, id string) (archive.Row, error) {
	r, err := v.speaks(ctx, id)
	if err != nil {
		return r, err
	}
	// Whoever names the version before has not read what the new one says.
	if meant, err := archive.Find(ctx, v.n.DB, id); err != nil || meant != r.ID {
		return r, errors.Join(err, core.Conflict("assembly.decision.was_replaced", errors.New("another version")).With("ID", short(r.ID)))
	}
	q := archive.Question([]archive.Row{r}, r.ID)
	switch phase := q.Phase(v.now()); {
	case r.P.Kind == tally.KindLazy:
		return r, core.Conflict("assembly.decision.no_ballots", errors.New("lazy"))
	case phase == tally.PhaseTalk:
		return r, core.Conflict("assembly.decision.not_yet", errors.New("talk")).With("From", r.P.TalkUntil)
	case phase != tally.PhaseCommit:
		return r, over("assembly.decision.vote_over")
	}
	return r, nil
}

// fits says whether a choice is one that is asked for.
func (v voter) fits(ctx context.Context, r archive.Row, c tally.Choice) (tally.Choice, error) {
	if c.Stance == tally.Object && c.Objection == "" {
		own, err := v.objections(ctx, r.Chain)
		if err != nil {
			return c, err
		}
		for _, o := range own {
			if !o.lifted {
				c.Objection = o.doc
			}
		}
		if c.Objection == "" {
			return c, core.Conflict("assembly.decision.object_first", errors.New("no objection of ours stands"))
		}
	}
	q := archive.Question([]archive.Row{r}, r.ID)
	if !c.Fits(&q) {
		if r.P.Kind == tally.KindConsent {
			return c, core.Invalid("assembly.decision.bad_stance", errors.New("no stance"))
		}
		return c, core.Invalid("assembly.decision.bad_grades", errors.New("no grades")).With("Count", len(r.P.Options))
	}
	return c, nil
}

// cast keeps a ballot with what opens it, then has the logbook say it. The same vote again
// changes nothing: a command that was cut off may be given again.
func (v voter) cast(ctx context.Context, r archive.Row, c tally.Choice) error {
	last, ok, err := v.last(ctx, r.ID)
	if err != nil {
		return err
	}
	if ok && slices.Equal(last.Grades, c.Grades) && last.Stance == c.Stance && last.Objection == c.Objection {
		if err := dropWaiting(ctx, v.n.DB, r.ID); err != nil {
			return err
		}
		return v.a.Finish(ctx)
	}
	b, err := v.newBallot(r.ID, c)
	if err != nil {
		return err
	}
	return v.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
		if err := putBallot(ctx, q, ballot{commit: b.Commit, proposal: r.ID, opening: v.n.Box.Seal(ballotLabel(b.Commit), b.Opening), made: v.now()}); err != nil {
			return err
		}
		if err := dropWaiting(ctx, q, r.ID); err != nil {
			return err
		}
		return v.a.Utter(ctx, q, archive.Saying{ID: "ballot/" + b.Commit, Proposal: r.ID, Typ: tally.TypeBallot, From: from, Until: r.P.CommitUntil},
			tally.BallotBody{Proposal: r.ID, Commit: b.Commit, Sealed: b.Sealed})
	})
}

// newBallot makes a ballot. A node without words has nothing to seal it to for a recovery.
func (v voter) newBallot(proposal string, c tally.Choice) (motion.Ballot, error) {
	to, err := v.n.Recovery()
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return motion.Ballot{}, err
	}
	var recipient age.Recipient
	if err == nil {
		recipient = to
	}
	return motion.Vote(proposal, v.self(), c, recipient)
}

// last is what our last ballot says; false = there is none that we can open.
func (b *base) last(ctx context.Context, proposal string) (c tally.Choice, ok bool, err error) {
	all, err := ballotsOf(ctx, b.n.DB, proposal)
	if err != nil {
		return c, false, err
	}
	for _, one := range slices.Backward(all) {
		if one.entry == archive.TooLate {
			continue
		}
		opening, err := b.n.Box.Open(ballotLabel(one.commit), one.opening)
		if err != nil {
			return c, false, nil // under another key: the words open it
		}
		var o tally.Opening
		if err := wire.Decode(opening, &o); err != nil {
			return c, false, err
		}
		return o.Choice, true, nil
	}
	return c, false, nil
}

// Recover brings back what opens our ballots, with the identity that the 24 words give, after a
// loss of the database or of its key: how many were opened, and how many do not open with them.
func (v voter) Recover(ctx context.Context, with age.Identity) (opened, shut int, err error) {
	lost, err := v.lost(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer v.a.Wake()
	for _, e := range lost {
		var b tally.BallotBody
		if wire.Decode(e.Body, &b) != nil {
			continue
		}
		opening, err := motion.Unseal(b.Sealed, b.Commit, with)
		if err != nil {
			shut++
			continue
		}
		err = v.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			if err := dropBallot(ctx, q, b.Commit); err != nil {
				return err
			}
			return putBallot(ctx, q, ballot{commit: b.Commit, proposal: e.Proposal, opening: v.n.Box.Seal(ballotLabel(b.Commit), opening), made: e.Iat})
		})
		if err != nil {
			return opened, shut, err
		}
		opened++
	}
	return opened, shut, nil
}

// lost are ballots of ours in our logbook that are still to be opened, and that we cannot open.
func (v voter) lost(ctx context.Context) (out []archive.Entry, err error) {
	all, err := archive.Proposals(ctx, v.n.DB, 1000)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if r.P.RevealUntil < v.now() {
			continue
		}
		entries, err := archive.EntriesOf(ctx, v.n.DB, r.ID)
		if err != nil {
			return nil, err
		}
		kept, err := ballotsOf(ctx, v.n.DB, r.ID)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			var b tally.BallotBody
			if e.Member == v.self() && e.Typ == tally.TypeBallot && wire.Decode(e.Body, &b) == nil && !v.opens(kept, b.Commit) {
				out = append(out, e)
			}
		}
	}
	return out, nil
}

// opens says whether we can open a ballot.
func (v voter) opens(kept []ballot, commit string) bool {
	return slices.ContainsFunc(kept, func(b ballot) bool {
		if b.commit != commit {
			return false
		}
		_, err := v.n.Box.Open(ballotLabel(commit), b.opening)
		return err == nil
	})
}
