package recipe

import (
	"context"
	"io"
)

// Phase is where in a move a step belongs. The phases come in this order.
type Phase string

// Preflight changes nothing. Copy runs while the service lives, as often as wanted. Freeze makes the
// source read-only; Last is the pass after it. Compare counts; Login and Deliver are one real sign-in and
// one real delivery at the target. Cut is begun by a person only, and ends the undoing; After is
// what is left to do then.
const (
	Preflight Phase = "preflight"
	Copy      Phase = "copy"
	Freeze    Phase = "freeze"
	Last      Phase = "last"
	Compare   Phase = "compare"
	Login     Phase = "login"
	Deliver   Phase = "deliver"
	Cut       Phase = "cut"
	After     Phase = "after"
)

// Phases are all of them, in order.
func Phases() []Phase {
	return []Phase{Preflight, Copy, Freeze, Last, Compare, Login, Deliver, Cut, After}
}

// Fate is what becomes of a part of the data.
type Fate string

// Kept is said only of what was counted on both sides and is equal. Archived: people get it as a
// file. Lost: it does not come along.
const (
	Kept     Fate = "kept"
	Archived Fate = "archived"
	Lost     Fate = "lost"
)

// Row is one line of the table that people see before they choose.
type Row struct {
	What string `json:"what"` // words key: "succession.recipe.mail.messages"
	Fate Fate   `json:"fate"`
	Why  string `json:"why"` // words key; empty = nothing to add
}

// Tried is how a recipe is known to work.
type Tried string

// With is a real program in the tests; Against is its documented format or interface only, which
// tables say to people.
const (
	With    Tried = "with"
	Against Tried = "against"
)

// About is what a recipe says of itself.
type About struct {
	Name     string   // folder and words: "mail"
	Programs []string // "dovecot", as the directory calls them
	Tried    Tried
	Versions string // of what it was tried with: "Dovecot 2.3.19, Postfix 3.7"
	// Settings is a commented example of the TOML file that a person fills in.
	Settings string
}

// Recipe makes moves of one program.
type Recipe interface {
	About() About
	// Read reads settings strictly. Returns CodeInvalid with what to change.
	Read(settings []byte) (Move, error)
}

// Move is one recipe with its settings. Its methods may be called again, in another process, after a
// kill.
type Move interface {
	// Table is what this move keeps, archives and loses.
	Table() []Row
	// Units lists what is moved one at a time, sorted; found at the source. One that is the whole
	// is called "".
	Units(ctx context.Context) ([]string, error)
	// Steps are in the order of their phases.
	Steps() []Step
	// Count takes the numbers of one unit on both sides. It asks the data, not the program that
	// moved it.
	Count(ctx context.Context, unit string) ([]Count, error)
}

// Scoped is a move that says what it writes, one text each, so that two moves of one thing are seen
// and the second refused. Without it a recipe's two sides are what it moves.
type Scoped interface {
	Scope() []string
}

// Step is one thing to do. Do is called again after it broke off anywhere.
type Step struct {
	Name  string // unique in its move; words key succession.recipe.<recipe>.step.<name>
	Phase Phase
	Each  bool // once for every unit; else once, with the unit ""
	Do    func(ctx context.Context, w Work) error
	// Undo takes back what Do did, also half of it; nil = it changed nothing that matters.
	Undo func(ctx context.Context, w Work) error
}

// Work is what a step gets.
type Work struct {
	Unit string
	// Dir is a folder of this move alone, empty at first and kept until it ends.
	Dir string
	// Say tells how far it is, both in the same unit; total 0 = unknown. Never nil.
	Say func(done, total int64)
}

// Count is one number of both sides.
type Count struct {
	What string `json:"what"` // "messages"; words key succession.recipe.count.<what>
	Of   string `json:"of"`   // a mailbox, a calendar; empty = all of the unit
	From int64  `json:"from"`
	To   int64  `json:"to"`
	// FromSum and ToSum are hashes of the contents where one can be made; empty = none was.
	FromSum string `json:"from_sum,omitempty"`
	ToSum   string `json:"to_sum,omitempty"`
}

// Key names the sentence of what was counted.
func (c Count) Key() string { return "succession.recipe.count." + c.What }

// Equal says whether both sides have the same.
func (c Count) Equal() bool { return c.From == c.To && c.FromSum == c.ToSum }

// Command is a program to run on a side. There is no shell: Args are passed as they are.
type Command struct {
	Args   []string
	Env    []string  // more of it, "NAME=value"; secrets belong here or on Stdin, never in Args
	Stdin  io.Reader // nil = nothing
	Stdout io.Writer // nil = kept for the error's text alone
}

// Side is where commands run and files lie: this machine, one that ssh reaches, or a folder that
// a backup was restored into.
type Side interface {
	// Run runs a program to its end, and kills it with all it started when ctx ends. Returns CodeUnsure
	// "succession.recipe.command" with the last lines it printed when it fails, CodeFull
	// "succession.recipe.full" when those say that a disk is full.
	Run(ctx context.Context, c Command) error
	// Name is what people call the side: "old", "new".
	Name() string
	// Path is where a path that the settings name is on this side: the same on a server, below the
	// folder in a snapshot.
	Path(name string) string
	// Lives says whether services run there. A snapshot is not frozen, and nobody signs in to it.
	Lives() bool
}
