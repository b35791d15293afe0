package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

const (
	// Whole is how long a network is kept whole.
	Whole = 30 * 24 * time.Hour
	// Kept is how long a row is kept.
	Kept = 366 * 24 * time.Hour
)

// Kind is what happened. Each has its words key ("identity.audit.kind_" + kind).
type Kind string

// Key is the words key of a kind.
func (k Kind) Key() string { return "identity.audit.kind_" + string(k) }

// The kinds of events.
const (
	SignedUp         Kind = "signed_up"
	Invited          Kind = "invited"
	Imported         Kind = "imported"
	Admitted         Kind = "admitted" // a sign-up that waited was accepted
	SignedIn         Kind = "signed_in"
	SignInFailed     Kind = "sign_in_failed"
	SignedOut        Kind = "signed_out"
	SessionEnded     Kind = "session_ended"
	PasswordSet      Kind = "password_set"
	PasskeyAdded     Kind = "passkey_added"
	PasskeyRemoved   Kind = "passkey_removed"
	TOTPAdded        Kind = "totp_added"
	TOTPRemoved      Kind = "totp_removed"
	RecoveryMade     Kind = "recovery_made"
	RecoveryUsed     Kind = "recovery_used"
	RecoveryAsked    Kind = "recovery_asked"
	MailChanged      Kind = "mail_changed"
	ChoiceChanged    Kind = "choice_changed"
	Exported         Kind = "exported"
	ConsentGiven     Kind = "consent_given" // About is the hoster
	ConsentWithdrawn Kind = "consent_withdrawn"
	RoleChanged      Kind = "role_changed"
	OrgChanged       Kind = "org_changed"
	OrgMade          Kind = "org_made" // of nobody's account, as the three that follow
	OrgRemoved       Kind = "org_removed"
	ServiceReserved  Kind = "service_reserved" // About is the service and the organisation
	ServiceReleased  Kind = "service_released"
	Suspended        Kind = "suspended"
	Resumed          Kind = "resumed"
	Moved            Kind = "moved"        // About is the other hoster
	MoveBegun        Kind = "move_begun"   // About is the hoster it goes to
	MoveRefused      Kind = "move_refused" // About is the hoster that said so
	ClosedAccount    Kind = "closed"
)

// Event is one thing that happened. Nothing in it may be a name or a mail address.
type Event struct {
	Number int64       // its place in the chain, from 1; given by Append
	At     core.Moment // given by Append
	Person person.ID   // whose account; empty = nobody's
	Kind   Kind
	By     person.ID // who did it; empty = the node, a command, or a stranger
	About  string    // a client, a hoster, a session
	From   From
}

// From is where somebody came from. The zero value is the node's own machine.
type From struct {
	Network string // an address, later its network
	Agent   string // browser family, at most 60 characters
}

// row is an event as the table holds it.
type row struct {
	Event
	salt, veil, hash string
}

// seal makes a row that follows another.
func seal(e Event, previous string) row {
	r := row{Event: e, salt: rand.Text()}
	r.veil = r.veiled()
	r.hash = r.chained(previous)
	return r
}

// veiled is the hash of what is erased later. The salt keeps it from being guessed once
// the network is shortened: there are few networks.
func (r row) veiled() string { return digest(r.salt, r.From.Network, r.From.Agent) }

func (r row) chained(previous string) string {
	return digest(r.Number, r.At, r.Person, r.Kind, r.By, r.About, r.veil, previous)
}

// whole says whether the row is as it was written, after a row with that hash.
func (r row) whole(previous string) bool {
	return (r.salt == "" || r.veil == r.veiled()) && r.hash == r.chained(previous)
}

// digest is the SHA-256 of a JSON list, in hex: a list has one reading.
func digest(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // numbers and strings have a JSON form
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Shortened is a network as it is kept after 30 days: the first 24 bits of an IPv4
// address, 48 of an IPv6 one. What is no address becomes empty.
func Shortened(network string) string {
	address, err := netip.ParseAddr(network)
	if err != nil {
		if prefix, err := netip.ParsePrefix(network); err == nil {
			return prefix.String()
		}
		return ""
	}
	bits := 24
	if address = address.Unmap().WithZone(""); address.Is6() {
		bits = 48
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// Browser is the family of a browser and its system, as people know them, from the
// User-Agent header; "" when it says neither.
func Browser(header string) string {
	first := func(of ...string) string { // pairs: a sign in the header, what it means
		for i := 0; i+1 < len(of); i += 2 {
			if strings.Contains(header, of[i]) {
				return of[i+1]
			}
		}
		return ""
	}
	browser := first("Edg/", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari")
	system := first("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS X", "macOS", "Linux", "Linux")
	return strings.TrimPrefix(strings.TrimSuffix(browser+", "+system, ", "), ", ")
}
