package ability

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/person"
)

const (
	// Valid is how long a proof counts.
	Valid = 183 * 24 * time.Hour
	// Soon is how long before that end it is told.
	Soon = 30 * 24 * time.Hour
	// open is how long a proof may take from its beginning to its end.
	open = 7 * 24 * time.Hour

	maxSubject   = 253
	maxAbilities = 500
	maxOpen      = 200 // proofs that were begun
)

// Kind is what has to be done.
type Kind string

// The kinds.
const (
	DNS        Kind = "dns"        // change the records of a zone
	Registrar  Kind = "registrar"  // change and renew a domain
	Root       Kind = "root"       // be root on a host
	Hypervisor Kind = "hypervisor" // start, stop and reinstall machines
	Backup     Kind = "backup"     // open the backups
	Seed       Kind = "words"      // have the 24 words
	Mailbox    Kind = "mailbox"    // read the legal or abuse mailbox
	Payment    Kind = "payment"    // pay the bills at a supplier
	Bank       Kind = "bank"       // dispose of the account
	Premises   Kind = "premises"   // get in to the machines
)

// Kinds are all of them, in the order of tables.
func Kinds() []Kind {
	return []Kind{DNS, Registrar, Root, Hypervisor, Backup, Seed, Mailbox, Payment, Bank, Premises}
}

// Ability is one thing a service needs somebody to be able to do.
type Ability struct {
	ID      string
	Service string // empty = every service needs it
	Kind    Kind
	Subject string // the domain, the host, the address; empty = there is one only
	Made    core.Moment
}

// Proof is how an ability was seen.
type Proof string

// The proofs. All but Witnessed were seen by the node itself.
const (
	ByTXT     Proof = "dns"     // a record that only its zone's admins can set
	ByRoot    Proof = "root"    // a file that only root can write
	ByCanary  Proof = "canary"  // a file that only the 24 words open
	ByMail    Proof = "mail"    // a mail that was answered
	ByRDAP    Proof = "rdap"    // a change that the registry tells
	Witnessed Proof = "witness" // a second person was there
)

// Holding is one person's last proof of one ability.
type Holding struct {
	Ability  string
	Person   person.ID
	Proof    Proof
	Witness  person.ID // empty = the node itself saw it
	Evidence string    // SHA-256 in hex
	Proved   core.Moment
}

// Counts says whether the proof is young enough.
func (h Holding) Counts(now core.Moment) bool {
	return h.Proved > 0 && h.Proved <= now && now < h.Proved.Add(Valid)
}

// Ends says whether the proof counts, but not for long.
func (h Holding) Ends(now core.Moment) bool {
	return h.Counts(now) && !h.Counts(now.Add(Soon))
}

// own is the proof by which the node itself sees a kind; "" = it cannot.
func (k Kind) own(subject string) Proof {
	switch k {
	case DNS:
		return ByTXT
	case Registrar:
		return ByRDAP
	case Root:
		if subject == "" {
			return ByRoot // on the node's own host
		}
		return ""
	case Backup, Seed:
		return ByCanary
	case Mailbox:
		return ByMail
	case Hypervisor, Payment, Bank, Premises:
	}
	return ""
}

// parse reads what somebody typed as an ability. Returns CodeInvalid
// "custody.ability.bad_kind", "custody.ability.bad_subject" or "custody.ability.bad_service".
func parse(service, kind, subject string) (a Ability, err error) {
	a = Ability{Kind: Kind(strings.ToLower(strings.TrimSpace(kind)))}
	if !slices.Contains(Kinds(), a.Kind) {
		return a, core.Invalid("custody.ability.bad_kind", errors.New("no such kind")).With("Kinds", kindList())
	}
	if service = strings.TrimSpace(service); service != "" && service != "*" {
		if a.Service, err = person.ParseService(service); err != nil {
			return a, err
		}
	}
	a.Subject = strings.TrimSpace(subject)
	bad := func(why string) (Ability, error) {
		return a, core.Invalid("custody.ability.bad_subject", errors.New(why)).With("Kind", string(a.Kind))
	}
	if len(a.Subject) > maxSubject || !utf8.ValidString(a.Subject) || strings.IndexFunc(a.Subject, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return bad("not printable, or too long")
	}
	switch a.Kind { //nolint:exhaustive // the others take any text
	case DNS, Registrar:
		id, err := core.ParseMemberID(a.Subject)
		if err != nil || strings.Contains(string(id), ":") || !strings.Contains(string(id), ".") {
			return bad("no domain")
		}
		a.Subject = string(id)
	case Mailbox:
		if addr, err := mail.ParseAddress(a.Subject); err != nil || addr.Address != a.Subject {
			return bad("no address")
		}
	}
	return a, nil
}

func kindList() string {
	all := make([]string, 0, len(Kinds()))
	for _, k := range Kinds() {
		all = append(all, string(k))
	}
	return strings.Join(all, ", ")
}

// Challenge is a proof that was begun.
type Challenge struct {
	ID      string // the nonce
	Ability string
	Person  person.ID
	Before  string // what the registry said when it began
	Token   string // hash of what was mailed
	Expires core.Moment
}

// Line is what the person signs, with the line break that ends it. It names the node, so
// that no signature serves another.
// spec: docs/spec/custody.md#proof-of-an-ability
func (c Challenge) Line(node core.MemberID) string {
	return strings.Join([]string{"entrechat-proof/1", string(node), c.Ability, string(c.Person), c.ID}, " ") + "\n"
}

// WitnessLine is what a second person signs who was there.
func (c Challenge) WitnessLine(node core.MemberID, witness person.ID) string {
	return strings.Join([]string{"entrechat-witness/1", string(node), c.Ability, string(c.Person), c.ID, string(witness)}, " ") + "\n"
}

// TXT is the record by which the ability to change a zone is seen.
func (c Challenge) TXT() string { return "entrechat-proof=" + c.ID }

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b)
	return hex.EncodeToString(b)
}
