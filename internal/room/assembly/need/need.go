package need

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/stranger"
)

const day = 24 * time.Hour

// The bounds of needs and answers.
const (
	MaxText  = 1000 // characters of each of the two texts
	maxReply = 2000 // characters of an answer or a reason
	// MaxWaiting is how many needs wait for a moderator at most.
	MaxWaiting = 200
	// Late is how old an unanswered need is when the page says so.
	Late = 30 * day
	// addressKept is how long an address is kept after the last state.
	addressKept = 90 * day
	// addressLongest is how long it is kept where nobody ever answers.
	addressLongest = 365 * day
	fewestWords    = 3 // of a reason

	perNetwork = 3   // needs a day from one network without an account
	perMailbox = 3   // mails a day that typing an address causes
	perNode    = 200 // of them all, for voices and for addresses each
)

// Standing says whether people see a need.
type Standing string

// The standings.
const (
	Waiting   Standing = "waiting"
	Published Standing = "published"
	Refused   Standing = "refused"
)

// State is what was answered. The zero value is no answer yet.
type State string

// The states. Each has a sentence "assembly.need.state_STATE".
const (
	Heard      State = "heard"
	Planned    State = "planned"    // with the month
	Done       State = "done"       // with a link
	NotUs      State = "not_us"     // with the reason
	Elsewhere  State = "elsewhere"  // with the member that does it
	Collective State = "collective" // we ask the others
)

// States are all of them, in the order of a form.
func States() []State { return []State{Heard, Planned, Done, NotUs, Elsewhere, Collective} }

// Need is what somebody told us. Nothing of it names them.
type Need struct {
	ID       string `json:"id"` // 26 letters and digits
	Lang     string `json:"lang"`
	Service  string `json:"service,omitempty"` // empty = none of ours
	Goal     string `json:"goal"`              // what they try to do, as typed
	Obstacle string `json:"obstacle"`          // what is in the way, as typed
	// ShownGoal and ShownObstacle are as the hoster publishes them.
	ShownGoal     string      `json:"shown_goal,omitempty"`
	ShownObstacle string      `json:"shown_obstacle,omitempty"`
	Standing      Standing    `json:"standing"`
	Reason        string      `json:"reason,omitempty"` // of a refusal
	State         State       `json:"state,omitempty"`
	MergedInto    string      `json:"merged_into,omitempty"`
	Asked         core.Moment `json:"-"` // when the owner of the address was asked
	Confirmed     core.Moment `json:"-"` // when the address was confirmed; 0 = not
	HasAddress    bool        `json:"has_address"`
	Made          core.Moment `json:"made_us"`
	Decided       core.Moment `json:"decided_us,omitempty"`
	Heard         core.Moment `json:"heard_us,omitempty"`
	Changed       core.Moment `json:"changed_us"`
	Voices        int64       `json:"voices"` // of it and of what was merged into it
	Answers       []Answer    `json:"answers,omitempty"`

	// Origin is the member that passed it on; empty = it was told here.
	Origin   core.MemberID `json:"origin,omitempty"`
	referral string        // the member's id of it

	link    string // hash of the private link's token
	address []byte // sealed
}

// Answer is one thing the hoster said.
type Answer struct {
	Number int64         `json:"number"` // from 1
	State  State         `json:"state"`
	Text   string        `json:"text,omitempty"`
	Month  string        `json:"month,omitempty"` // 2027-03
	Link   string        `json:"link,omitempty"`
	Member core.MemberID `json:"member,omitempty"`
	At     core.Moment   `json:"at_us"`
}

// Unanswered says how long a published need has been waiting for its first answer; 0 = it
// has one, or is not published.
func (n Need) Unanswered(now core.Moment) time.Duration {
	if n.Standing != Published || n.Heard != 0 || n.State != "" {
		return 0
	}
	return now.Sub(n.Made)
}

// words are what is published of a need, or was; what was typed where nothing ever was.
func (n Need) words() (goal, obstacle string) {
	if n.ShownGoal != "" {
		return n.ShownGoal, n.ShownObstacle
	}
	return n.Goal, n.Obstacle
}

// only is an answer without what another state would have.
func (a Answer) only() Answer {
	if a.State != Planned {
		a.Month = ""
	}
	if a.State != Done {
		a.Link = ""
	}
	if a.State != Elsewhere {
		a.Member = ""
	}
	return a
}

// Check says whether an answer has what its state needs, relative to now. Returns CodeInvalid
// "assembly.need.bad_" + what is wrong.
func (a Answer) Check(now time.Time) error {
	bad := func(key string) error { return core.Invalid(key, errors.New("an answer that says too little")) }
	if utf8.RuneCountInString(a.Text) > maxReply {
		return bad("assembly.need.bad_long")
	}
	switch a.State {
	case Heard, Collective:
		return nil
	case Planned:
		m, err := time.Parse("2006-01", a.Month)
		if err != nil || a.Month < now.UTC().Format("2006-01") || m.After(now.AddDate(3, 0, 0)) {
			return bad("assembly.need.bad_month")
		}
		return nil
	case Done:
		if !stranger.WebLink(a.Link) {
			return bad("assembly.need.bad_done")
		}
		return nil
	case NotUs:
		return checkReason(a.Text)
	case Elsewhere:
		if !a.Member.Valid() {
			return bad("assembly.need.bad_member")
		}
		return nil
	}
	return bad("assembly.need.bad_state")
}

// checkReason wants a sentence: a "no" without a reason teaches nobody anything.
func checkReason(text string) error {
	if utf8.RuneCountInString(text) > maxReply {
		return core.Invalid("assembly.need.bad_long", errors.New("too long"))
	}
	if len(strings.Fields(text)) < fewestWords {
		return core.Invalid("assembly.need.bad_reason", errors.New("no reason"))
	}
	return nil
}
