package decision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// Word is what a member says on the review day.
type Word string

// The words.
const (
	Keep   Word = "keep"
	Change Word = "change"
	Drop   Word = "drop"
)

// Valid says whether it is one of them.
func (w Word) Valid() bool { return w == Keep || w == Change || w == Drop }

// Standing is how a decision stands after its review day.
type Standing string

// The standings. The zero value is before that day, or of what is not reviewed.
const (
	ReviewDue  Standing = "due"
	Kept       Standing = "kept"         // enough say so, and nobody contradicts
	Contested  Standing = "contested"    // somebody says change or drop
	Unreviewed Standing = "not_reviewed" // 60 days without a word; it is valid still
)

// unreviewedAfter is when a decision is called not reviewed.
const unreviewedAfter = 60 * 24 * time.Hour

// Review says our word on a decision; the last one counts. Returns CodeConflict before its
// review day, CodeInvalid for another word.
func (s reviewer) Review(ctx context.Context, id string, w Word) error {
	if !w.Valid() {
		return core.Invalid("assembly.decision.bad_word", fmt.Errorf("%.20q", w))
	}
	r, err := s.speaks(ctx, id)
	if err != nil {
		return err
	}
	day, ok := reviewDay(r.P.Review)
	if !ok || s.now() < day {
		return core.Conflict("assembly.decision.not_review_day", errors.New("not yet")).With("Day", r.P.Review)
	}
	now := s.now()
	return s.a.Say(ctx, func(ctx context.Context, q db.Querier, from int64) error {
		return s.a.Utter(ctx, q, archive.Saying{ID: "review/" + r.ID + "/" + strconv.FormatInt(int64(now), 10), Proposal: r.ID, Typ: archive.TypeReview, From: from, Until: now.Add(always)},
			archive.ReviewBody{Proposal: r.ID, Word: string(w)})
	})
}

func reviewDay(text string) (core.Moment, bool) {
	day, err := time.Parse(time.DateOnly, text)
	return core.At(day), err == nil
}

// ReviewView is the last word of a member.
type ReviewView struct {
	Member core.MemberID `json:"member"`
	Word   Word          `json:"word"`
	At     core.Moment   `json:"at_us"`
}

// reviews are the last words of the electorate.
func reviews(r archive.Row, entries []archive.Entry) []ReviewView {
	last := map[core.MemberID]ReviewView{}
	for _, e := range entries { // by index
		var b archive.EntryBody
		if e.Typ == archive.TypeReview && r.P.Has(e.Member) && wire.Peek(e.Body, &b) == nil && Word(b.Word).Valid() {
			last[e.Member] = ReviewView{e.Member, Word(b.Word), e.Iat}
		}
	}
	out := make([]ReviewView, 0, len(last))
	for _, v := range last {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b ReviewView) int { return cmp.Compare(a.Member, b.Member) })
	return out
}

// standing says how a decision stands.
func standing(r archive.Row, result tally.Result, words []ReviewView, now core.Moment) Standing {
	day, ok := reviewDay(r.P.Review)
	switch result {
	case tally.Passed, tally.Chosen:
	default:
		return ""
	}
	if !ok || now < day {
		return ""
	}
	keep := 0
	for _, w := range words {
		if w.Word != Keep {
			return Contested
		}
		keep++
	}
	q := r.P.Question(r.ID)
	switch {
	case keep >= max(1, q.Need()):
		return Kept
	case keep == 0 && now > day.Add(unreviewedAfter):
		return Unreviewed
	}
	return ReviewDue
}
