// Package fit is the contract between a room and the house: everything a room
// hands over when app builds it. It holds types only.
package fit

import (
	"context"
	"net/http"

	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
)

// Fittings is what one room hands to the house. Every field but Name may be zero.
type Fittings struct {
	// Name is the room's folder, table prefix and word prefix ("vault").
	Name string
	// Start readies the room in the running node, before it listens; commands do without
	// it. An error ends the node. nil = there is nothing to do.
	Start func(ctx context.Context) error
	// Web makes the room's pages for people; it is called once, when the node
	// begins to serve.
	Web func(*web.Site) web.Pages
	// Pages are routes for programs on the public listener: files, feeds, JSON.
	Pages []Route
	// Front stands before all of the public listener, for what depends on the host that a
	// browser asks for; nil = nothing does.
	Front func(next http.Handler) http.Handler
	// Tools are routes on the loopback listener (restic front, admin).
	Tools []Route
	// Peer are the endpoints other members call.
	Peer []peer.Route
	// Jobs run while the node is up.
	Jobs []jobs.Job
	// Readers are told every verified entry of every log, in order, at least once.
	Readers []logbook.Reader
	// Checks are what `doctor` runs.
	Checks []Check
	// Metrics are the numbers people are alerted by, asked whenever /metrics is; cheap.
	Metrics func(ctx context.Context) ([]obs.Metric, error)
	// Health says whether the room does its work in this process: an error while it does
	// not, unknown while it is starting, and a sentence for what it has to leave aside.
	Health func(ctx context.Context) (Finding, error)
	// Limits are lines of the published-limits page.
	Limits func(ctx context.Context) ([]Limit, error)
	// Entries are the kinds of logbook entries the room writes ("entrechat/vouch/1"), each with
	// the words key that says what it is.
	Entries map[string]string
	// Steps are what a hoster does once, in its first hour.
	Steps func(ctx context.Context) ([]Step, error)
	// Host says who we are, for the head of every page; ok is false while nobody said it.
	// One room has it at most.
	Host func(ctx context.Context) (host web.Host, ok bool, err error)
	// Entrance recognises admins by their account, for the admin's half. One room has it at most.
	Entrance *web.Entrance
	// Recovered is called once a recovery has taken over: the room brings back what our
	// logbook has of it, and says what came or comes later. A finding without a key says
	// nothing.
	Recovered func(ctx context.Context) (Finding, error)
}

// Step is one thing a hoster does once. The admins' overview shows all of them until the
// last is done, and names the first that is not as what to do next.
type Step struct {
	Order    int    // lower comes first: 10 words, 20 presentation, 30 members, 40 pacts, 44 what is looked at, 46 who is told, 50 backups
	Key, Why string // words keys: what to do, and what for
	Path     string // the admin's page where it is done
	Done     bool
	// Check is the name of the check that complains while the step is not done; empty =
	// none does.
	Check string
}

// Route is one pattern of net/http's ServeMux and its handler.
type Route = web.Route

// Check is one question of `doctor`.
type Check struct {
	// Name is a words key ("vault.check_spool").
	Name string
	// Run answers one of three, never two: an error says what is not well and what to
	// do about it; a Finding says well, or that it is not known.
	Run func(ctx context.Context) (Finding, error)
	// Use is what the check is a part of; nil = it is asked of every node.
	Use *Use
}

// Use is something a hoster may do, or not. Until it has begun, people read one line in the place
// of its checks that found no trouble.
type Use struct {
	Name, For string // words keys: what it is called; what it is for, and the command that begins it
	Begun     func(ctx context.Context) (bool, error)
}

// Checks makes checks a part of the use.
func (u *Use) Checks(all ...Check) []Check {
	for i := range all {
		all[i].Use = u
	}
	return all
}

// Finding is the answer to a check that found nothing wrong. The zero value is well,
// without more to say.
type Finding struct {
	// Unknown: there is nothing to judge yet, or no way to know it now. It is not well.
	Unknown bool
	// Key is the words key of what is to be said; empty = nothing more. Unknown always
	// has one.
	Key  string
	Args map[string]any
}

// Well is the answer to what was looked at and is well, with a sentence that says
// since when, or how much of it.
func Well(key string, args map[string]any) Finding { return Finding{Key: key, Args: args} }

// Unknown is the answer to what does not exist yet or cannot be known now; the
// sentence says which.
func Unknown(key string, args map[string]any) Finding {
	return Finding{Unknown: true, Key: key, Args: args}
}

// Plain makes a check of a function that finds a trouble or none.
func Plain(find func(ctx context.Context) error) func(ctx context.Context) (Finding, error) {
	return func(ctx context.Context) (Finding, error) { return Finding{}, find(ctx) }
}

// Limit is one line of what this hoster says it cannot do.
type Limit struct {
	Key  string         // words key
	Args map[string]any // fills the sentence
	// Said: the hoster wrote it itself. It stands in pacts, and the others review it when it
	// changes; all else is counted anew each time.
	Said bool
}
