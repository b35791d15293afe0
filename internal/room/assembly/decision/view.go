package decision

import (
	"entrechat/internal/core"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// Summary is one line of a list of decisions. Nothing of it is secret but Own.
type Summary struct {
	ID         string        `json:"id"`
	Chain      string        `json:"chain"` // id of the first version
	Charter    string        `json:"charter"`
	Collective string        `json:"collective"` // name; empty where its charter is not here
	By         core.MemberID `json:"by"`
	Kind       tally.Kind    `json:"kind"`
	Fallback   bool          `json:"fallback"`
	Hurried    bool          `json:"hurried"`
	Version    int64         `json:"version"`
	Lang       string        `json:"lang"`
	Title      string        `json:"title"`   // empty where Removed
	Removed    bool          `json:"removed"` // its author took the text back
	Phase      tally.Phase   `json:"phase"`
	Opened     core.Moment   `json:"opened_us"`
	TalkUntil  core.Moment   `json:"talk_until_us"`
	// CommitUntil and RevealUntil equal TalkUntil for a lazy one. CountedAt is when the count is due.
	CommitUntil core.Moment `json:"commit_until_us"`
	RevealUntil core.Moment `json:"reveal_until_us"`
	CountedAt   core.Moment `json:"counted_us"`
	Review      string      `json:"review"` // the day, 2027-11-30; empty for a poll
	Standing    Standing    `json:"standing"`
	// Result is empty until the count is due, but for a version that another one replaced.
	Result   tally.Result `json:"result"`
	Tally    string       `json:"tally"`  // hash, once it is counted
	Alike    int          `json:"alike"`  // how many logged the same count, ourselves among them
	Differ   int          `json:"differ"` // how many logged another one: an alarm
	Sealed   int          `json:"sealed"` // how many ballots are in logbooks
	Electors int          `json:"electors"`
	// Rival is another proposal of the same author that was open before: then this one does not
	// count; empty = it does.
	Rival string `json:"rival"`
	// Await says that our ballot is asked for now, and not cast. For our own admins.
	Await bool `json:"await"`
}

// View is everything that is said of one version of a decision. Own and Can are for our own
// admins, the rest for everybody: a vote is in it once ballots are opened.
type View struct {
	Summary

	Text    string      `json:"text"` // Markdown; empty where Removed
	Options []string    `json:"options"`
	From    motion.From `json:"from"`

	Versions   []VersionView   `json:"versions"`   // of the chain, the oldest first
	Electorate []ElectorView   `json:"electorate"` // in the order of the proposal
	Remarks    []RemarkView    `json:"remarks"`    // to every version, as they were said
	Objections []ObjectionView `json:"objections"` // the same
	Reviews    []ReviewView    `json:"reviews"`
	Outcomes   []OutcomeView   `json:"outcomes"` // by member
	// Count is nil until it is due.
	Count    *CountView `json:"count"`
	Warnings []Warning  `json:"warnings"`

	Own Own `json:"own"`
	Can Can `json:"can"`
}

// Warning is a sentence by its key.
type Warning struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args"`
}

// VersionView is one version of the chain.
type VersionView struct {
	ID      string       `json:"id"`
	Number  int64        `json:"number"`
	Opened  core.Moment  `json:"opened_us"`
	Title   string       `json:"title"`
	Removed bool         `json:"removed"`
	Result  tally.Result `json:"result"` // empty until it is counted
}

// ElectorView is one of the electorate, and what is known of its ballot.
type ElectorView struct {
	Member   core.MemberID `json:"member"`
	Sleeping bool          `json:"sleeping"`
	// Sealed: its logbook has a ballot; Opened: it has an opening.
	Sealed bool `json:"sealed"`
	Opened bool `json:"opened"`
	// Status, Choice and Reason are empty until the count is due.
	Status tally.Status `json:"status"`
	Choice tally.Choice `json:"choice"`
	Reason tally.Reason `json:"reason"`
	// Refused are ballots that do not count, each with its reason, once the count is due.
	Refused []tally.Refused `json:"refused"`
}

// RemarkView is a remark.
type RemarkView struct {
	ID      string        `json:"id"`
	Version int64         `json:"version"` // that it was made to
	By      core.MemberID `json:"by"`
	At      core.Moment   `json:"at_us"`
	Lang    string        `json:"lang"`
	Text    string        `json:"text"` // Markdown; empty where Removed
	Removed bool          `json:"removed"`
	Late    bool          `json:"late"` // after the end of the time for it
}

// ObjectionView is an objection.
type ObjectionView struct {
	ID      string        `json:"id"`
	Version int64         `json:"version"`
	By      core.MemberID `json:"by"`
	At      core.Moment   `json:"at_us"`
	About   motion.About  `json:"about"` // empty where Removed
	Lang    string        `json:"lang"`
	Harm    string        `json:"harm"`
	Whom    string        `json:"whom"`
	Lift    string        `json:"lift"`
	Removed bool          `json:"removed"`
	Lifted  core.Moment   `json:"lifted_us"` // 0 = it was not
	Late    bool          `json:"late"`
}

// OutcomeView is what a member says it counted.
type OutcomeView struct {
	Member core.MemberID `json:"member"`
	At     core.Moment   `json:"at_us"`
	Result tally.Result  `json:"result"`
	Tally  string        `json:"tally"`
	Alike  bool          `json:"alike"` // as we count
}

// CountView is our count.
type CountView struct {
	Result      tally.Result    `json:"result"`
	N           int             `json:"n"`
	Quorum      int             `json:"quorum"` // 0 = there is none
	Turnout     int             `json:"turnout"`
	Standing    []core.MemberID `json:"standing"` // whose objection stands
	Free        []core.MemberID `json:"free"`     // whom a last round does not bind
	Order       []int           `json:"order"`    // options from 0, the best first
	Medians     []int           `json:"medians"`  // of each option
	Facilitator core.MemberID   `json:"facilitator"`
	Text        string          `json:"text"`
	Hash        string          `json:"hash"`
}

// Own is our own part. For our own admins alone: the choice is a secret until ballots are opened.
type Own struct {
	Elector bool `json:"elector"` // we are in the electorate
	Cast    bool `json:"cast"`    // a ballot of ours is kept
	// Choice is what our last ballot says; empty where we cannot open it.
	Choice tally.Choice `json:"choice"`
	// Pending says that something of ours waits for the logbook; it is tried again.
	Pending bool `json:"pending"`
	// WaitsBy is who cast the vote that waits for a second admin; empty = none waits.
	WaitsBy string `json:"waits_by"`
	// Waits is what that vote says; empty where we cannot open it.
	Waits tally.Choice `json:"waits"`
	// Objection is the id of our objection that stands; empty = none.
	Objection string `json:"objection"`
}

// Can is what we can do now.
type Can struct {
	Vote     bool `json:"vote"`
	Approve  bool `json:"approve"` // the vote that waits
	FourEyes bool `json:"four_eyes"`
	Say      bool `json:"say"`
	Object   bool `json:"object"`
	// ObjectElectorate: an objection to the electorate is good still.
	ObjectElectorate bool `json:"object_electorate"`
	Lift             bool `json:"lift"`
	Revise           bool `json:"revise"`   // propose a new version
	Fallback         bool `json:"fallback"` // propose the last round
	Review           bool `json:"review"`
	Withdraw         bool `json:"withdraw"` // the text of the proposal is ours
}
