package move

import (
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// State is how far a move is.
type State string

// Copying lasts as long as wanted. Frozen: the source is read-only. Ready: all counts are equal, a
// person may cut. Cutting and Undoing broke off, and only go on. Done and Undone are the ends.
const (
	Copying State = "copying"
	Frozen  State = "frozen"
	Ready   State = "ready"
	Cutting State = "cutting"
	Done    State = "done"
	Undoing State = "undoing"
	Undone  State = "undone"
)

// Ended says whether nothing more happens.
func (s State) Ended() bool { return s == Done || s == Undone }

// Move is one recipe at work.
type Move struct {
	ID      string      `json:"id"`
	Recipe  string      `json:"recipe"`
	File    string      `json:"file"` // of its settings
	State   State       `json:"state"`
	Begun   core.Moment `json:"begun_us"`
	Changed core.Moment `json:"changed_us"`

	sum string // of the settings
}

// verb is what a command wants of a move.
type verb string

const (
	start  verb = "start"
	freeze verb = "freeze"
	finish verb = "finish"
	cut    verb = "cut"
	undo   verb = "undo"
)

// may says whether a verb has its place in a state: CodeConflict "succession.move.not_now" where not.
func may(v verb, s State) error {
	from := map[verb][]State{
		start:  {Copying},
		freeze: {Copying, Frozen},
		finish: {Frozen, Ready},
		cut:    {Ready, Cutting, Done},
		undo:   {Copying, Frozen, Ready, Undoing, Undone},
	}
	if slices.Contains(from[v], s) {
		return nil
	}
	return core.Conflict("succession.move.not_now", errors.New(string(v)+" in state "+string(s))).With("Verb", string(v)).With("State", string(s))
}

// Progress is one step of one unit, as the journal has it.
type Progress struct {
	Step  string      `json:"step"`
	Unit  string      `json:"unit"`
	State string      `json:"state"` // begun, done, undone
	Tries int         `json:"tries"`
	At    core.Moment `json:"at_us"`
	Done  int64       `json:"done"`
	Total int64       `json:"total"`
	Error string      `json:"error,omitempty"` // words key
}

// Counted is what was counted of a unit.
type Counted struct {
	Unit   string         `json:"unit"`
	Counts []recipe.Count `json:"counts"`
}

// none says whether nothing was counted that is there: a source that is not mounted has 0 of all, and
// so has its copy.
func none(all []Counted) bool {
	return !slices.ContainsFunc(all, func(c Counted) bool {
		return slices.ContainsFunc(c.Counts, func(n recipe.Count) bool { return n.From != 0 })
	})
}

// Equal says whether everything is the same on both sides. Where nothing was counted, or 0 of all,
// nothing is.
func Equal(all []Counted) bool {
	return !none(all) && !slices.ContainsFunc(all, func(c Counted) bool {
		return len(c.Counts) == 0 || slices.ContainsFunc(c.Counts, func(n recipe.Count) bool { return !n.Equal() })
	})
}

// Different are the counts that differ, one text each: "alice: messages INBOX 12 / 11".
func Different(all []Counted, name func(recipe.Count) string) (out []string) {
	for _, c := range all {
		unit := c.Unit
		if unit != "" {
			unit += ": "
		}
		if len(c.Counts) == 0 || none(all) {
			out = append(out, unit+"0 / 0")
		}
		for _, n := range c.Counts {
			if !n.Equal() {
				out = append(out, unit+name(n))
			}
		}
	}
	return out
}
