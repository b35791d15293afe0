package decision

import (
	"context"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// Mandate says how a decision stands for a hoster for whom somebody wants to act on it: passed,
// open, not_passed, not_reviewed (60 days after its day), elsewhere (that hoster was not in its
// electorate) or unbound (it passed in a last round to which that hoster objected). The title is
// empty where its author took the text back. id is whole. Returns CodeNotFound.
func (v viewer) Mandate(ctx context.Context, id string, hoster core.MemberID) (title, standing string, err error) {
	r, err := archive.Proposal(ctx, v.n.DB, id)
	if err != nil {
		return "", "", err
	}
	s, c, err := v.summary(ctx, r, nil)
	if err != nil {
		return "", "", err
	}
	passed := s.Result == tally.Passed || s.Result == tally.Chosen
	switch {
	case !r.P.Has(hoster):
		standing = "elsewhere"
	case s.Rival != "":
		standing = "not_passed"
	case s.Result == "":
		standing = "open"
	case !passed:
		standing = "not_passed"
	case slices.Contains(c.T.Free, hoster):
		standing = "unbound"
	case s.Standing == Unreviewed:
		standing = "not_reviewed"
	default:
		standing = "passed"
	}
	return s.Title, standing, nil
}
