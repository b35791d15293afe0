package person

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

const (
	maxName = 100 // characters
	maxPage = 500
	// maxSame is how many homes whose names shorten alike get a handle for one name.
	maxSame = 50
)

// Service makes, finds and changes people.
type Service struct {
	DB  *db.DB
	Now func() time.Time
}

// New is what somebody gives to get an account.
type New struct {
	Handle string // as typed
	Name   string
	Lang   string // "fr" or "en"; empty = "fr"
	// Mail is an address that was verified before; empty = none.
	Mail   string
	Choice Choice // empty = Archive
	Status Status // empty = Active
}

// Create makes a person of ours. Returns what ParseHandle, ParseMail and ParseChoice do,
// CodeInvalid "identity.person.name", CodeConflict "identity.person.handle_taken" for a
// handle that anybody ever had, CodeConflict "identity.person.mail_taken".
func (s *Service) Create(ctx context.Context, n New) (p Person, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err = Create(ctx, q, n, core.At(s.Now()))
		return err
	})
	return p, err
}

// Create is Service.Create within a transaction of the caller's.
func Create(ctx context.Context, q db.Querier, n New, now core.Moment) (Person, error) {
	p, err := n.person(now)
	if err != nil {
		return p, err
	}
	taken, err := takeHandle(ctx, q, p.Handle, p.ID, now)
	if err != nil {
		return p, err
	}
	if !taken {
		return p, core.Conflict("identity.person.handle_taken", errors.New("the handle was given before")).With("Handle", p.Handle)
	}
	if err := freeMail(ctx, q, p.Mail, p.ID); err != nil {
		return p, err
	}
	return p, insert(ctx, q, p)
}

func (n New) person(now core.Moment) (p Person, err error) {
	p = Person{ID: NewID(), Lang: n.Lang, Kind: Local, Status: n.Status, Made: now}
	if p.Status == "" {
		p.Status = Active
	}
	if p.Handle, err = ParseHandle(n.Handle); err != nil {
		return p, err
	}
	if p.Name, err = ParseName(n.Name); err != nil {
		return p, err
	}
	if n.Mail != "" {
		if p.Mail, err = ParseMail(n.Mail); err != nil {
			return p, err
		}
	}
	if p.Choice, err = ParseChoice(string(n.Choice)); err != nil {
		return p, err
	}
	p.Lang, err = parseLang(n.Lang)
	return p, err
}

// CreateVisitor makes a person here of a member's person. Homes whose names shorten alike
// (a-b.test, a.b-test) cannot both have `alice.a-b-test`: the second is
// `alice.a-b-test-2`. Returns CodeInvalid "identity.person.handle".
func CreateVisitor(ctx context.Context, q db.Querier, handle string, home core.MemberID, now core.Moment) (Person, error) {
	p := Person{ID: NewID(), Lang: "fr", Kind: Visitor, Status: Active, Choice: Archive, Made: now}
	first, err := VisitorHandle(handle, home)
	if err != nil {
		return p, err
	}
	for i := 1; i <= maxSame; i++ {
		p.Handle = first
		if i > 1 {
			p.Handle = fmt.Sprintf("%s-%d", first, i)
		}
		taken, err := takeHandle(ctx, q, p.Handle, p.ID, now)
		if err != nil {
			return p, err
		}
		if taken {
			return p, insert(ctx, q, p)
		}
	}
	return p, core.Conflict("identity.person.handle_taken", errors.New("too many of one name")).With("Handle", first)
}

// Get finds a person by id. Returns CodeNotFound "identity.person.none".
func (s *Service) Get(ctx context.Context, id ID) (Person, error) { return Get(ctx, s.DB, id) }

// Get is Service.Get within a transaction of the caller's.
func Get(ctx context.Context, q db.Querier, id ID) (Person, error) {
	return one(ctx, q, `id = $1`, string(id))
}

// Find finds a person by what people type: the handle, or the verified address. Returns
// CodeNotFound "identity.person.none".
func (s *Service) Find(ctx context.Context, text string) (Person, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	if !strings.Contains(text, "@") {
		return one(ctx, s.DB, `handle = $1`, text)
	}
	address, err := ParseMail(text)
	if err != nil {
		return Person{}, core.NotFound("identity.person.none", err)
	}
	return one(ctx, s.DB, `mail = $1`, address)
}

// Filter is what List shows.
type Filter struct {
	After  string // the last handle of the page before
	Part   string // of handle, name or mail; empty = all
	Status Status // empty = all
	Not    Status // leaves those out; empty = none
	Kind   Kind   // empty = all
	Limit  int    // 0 or more than 500 = 500
}

// List lists people in the order of their handles.
func (s *Service) List(ctx context.Context, f Filter) ([]Person, error) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	if f.Part == "" {
		return page(ctx, s.DB, f)
	}
	var out []Person
	for some := f; ; {
		some.Limit = maxPage
		found, err := page(ctx, s.DB, some)
		for _, p := range found {
			if some.After = p.Handle; f.has(p) {
				out = append(out, p)
			}
			if len(out) == f.Limit {
				return out, nil
			}
		}
		if err != nil || len(found) < maxPage {
			return out, err
		}
	}
}

// Count says how many people there are.
func (s *Service) Count(ctx context.Context) (Counts, error) { return counts(ctx, s.DB) }

// Admins are the active people with the role of admin, by handle.
func (s *Service) Admins(ctx context.Context) ([]Person, error) { return activeAdmins(ctx, s.DB) }

// Change reads a person, has fn change the copy, and writes it: name, lang, status, mail,
// choice and roles; anything else that fn changes is left as it was. Nobody else changes
// the person meanwhile. Returns fn's error, the errors of Create,
// CodeConflict "identity.person.closed" for who has left, and CodeConflict
// "identity.person.last_admin" when no active admin would be left of those there were.
func (s *Service) Change(ctx context.Context, id ID, fn func(p *Person) error) (p Person, err error) {
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err = Change(ctx, q, id, fn)
		return err
	})
	return p, err
}

// Change is Service.Change within a transaction of the caller's.
func Change(ctx context.Context, q db.Querier, id ID, fn func(p *Person) error) (Person, error) {
	p, err := Get(ctx, q, id)
	if err != nil {
		return p, err
	}
	if p.Status == Closed {
		return p, core.Conflict("identity.person.closed", errors.New("has left"))
	}
	was := p
	if err := fn(&p); err != nil {
		return was, err
	}
	p.ID, p.Handle, p.Kind, p.Made, p.Ended = was.ID, was.Handle, was.Kind, was.Made, was.Ended
	if err := p.check(ctx, q); err != nil {
		return was, err
	}
	if err := update(ctx, q, p); err != nil {
		return was, err
	}
	return p, keepAdmin(ctx, q, was, p)
}

// Close ends an account: name, address and roles are emptied, id and handle stay taken.
// It is not undone. Returns CodeNotFound, CodeConflict "identity.person.last_admin".
func Close(ctx context.Context, q db.Querier, id ID, now core.Moment) (Person, error) {
	p, err := Get(ctx, q, id)
	if err != nil || p.Status == Closed {
		return p, err
	}
	was := p
	p.Name, p.Mail, p.Roles, p.Status, p.Ended = "", "", nil, Closed, now
	if err := update(ctx, q, p); err != nil {
		return p, err
	}
	return p, keepAdmin(ctx, q, was, p)
}

// check holds a changed person against the rules.
func (p *Person) check(ctx context.Context, q db.Querier) (err error) {
	if p.Name, err = ParseName(p.Name); err != nil {
		return err
	}
	if p.Lang, err = parseLang(p.Lang); err != nil {
		return err
	}
	if p.Choice, err = ParseChoice(string(p.Choice)); err != nil {
		return err
	}
	if p.Kind == Visitor && len(p.Roles) > 0 {
		return core.Denied("identity.person.visitor_role", errors.New("a visitor has no role here"))
	}
	if p.Mail == "" {
		return nil
	}
	if p.Mail, err = ParseMail(p.Mail); err != nil {
		return err
	}
	return freeMail(ctx, q, p.Mail, p.ID)
}

func freeMail(ctx context.Context, q db.Querier, address string, id ID) error {
	if address == "" {
		return nil
	}
	has, err := one(ctx, q, `mail = $1`, address)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return nil
	case err == nil && has.ID != id:
		return core.Conflict("identity.person.mail_taken", errors.New("another account has it"))
	default:
		return err
	}
}

// keepAdmin refuses a change by which the last active admin would be gone.
func keepAdmin(ctx context.Context, q db.Querier, was, is Person) error {
	if !was.Is(Admin) || is.Is(Admin) {
		return nil
	}
	left, err := admins(ctx, q)
	if err == nil && left == 0 {
		return core.Conflict("identity.person.last_admin", errors.New("no admin would be left"))
	}
	return err
}

// ParseName reads a name of a person or a group: printable, at most 100 characters; empty =
// none. Returns CodeInvalid "identity.person.name".
func ParseName(s string) (string, error) {
	s = strings.TrimSpace(s)
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxName || strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) >= 0 {
		return "", core.Invalid("identity.person.name", errors.New("not printable, or too long"))
	}
	return s, nil
}

func parseLang(s string) (string, error) {
	switch s {
	case "":
		return "fr", nil
	case "fr", "en":
		return s, nil
	default:
		return "", core.Invalid("identity.person.lang", errors.New("neither fr nor en"))
	}
}
