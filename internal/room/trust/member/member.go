package member

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
)

const day = 24 * time.Hour

// Standing says how far a member is known here. The zero value is a stranger.
type Standing string

// The standings, each including what the one before allows.
const (
	// Asked: it said hello without an invitation. It is listed, nothing more.
	Asked Standing = "asked"
	// Met: somebody we trust vouches for it, so we mirror its logbook.
	Met Standing = "met"
	// Added: a person of ours added it; it may propose pacts.
	Added Standing = "added"
)

// Bounds of what strangers can make us keep.
const (
	maxAsked = 100 // requests to join waiting at once, and invitations open
	// maxSiblings is how many of them come from below one domain, such as a.b.org and
	// c.b.org: names below one's own cost nothing.
	maxSiblings = 3
	maxMet      = 200 // members mirrored for no other reason than a vouch
	// askedLife is how long a request to join waits for a person.
	AskedLife = 30 * day
	// proofs at once, each so long, and so many a second for ever: what strangers'
	// hellos make us ask of domains they name.
	maxProofs  = 4
	proofTime  = 10 * time.Second
	proofRate  = 1
	proofBurst = 20
)

// Address is all that is needed to reach and to prove a member.
type Address struct {
	Member core.MemberID `json:"member"`
	URL    string        `json:"url"`
	Root   core.RootKey  `json:"root"`
}

// Check returns CodeInvalid for an address nobody could use.
func (a Address) Check() error {
	if !a.Member.Valid() || a.Root.IsZero() {
		return core.Invalid("trust.bad_address", fmt.Errorf("%.80q is no address of a member", a.Member))
	}
	return checkURL(a.URL)
}

// Usable says whether Check finds nothing wrong.
func (a Address) Usable() bool { return a.Check() == nil }

// checkURL accepts the base of a node: scheme, host, perhaps a path; no query,
// no password. Plain http is the peer kit's to refuse, it knows about demos.
func checkURL(s string) error {
	u, err := url.Parse(s)
	bad := err != nil || len(s) > document.MaxLine || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery
	if bad {
		return core.Invalid("trust.bad_url", fmt.Errorf("%.80q is no address of a node", s)).With("URL", fmt.Sprintf("%.80s", s))
	}
	return document.CheckLine("url", s)
}

// Member is one member as we see it.
type Member struct {
	Address
	Standing Standing
	Refused  bool // this hoster refuses it whatever a collective says
	Since    core.Moment
	Code     string // of the invitation we still have to redeem, "" = none
}

// pin decides what a claim on an origin is worth. A person's decision binds an
// origin to one root key for good: whoever buys the domain later has another
// key and gets nothing. Returns CodeConflict.
func (m Member) pin(root core.RootKey) error {
	if m.Standing == Added && m.Root != root {
		return core.Conflict("trust.other_root", fmt.Errorf("%s is pinned to another root key", m.ID())).
			With("Member", m.ID())
	}
	return nil
}

// givesWay says which of the requests to join, the oldest first, makes room for one
// more: the oldest from below the same domain, or of all.
func givesWay(list []Member, newcomer core.MemberID) (core.MemberID, bool) {
	var siblings []core.MemberID
	for _, m := range list {
		if m.ID() == newcomer {
			return "", false
		}
		if domain(m.ID()) == domain(newcomer) {
			siblings = append(siblings, m.ID())
		}
	}
	switch {
	case len(siblings) >= maxSiblings:
		return siblings[0], true
	case len(list) >= maxAsked:
		return list[0].ID(), true
	}
	return "", false
}

// domain is the last two labels of a member's name.
func domain(id core.MemberID) string {
	labels := strings.Split(string(id), ".")
	return strings.Join(labels[max(len(labels)-2, 0):], ".")
}

// ID is the member's origin.
func (m Member) ID() core.MemberID { return m.Member }
