package silence

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
)

// Call is that somebody here called a member's people. It lies here and nowhere else.
type Call struct {
	Member  core.MemberID `json:"member"`
	At      core.Moment   `json:"at_us"`
	By      string        `json:"by"`
	Reached bool          `json:"reached"`
	Note    string        `json:"note"`
}

const maxBy, maxNote = 80, 1000 // bytes

func (c Call) check() error {
	odd := func(s string) bool {
		return !utf8.ValidString(s) || strings.IndexFunc(s, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }) >= 0
	}
	if c.By == "" || len(c.By) > maxBy || len(c.Note) > maxNote || odd(c.By) || odd(c.Note) {
		return core.Invalid("succession.silence.bad_call", errors.New("not a call"))
	}
	return nil
}

// callsSince are those of one silence, the newest last.
func callsSince(all []Call, since core.Moment) []Call {
	return slices.DeleteFunc(slices.Clone(all), func(c Call) bool { return c.At < since })
}

// mayAsk says why a successor may not ask custodians yet; settled says from when on it acts.
func mayAsk(f Finding, calls []Call, settled, now core.Moment) error {
	member := string(f.Member)
	switch {
	case f.State == Well:
		return core.Denied("succession.silence.well", errors.New("it was heard")).With("Member", member).With("Heard", f.Heard)
	case f.State == OwnLine:
		return core.Unsure("succession.silence.line", errors.New("too many are not heard"))
	case f.State == Quiet:
		return core.Unsure("succession.silence.quiet", errors.New("not enough watchers")).With("Member", member).With("Watchers", f.Watchers).With("Networks", f.Networks)
	case f.Days < askDay:
		return core.Denied("succession.silence.early", errors.New("too early")).With("Member", member).With("Days", f.Days).With("Needed", askDay)
	case now < settled:
		return core.Denied("succession.silence.unsettled", errors.New("named too lately")).With("Member", member).With("Day", settled)
	}
	calls = callsSince(calls, f.Since)
	if len(calls) == 0 {
		return core.Denied("succession.silence.nobody_called", errors.New("nobody called")).With("Member", member)
	}
	if last := calls[len(calls)-1]; last.Reached {
		return core.Denied("succession.silence.was_reached", errors.New("somebody was reached")).With("Member", member).With("Name", last.By).With("Day", last.At)
	}
	return nil
}
