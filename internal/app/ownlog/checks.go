package ownlog

import (
	"context"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/words"
)

// Checks are doctor's questions about the logbooks, and their metrics; all of it is
// required.
type Checks struct {
	Book *logbook.Book
	Self core.MemberID
	URL  string         // where we are, as configured
	Lang *words.Printer // of who reads the answers
	// Standing is an error while we may not speak under our name: a rehearsal, or another
	// node that has it.
	Standing func(ctx context.Context) error
}

// Metrics are when each member was last heard, and who does not take our logbook.
func (c Checks) Metrics(ctx context.Context) ([]obs.Metric, error) {
	known, err := c.Book.Known(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]obs.Metric, 0, len(known)+1)
	for _, m := range known {
		if m.ID == c.Self {
			continue
		}
		all = append(all, obs.Metric{
			Name: "entrechat_member_heard_time_seconds", Help: "When a member's logbook was last heard (Unix time), 0 before the first.",
			Value: float64(m.Heard) / 1e6, Labels: map[string]string{"member": string(m.ID)},
		})
	}
	late, _, err := c.neighbours(ctx)
	return append(all, obs.Metric{
		Name: "entrechat_neighbours_late", Help: "Members the exchange of logbooks has not got on with for an hour.", Value: float64(len(late)),
	}), err
}

// Mirrors says whether what we hold of the others' logbooks is as they signed it, as far as
// the node's daily comparison says.
func (c Checks) Mirrors(ctx context.Context) error {
	left, err := c.Book.Repair.Damages(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range left {
		if d.Member != c.Self {
			names = append(names, string(d.Member))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return core.Internal("logbook.mirror_damaged", fmt.Errorf("damaged mirrors: %v", left)).With("Members", strings.Join(names, ", "))
}

// lateAfter is how long a member may give no answer before somebody should talk to it,
// and lateTries how often it is asked in vain before anything is said.
const (
	lateAfter = time.Hour
	lateTries = 3
)

// Neighbours names the members the exchange of logbooks does not get on with.
func (c Checks) Neighbours(ctx context.Context) (fit.Finding, error) {
	late, now, err := c.neighbours(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(late) > 0 {
		return fit.Finding{}, core.Unsure("app.neighbours_late", fmt.Errorf("%d members", len(late))).With("List", strings.Join(late, "; "))
	}
	if len(now) > 0 {
		return fit.Finding{Unknown: true, Key: "app.neighbours_slow", Args: map[string]any{"List": strings.Join(now, "; ")}}, nil
	}
	return fit.Finding{}, nil
}

// neighbours are the members the exchange does not get on with: for long, and only now.
func (c Checks) neighbours(ctx context.Context) (late, now []string, err error) {
	all, err := c.Book.Contacts(ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, one := range all {
		switch {
		case one.Trouble == nil || one.Tries < lateTries:
		case core.At(time.Now()).Sub(one.Since) >= lateAfter:
			late = append(late, c.lateLine(one))
		default:
			now = append(now, c.lateLine(one))
		}
	}
	return late, now, nil
}

// lateLine names a member that does not answer as it should, since when, and why.
func (c Checks) lateLine(one logbook.Contact) string {
	return c.Lang.T("app.neighbour_late", map[string]any{"Member": one.Member, "Since": c.Lang.Date(one.Since), "Trouble": c.Lang.Error(one.Trouble)})
}

// Whole says whether our logbook is whole, and nothing keeps us from writing into it.
func (c Checks) Whole(ctx context.Context) error {
	if err := c.Book.Guard.Stopped(ctx); err != nil {
		return err
	}
	if _, err := c.Book.Verify(ctx, c.Self); err != nil {
		return err
	}
	if c.Standing(ctx) != nil {
		return nil //nolint:nilerr // said already: a rehearsal, or another node has our name
	}
	return c.Book.Guard.Twin(ctx)
}

// Address says whether the members were told the address that stands in the configuration.
func (c Checks) Address(ctx context.Context) error {
	if c.Standing(ctx) != nil {
		return nil //nolint:nilerr // said already, and moving back would not help
	}
	told, err := c.Book.URL(ctx, c.Self)
	if err != nil || told == c.URL {
		return err
	}
	return core.Conflict("app.address_differs", fmt.Errorf("told %s, configured %s", told, c.URL)).
		With("Told", told).With("URL", c.URL)
}
