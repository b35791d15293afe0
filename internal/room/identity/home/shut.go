package home

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
)

// shutBatch is how many people of a shut home are signed out in one transaction: nobody else
// can write meanwhile.
const shutBatch = 50

// Close shuts a home: nobody comes in from it any more, from this moment on. Then its people
// here are signed out, a few at a time: ended is called with each, in the transaction that
// notes it. What is cut short, by an error or a kill, is for Finish to go on with. Returns
// CodeInvalid "identity.home.reason".
func (h *Homes) Close(ctx context.Context, id core.MemberID, reason string, ended Ender) error {
	reason = strings.TrimSpace(reason)
	if len(reason) > 500 || strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return core.Invalid("identity.home.reason", errors.New("too long, or not printable"))
	}
	if err := shut(ctx, h.DB, id, reason, core.At(h.Now())); err != nil {
		return err
	}
	return h.finish(ctx, id, ended)
}

// Finish signs out the people of shut homes that Close did not come to. One home's trouble
// does not stop another.
func (h *Homes) Finish(ctx context.Context, ended Ender) error {
	ids, err := unfinished(ctx, h.DB)
	errs := make([]error, 0, len(ids)+1)
	errs = append(errs, err)
	for _, id := range ids {
		errs = append(errs, h.finish(ctx, id, ended))
	}
	return errors.Join(errs...)
}

func (h *Homes) finish(ctx context.Context, id core.MemberID, ended Ender) error {
	for more := true; more; {
		err := h.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
			more, err = batch(ctx, q, id, ended)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// batch signs out the next people of a shut home; more says whether there may be others. A
// home that was opened meanwhile has none.
func batch(ctx context.Context, q db.Querier, id core.MemberID, ended Ender) (more bool, err error) {
	upto, rest, err := shutRest(ctx, q, id)
	if err != nil || !rest {
		return false, err
	}
	visitors, err := visitorsAfter(ctx, q, id, upto, shutBatch)
	if err != nil {
		return false, err
	}
	for _, v := range visitors {
		if err := ended(ctx, q, v); err != nil {
			return false, err
		}
		upto = v.Sub
	}
	more = len(visitors) == shutBatch
	return more, putRest(ctx, q, id, upto, more)
}

// Lets refuses, in the transaction that opens a session, the people of a home that was shut
// since Let answered. Returns CodeDenied "identity.home.shut".
func Lets(ctx context.Context, q db.Querier, id core.MemberID) error {
	is, err := isShut(ctx, q, id)
	if err == nil && is {
		err = core.Denied("identity.home.shut", errors.New("shut")).With("Member", string(id))
	}
	return err
}

// Open takes that back. Returns CodeNotFound "identity.home.not_shut".
func (h *Homes) Open(ctx context.Context, id core.MemberID) error {
	was, err := reopen(ctx, h.DB, id)
	if err == nil && !was {
		err = core.NotFound("identity.home.not_shut", errors.New("was not shut")).With("Member", string(id))
	}
	return err
}

// Jobs go on with homes that were shut when something came between.
func (d Doors) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity-shut", Every: time.Minute, Run: func(ctx context.Context) error { return d.Finish(ctx, d.Ended) }}}
}
