package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
)

// Kind says what a notice is about.
type Kind string

// The kinds.
const (
	Down        Kind = "down"
	Partial     Kind = "partial"
	Unstable    Kind = "unstable"
	Maintenance Kind = "maintenance"
	Certificate Kind = "certificate" // one ends soon
	Backup      Kind = "backup"      // one is too old
	Silent      Kind = "silent"      // a ping did not come
	Version     Kind = "version"     // something runs that has known holes
	Isolated    Kind = "isolated"    // we reach nobody: it may be us
	Test        Kind = "test"
	Recovered   Kind = "recovered" // made by Resolve
	Steady      Kind = "steady"    // made by Resolve: what was unstable has been well for an hour
)

// outage says whether the kind means that the owner's machines may not answer.
func (k Kind) outage() bool { return k == Down || k == Partial || k == Unstable || k.ends() }

// ends says whether the kind tells that something is over.
func (k Kind) ends() bool { return k == Recovered || k == Steady }

func (k Kind) valid() bool {
	switch k {
	case Down, Partial, Unstable, Maintenance, Certificate, Backup, Silent, Version, Isolated, Test:
		return true
	case Recovered, Steady:
	}
	return false
}

// Notice is one thing to tell. Two of one owner, incident and kind are the same, whoever
// says them and how often.
type Notice struct {
	Owner    core.MemberID
	Incident string // at most 64 visible ASCII characters
	Kind     Kind
	// Level is how urgent it is; empty = as the plan says of its services. The plan can
	// only make an outage more urgent than Level says.
	Level    contact.Level
	Weak     bool
	Services []string
	At       core.Moment
	Ends     core.Moment // when what it warns of happens: of Certificate only
	Link     string      // to the incident's page; may be empty
	// Person, when not empty, is the only one to tell.
	Person string
	// Now: quiet hours do not hold it; somebody waits for it.
	Now bool
}

// Key names the notice: 32 hex digits.
func (n Notice) Key() string {
	sum := sha256.Sum256([]byte("entrechat/notice\n" + string(n.Owner) + "\n" + n.Incident + "\n" + string(n.Kind)))
	return hex.EncodeToString(sum[:16])
}

const maxServices = 100

// check refuses a notice that is a mistake of the program; services are cut short.
func (n *Notice) check() error {
	if !n.Owner.Valid() || !n.Kind.valid() || n.At <= 0 || n.Incident == "" || len(n.Incident) > 64 || contact.Clean(n.Incident) != n.Incident {
		return core.Invalid("watch.alert.bad_notice", errors.New("a notice without owner, kind, time or incident"))
	}
	if (n.Kind == Certificate) != (n.Ends > 0) {
		return core.Invalid("watch.alert.bad_notice", errors.New("only what is said of a certificate has an end, and must have one"))
	}
	services := make([]string, 0, len(n.Services))
	for _, s := range n.Services[:min(len(n.Services), maxServices)] {
		services = append(services, contact.Short(s, 80))
	}
	n.Services = services
	if _, ok := contact.Web(n.Link); !ok || len(n.Link) > 500 {
		n.Link = ""
	}
	return nil
}

// level is how urgent a notice is for this plan: of an outage, and of work that has a name
// of its own, as the plan says of the services; of all else, it wakes nobody.
func (n Notice) level(p contact.Plan) contact.Level {
	level := n.Level
	if !level.Valid() {
		level = contact.Notify
		if n.Kind.outage() || n.Kind == Silent || n.Kind == Backup {
			return p.LevelOf(n.Services)
		}
	}
	if of := p.LevelOf(n.Services); n.Kind.outage() && len(n.Services) > 0 && of.Above(level) {
		level = of
	}
	return level
}

// The steps of a delivery.
const (
	stepOnCall = "oncall"
	stepSecond = "second"
	stepTeam   = "team"
	stepAck    = "ack" // of a receipt only
)

func stepName(s contact.Step) string {
	switch s {
	case contact.OnCall:
		return stepOnCall
	case contact.Second:
		return stepSecond
	default:
		return stepTeam
	}
}

// State is how far a delivery is.
type State string

// The states; Open is the only one that changes.
const (
	Open    State = "open"
	Sent    State = "sent"
	Summary State = "digest"  // sent within a digest
	Told    State = "told"    // another member sent it
	Dropped State = "dropped" // no longer of use
	Unsure  State = "unsure"  // each channel may have carried it; none said so
	Failed  State = "failed"
)

// record is a notice as it is stored.
type record struct {
	Notice
	key         string
	over, acked core.Moment
	ackedBy     string
	step        contact.Step
	due         core.Moment // when it is escalated
}

// meets says whether two notices are about a service that is the same.
func (r record) meets(other record) bool {
	return slices.ContainsFunc(r.Services, func(name string) bool { return slices.Contains(other.Services, name) })
}

// Attempt is how often one channel was tried for one delivery.
type Attempt struct {
	Failed int `json:"failed,omitempty"` // surely without success, in this round
	Unsure int `json:"unsure,omitempty"` // it may have arrived
}

// Delivery is a notice on its way to one person.
type Delivery struct {
	Key     string
	Person  string
	Step    string
	Owner   core.MemberID
	State   State
	Next    core.Moment
	Tries   map[string]Attempt
	Rounds  int
	Channel string
	Error   string
	Done    core.Moment
	// Waits is how often it was put off for what the others might say.
	Waits int64
	// Held is since when one voter's word alone holds it, that it was sent; zero = none does.
	Held core.Moment
}

// Receipt is what one sender tells the others: a message went out, or somebody
// acknowledged.
type Receipt struct {
	Owner  core.MemberID `json:"owner"`
	Key    string        `json:"key"`
	Person string        `json:"person"`
	Step   string        `json:"step"`
	State  string        `json:"state"`
	At     core.Moment   `json:"at_us"`
}

// States that stand only in the answer to a question: not what the teller did.
const (
	hearsay = "told"   // another told it so
	trying  = "trying" // it is at it now
)

// checkAnswer is Check for what stands in an answer.
func (r Receipt) checkAnswer(now core.Moment) error {
	if r.State == hearsay || r.State == trying {
		r.State = string(Sent)
	}
	return r.Check(now)
}

// Check refuses a receipt no sender would write. Returns CodeInvalid.
func (r Receipt) Check(now core.Moment) error {
	steps := map[string]bool{stepOnCall: true, stepSecond: true, stepTeam: true, stepAck: true}
	states := map[string]bool{string(Sent): true, string(Summary): true, stepAck: true}
	id, err := hex.DecodeString(r.Key)
	if err != nil || len(id) != 16 || !r.Owner.Valid() || r.Person == "" || len(r.Person) > 40 || contact.Clean(r.Person) != r.Person ||
		!steps[r.Step] || !states[r.State] || (r.Step == stepAck) != (r.State == stepAck) || r.At <= 0 || r.At > now.Add(skew) {
		return core.Invalid("watch.alert.bad_receipt", errors.New("receipt out of form"))
	}
	return nil
}
