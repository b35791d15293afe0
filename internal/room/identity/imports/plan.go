package imports

import (
	"context"
	"errors"
	"maps"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
)

// Fate is what happens to one record.
type Fate string

// The fates.
const (
	New     Fate = "new"     // an account is made under the name they had
	Renamed Fate = "renamed" // an account is made, under another name
	Present Fate = "present" // is here already; nothing is changed
	Refused Fate = "refused" // cannot be taken; the findings say why
)

// Key is the words key of a fate.
func (f Fate) Key() string { return "identity.imports.fate_" + string(f) }

// Step is what happens to one record. It holds no hash that is printed.
type Step struct {
	Line     int           `json:"line"`
	UID      string        `json:"uid"`
	Fate     Fate          `json:"fate"`
	Handle   string        `json:"handle,omitempty"` // here
	Name     string        `json:"name,omitempty"`
	Mail     string        `json:"mail,omitempty"` // taken as the hoster's word that it is theirs
	Status   person.Status `json:"status,omitempty"`
	Password bool          `json:"password"` // their password goes on working
	Groups   []string      `json:"groups,omitempty"`
	Findings []Finding     `json:"findings,omitempty"`
	lang     string
	hash     string
}

// String keeps the hash out of what is printed by mistake.
func (s Step) String() string { return "the step of line " + itoa(s.Line) }

// GoString is String, for %#v.
func (s Step) GoString() string { return s.String() }

// Plan is what an import would do, or has done.
type Plan struct {
	Source   string       `json:"source"`
	Steps    []Step       `json:"steps"`
	Counts   map[Fate]int `json:"counts"`
	Invite   int          `json:"invite"` // accounts that have no password we can check
	Findings []Finding    `json:"findings,omitempty"`
	DryRun   bool         `json:"dry_run,omitzero"`
}

// house is what a plan is held against: who is here.
type house interface {
	// imported says who came from a source under a uid; empty = nobody.
	imported(ctx context.Context, uid string) (person.ID, error)
	// taken says whether a handle was ever given.
	taken(ctx context.Context, handle string) (bool, error)
	// mailOf says who has an address; empty = nobody.
	mailOf(ctx context.Context, address string) (person.ID, error)
}

// planner makes the steps of one import.
type planner struct {
	house   house
	handles map[string]bool // given in this import
	mails   map[string]bool
	uids    map[string]int // lower case, with their line
}

// plan says what would happen to each record; seen are the uids of records before, lower
// case, with their line.
func plan(ctx context.Context, h house, records []Record, seen map[string]int) ([]Step, error) {
	p := planner{h, map[string]bool{}, map[string]bool{}, maps.Clone(seen)}
	steps := make([]Step, 0, len(records))
	for _, r := range records {
		s, err := p.step(ctx, r)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (p *planner) step(ctx context.Context, r Record) (Step, error) {
	s := Step{Line: r.Line, UID: r.UID, Name: cut(r.Name), Status: person.Active, Groups: r.Groups, lang: r.Lang}
	uid := strings.ToLower(r.UID)
	if first, twice := p.uids[uid]; twice {
		s.refuse("identity.imports.twice", map[string]any{"Line": first})
		return s, nil
	}
	p.uids[uid] = r.Line
	who, err := p.house.imported(ctx, uid)
	if err != nil {
		return s, err
	}
	if who != "" {
		s.Fate, s.Status = Present, ""
		return s, nil
	}
	mine, err := p.mail(ctx, &s, r)
	if err != nil {
		return s, err
	}
	if mine {
		s.Fate, s.Status = Present, ""
		s.note("identity.imports.same_mail", map[string]any{"Mail": s.Mail})
		return s, nil
	}
	s.Handle, err = propose(r.UID, func(handle string) (bool, error) {
		if p.handles[handle] {
			return false, nil
		}
		taken, err := p.house.taken(ctx, handle)
		return !taken, err
	})
	if err != nil {
		return s, err
	}
	if s.Handle == "" {
		s.refuse("identity.imports.no_handle", nil)
		return s, nil
	}
	p.handles[s.Handle] = true
	s.Fate = New
	if s.Handle != uid {
		s.Fate = Renamed
		s.note("identity.imports.renamed", map[string]any{"Handle": s.Handle})
	}
	s.password(r.Hash)
	return s, nil
}

// mail takes the first address where it can; mine: somebody here has it already.
func (p *planner) mail(ctx context.Context, s *Step, r Record) (mine bool, err error) {
	if len(r.More) > 0 {
		s.note("identity.imports.more_mail", map[string]any{"Count": len(r.More)})
	}
	if r.Mail == "" {
		return false, nil
	}
	address, ok := addressOf(r.Mail)
	if !ok {
		s.note("identity.imports.bad_mail", map[string]any{"Mail": short(r.Mail)})
		return false, nil
	}
	if p.mails[address] {
		s.note("identity.imports.mail_twice", map[string]any{"Mail": address})
		return false, nil
	}
	who, err := p.house.mailOf(ctx, address)
	if err != nil {
		return false, err
	}
	p.mails[address] = true
	s.Mail = address
	return who != "", nil
}

// password takes the hash where it can be checked.
func (s *Step) password(hash string) {
	err := credential.CheckHash(hash)
	e, ok := errors.AsType[*core.Error](err)
	switch {
	case hash == "":
		s.note("identity.imports.no_password", nil)
	case err == nil:
		s.hash, s.Password = hash, true
	case ok && e.Key == "identity.credential.hash_locked":
		s.Status = person.Suspended
		s.note(e.Key, nil)
	case ok:
		s.note(e.Key, nil)
	}
}

func (s *Step) note(key string, args map[string]any) {
	s.Findings = append(s.Findings, Finding{s.Line, key, args})
}

func (s *Step) refuse(key string, args map[string]any) {
	s.Fate, s.Status = Refused, ""
	s.note(key, args)
}

// cut is a name as long as people's names are here.
func cut(s string) string {
	if r := []rune(s); len(r) > 100 {
		return string(r[:100])
	}
	return s
}

// sum counts the steps.
func (p *Plan) sum() {
	p.Counts, p.Invite = map[Fate]int{New: 0, Renamed: 0, Present: 0, Refused: 0}, 0
	for _, s := range p.Steps {
		p.Counts[s.Fate]++
		if (s.Fate == New || s.Fate == Renamed) && !s.Password && s.Status == person.Active {
			p.Invite++
		}
	}
}

// addressOf reads an address; ok is false for what is none.
func addressOf(s string) (address string, ok bool) {
	address, err := person.ParseMail(s)
	return address, err == nil
}
