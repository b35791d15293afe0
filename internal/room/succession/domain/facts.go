package domain

import (
	"slices"
	"strings"

	"entrechat/internal/core"
)

// Facts are what was read about a domain at one moment.
type Facts struct {
	Name     string      `json:"name"` // lower case, without a dot at its end
	Zone     string      `json:"zone"` // the zone that it lies in: itself, or a name above
	At       core.Moment `json:"at_us"`
	Registry Registry    `json:"registry"`
	Parent   Parent      `json:"parent"`
	Servers  []Server    `json:"servers"` // in charge now
	Next     []Server    `json:"next"`    // where the zone moves to; none = it stays, or nobody said
	Sets     []Set       `json:"sets"`    // at the first server in charge
	NextSets []Set       `json:"next_sets"`
	// Selectors are the names of DKIM keys that were asked for.
	Selectors []string `json:"selectors"`
}

// Registry is what the registry tells (RFC 9083).
type Registry struct {
	Known     bool        `json:"known"`
	Expires   core.Moment `json:"expires_us"` // 0 = it does not say
	Status    []string    `json:"status"`
	Registrar string      `json:"registrar"` // empty = it does not say
	Holder    string      `json:"holder"`    // HolderGroup, HolderPerson; empty = it does not say
}

// Who holds a domain.
const (
	HolderGroup  = "organisation"
	HolderPerson = "person"
)

// has says whether the registry shows a status; it writes them in words ("client hold").
func (r Registry) has(want ...string) bool {
	for _, s := range r.Status {
		plain := strings.ToLower(strings.ReplaceAll(s, " ", ""))
		if slices.Contains(want, plain) {
			return true
		}
	}
	return false
}

// Parent is what the zone above says of ours.
type Parent struct {
	Servers []string `json:"servers"` // names, lower case, sorted
	TTL     uint32   `json:"ttl_s"`   // of the name servers
	DS      []string `json:"ds"`      // as text: tag, algorithm, kind, hash
	DSTTL   uint32   `json:"ds_ttl_s"`
	// Holds is from when the last change of DS is known everywhere; 0 = no change was seen.
	Holds core.Moment `json:"ds_holds_us"`
	Seen  bool        `json:"ds_seen"` // an earlier look knew whether there was a DS
}

// Chain is what a server's keys are to the DS records at the parent.
type Chain string

// Unsigned: no key. Trusted: a key that a DS names signs the keys, now. Broken: there are keys, and none
// does.
const (
	Unsigned Chain = "unsigned"
	Trusted  Chain = "trusted"
	Broken   Chain = "broken"
)

// Server is one name server of the zone, asked itself.
type Server struct {
	Host    string   `json:"host"`
	Problem string   `json:"problem"` // why it does not answer for the zone; empty = it does
	NS      []string `json:"ns"`      // what it says the servers are: lower case, sorted
	Serial  uint32   `json:"serial"`
	Chain   Chain    `json:"chain"`
}

// Set is the records of one name and type.
type Set struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	TTL    uint32   `json:"ttl_s"`
	Values []string `json:"values"`
	// Holds is from when no resolver keeps an older, longer TTL; 0 = it was never seen longer.
	Holds core.Moment `json:"holds_us"`
	Since core.Moment `json:"since_us"` // the first look; 0 = this one
}

// set finds a set of a type at a name.
func (f Facts) set(all []Set, name, kind string) (Set, bool) {
	for _, s := range all {
		if s.Name == name && s.Type == kind {
			return s, true
		}
	}
	return Set{}, false
}

// text finds the first text of a name that begins so.
func (f Facts) text(name, begins string) (string, bool) {
	s, _ := f.set(f.Sets, name, "TXT")
	for _, v := range s.Values {
		if strings.HasPrefix(strings.ToLower(v), begins) {
			return v, true
		}
	}
	return "", false
}
