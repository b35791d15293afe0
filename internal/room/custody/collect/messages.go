package collect

import (
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/share"
)

// Deal is what an ask is about, as far as asks need it. The zero value is none.
type Deal struct {
	ID          share.ID
	Owner       core.MemberID
	Scope       string
	K           int
	Wait        time.Duration
	Commitments share.Commitments
	Members     []core.MemberID   // holders that are members
	Askers      []core.MemberID   // may ask beside them
	Cards       map[string]string // id of a person of the owner's -> key that may stop an ask
	Ended       core.Moment       // 0 = it goes on
	Document    seal.Envelope     // as its owner signed it
}

// MayAsk says whether a member may ask for the box: its owner, a holder, or who else the deal lets.
func (d Deal) MayAsk(who core.MemberID) bool {
	return who == d.Owner || slices.Contains(d.Members, who) || slices.Contains(d.Askers, who)
}

// Status is how an ask stands at a holder, as it answers the asker.
type Status struct {
	State ask.State `json:"state"`
	Why   ask.Why   `json:"why,omitempty"`
	Left  int64     `json:"left_us,omitempty"` // of a wait, microseconds
}

// StatusOf says it as a holder answers.
func StatusOf(v ask.Verdict) Status { return Status{v.State, v.Why, v.Left.Microseconds()} }

// Handed is what the asker gets: how the ask stands, and once the share was released, all
// that is needed to open the box.
type Handed struct {
	Status
	Share   string                   `json:"share,omitempty"` // base64 of an age file to the ask's recipient
	Box     string                   `json:"box,omitempty"`   // base64 of the sealed box
	Deal    *seal.Envelope           `json:"deal,omitempty"`
	Holders map[core.MemberID]string `json:"holders,omitempty"` // of the deal, with their addresses
}

// The endpoints. They are public: after a total loss who asks has no key that anybody knows.
// spec: docs/spec/custody.md#asking
const (
	PathAsk   = "/ec/v1/custody/ask"
	PathWord  = "/ec/v1/custody/ask/word"
	PathShare = "/ec/v1/custody/ask/share"
	PathHeld  = "/ec/v1/custody/ask/held"
)

// AskMessage brings an ask.
type AskMessage struct {
	Ask seal.Envelope `json:"ask"`
}

// ShareMessage asks for the share of one.
type ShareMessage struct {
	Ask string `json:"ask"`
}

// HeldMessage asks which deals of somebody a node keeps shares of.
type HeldMessage struct {
	Owner core.MemberID `json:"owner"`
}

// HeldDeal names one. Who else keeps shares is said once a person released one.
type HeldDeal struct {
	Deal  string `json:"deal"`
	Scope string `json:"scope"`
	K     int64  `json:"k"`
	Wait  int64  `json:"wait_us"`
}

// HeldAnswer answers HeldMessage.
type HeldAnswer struct {
	Deals []HeldDeal `json:"deals"`
}

// From is what one holder answered.
type From struct {
	Member core.MemberID `json:"member"`
	Status
	Silent bool   `json:"silent,omitempty"` // it did not answer
	Bad    string `json:"bad,omitempty"`    // words key of what is wrong with its share
}

// Collected is how far an ask of ours is.
type Collected struct {
	ID     string `json:"id"`
	Words  string `json:"words"`
	Have   int    `json:"have"`
	Needed int    `json:"needed"` // 0 = nobody said yet
	From   []From `json:"from"`
	Opened bool   `json:"opened"`
}

// maxWait bounds what a member may say of a wait.
const maxWait = 90 * 24 * time.Hour

// Claim is what a member says of a deal of somebody, as far as it can be true; false = it cannot.
func (h HeldDeal) Claim(owner core.MemberID) (Deal, bool) {
	id, err := share.ParseID(h.Deal)
	if err != nil || h.K < 0 || h.K > share.MaxN || h.Wait < 0 || h.Wait > maxWait.Microseconds() {
		return Deal{}, false
	}
	return Deal{ID: id, Owner: owner, Scope: h.Scope, K: int(h.K), Wait: time.Duration(h.Wait) * time.Microsecond}, true
}

// HeldOf names a deal.
func HeldOf(d Deal) HeldDeal {
	return HeldDeal{Deal: string(d.ID), Scope: d.Scope, K: int64(d.K), Wait: d.Wait.Microseconds()}
}
