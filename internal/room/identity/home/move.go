package home

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Place makes a person here, who had an account of ours, a visitor of a home. Returns
// CodeInvalid "identity.home.told" for what no home may say, CodeConflict
// "identity.home.is_another" when that place is another person's here already.
func Place(ctx context.Context, q db.Querier, v Visitor, now core.Moment) error {
	if !sub.MatchString(v.Sub) || !v.Home.Valid() {
		return core.Invalid("identity.home.told", errors.New("not a place at a home"))
	}
	other, known, err := visitor(ctx, q, v.Home, v.Sub)
	if err != nil {
		return err
	}
	if known {
		if other.Person != v.Person {
			return core.Conflict("identity.home.is_another", errors.New("another person here"))
		}
		other.State, other.Seen = Active, now
		return updateVisitor(ctx, q, other)
	}
	v.State, v.Made, v.Seen = Active, now, now
	return insertVisitor(ctx, q, v)
}

// Leave ends a visitor's place at a home: their account is here now. Nobody's is no error.
func Leave(ctx context.Context, q db.Querier, home core.MemberID, sub string) error {
	v, known, err := visitor(ctx, q, home, sub)
	if err != nil || !known {
		return err
	}
	v.State = Moved
	return updateVisitor(ctx, q, v)
}
