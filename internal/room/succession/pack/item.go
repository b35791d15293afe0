package pack

import (
	"time"

	"entrechat/internal/core"
)

// Name is one of the 12 items, and the folder of its files in the sealed file.
type Name string

// The items, in the order of the document.
const (
	Manifest Name = "manifest" // program, version, sizes, order of start
	Domain   Name = "domain"   // registrar, expiry, zone, TTL
	Data     Name = "data"     // backups, newest snapshot, last restore
	Secrets  Name = "secrets"  // names and SHA-256 of secret files, and the box of each
	Runbook  Name = "runbook"
	Config   Name = "config" // list of packages, configuration
	Checks   Name = "checks" // what has to answer
	People   Name = "people" // roles, suppliers, due dates
	Legal    Name = "legal"  // terms with the clause, processors, retention
	Users    Name = "users"  // who has what, and what they chose
	Limits   Name = "limits" // known faults
	After    Name = "after"  // redirects, forwards, erasure
)

// Names are the 12 items in order.
func Names() []Name {
	return []Name{Manifest, Domain, Data, Secrets, Runbook, Config, Checks, People, Legal, Users, Limits, After}
}

// Fresh is how long a proof counts.
const Fresh = 183 * 24 * time.Hour

// The states of an item.
const (
	There   = "there"
	Missing = "missing"
)

// How an item was proved.
const (
	BySaid    = "said"    // a person wrote it, or looked it over
	ByVersion = "version" // the running program says the same version
	ByRDAP    = "rdap"    // the registry tells when the domain ends
	ByRestore = "restore" // somebody restored it
	ByDrill   = "drill"   // the runbook was rehearsed
	ByAnswer  = "answer"  // every address answered
	ByCount   = "count"   // people were counted
	ByHash    = "hash"    // the files are there, and were hashed
)

func knownHow(how string) bool {
	switch how {
	case "", BySaid, ByVersion, ByRDAP, ByRestore, ByDrill, ByAnswer, ByCount, ByHash:
		return true
	}
	return false
}

// Item is one of the 12 as the document says it.
type Item struct {
	Name Name `json:"item"`
	// SHA256 is that of what sha256sum prints of the item's files, sorted by name; empty where
	// there is none.
	SHA256 string      `json:"sha256"`
	Bytes  int64       `json:"bytes"`
	Proved core.Moment `json:"proved_us"` // 0 = never
	TookS  int64       `json:"took_s"`    // how long the proof took; 0 = not known
	How    string      `json:"how"`       // one of the constants; empty = not proved
	State  string      `json:"state"`     // There or Missing
	Note   string      `json:"note"`      // a fact, at most 200 bytes: "2027-03-01", "412"
}

// Red says whether an item needs somebody: it is missing, its proof is older than Fresh, or it is a
// domain that ended.
func (i Item) Red(now core.Moment) bool {
	return i.Ended(now) || i.State != There || i.Proved == 0 || now.Sub(i.Proved) > Fresh || i.Proved > now.Add(day)
}

// Ended says whether the registry told of an end that is past.
func (i Item) Ended(now core.Moment) bool {
	return i.Name == Domain && i.How == ByRDAP && i.Note < now.Time().Format(time.DateOnly)
}

const day = 24 * time.Hour

// Red lists the items of a pack that need somebody.
func (p Pack) Red(now core.Moment) (red []Name) {
	for _, i := range p.Items {
		if i.Red(now) {
			red = append(red, i.Name)
		}
	}
	return red
}

// Item is one of the items; the zero value where there is none.
func (p Pack) Item(name Name) Item {
	for _, i := range p.Items {
		if i.Name == name {
			return i
		}
	}
	return Item{Name: name, State: Missing}
}

// Weekend is what two volunteers have in a weekend.
const Weekend = 16 * time.Hour

// Effort is how long a takeover takes by what was proved: restore, rehearsal of the runbook, and
// looks. Unknown are the parts that nobody measured.
func (p Pack) Effort() (sum time.Duration, unknown []Name) {
	for _, name := range []Name{Data, Runbook, Checks} {
		i := p.Item(name)
		if i.TookS <= 0 {
			unknown = append(unknown, name)
		}
		sum += time.Duration(i.TookS) * time.Second
	}
	return sum, unknown
}

// FitsWeekend says whether two volunteers do it in a weekend, by proofs alone.
func (p Pack) FitsWeekend(now core.Moment) bool {
	sum, unknown := p.Effort()
	return len(unknown) == 0 && sum <= Weekend && len(p.Red(now)) == 0
}
