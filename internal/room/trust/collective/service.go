package collective

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
)

// Book is what collectives need of the logbooks.
type Book interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Known(ctx context.Context) ([]logbook.Member, error)
	Roster(ctx context.Context) (logbook.Roster, error)
}

// Needs is what the collectives are wired with. Every field is required.
type Needs struct {
	DB      *db.DB
	Types   grant.Types // the promises this house knows
	Signer  seal.Signer
	Self    member.Address
	Book    Book
	Caller  member.Caller
	Now     func() time.Time
	Members *member.Service
	Tell    func(ctx context.Context, typ string, body any) error // as in member.Needs
}

// Service is the verbs about collectives, safe for concurrent use and from several
// processes over one database.
type Service struct {
	Needs
	computing sync.Mutex
	computed  computed
}

// New makes the service.
func New(n Needs) *Service { return &Service{Needs: n} }

var _ Book = (*logbook.Book)(nil)

func (s *Service) now() core.Moment { return core.At(s.Now()) }

func (s *Service) self() core.MemberID { return s.Self.Member }

// CharterDraft is what a person chooses when founding a collective.
type CharterDraft struct {
	Name, Text string
	Others     []core.MemberID // founders beside us
	Admit      int64           // 0 = 2, or 1 with a single founder
	Grants     []core.Grant
}

// Found writes and signs a charter and follows it. The other founders join it
// like everybody else; a founder counts from the moment its own logbook says so.
// Returns CodeInvalid for a charter nobody could follow.
func (s *Service) Found(ctx context.Context, d CharterDraft) (string, error) {
	c := Charter{
		V: 1, Name: d.Name, Text: d.Text, Founders: []member.Address{s.Self},
		Admit: d.Admit, Grants: d.Grants, Made: s.now(),
	}
	for _, id := range d.Others {
		m, err := s.Members.Added(ctx, id)
		if err != nil {
			return "", err
		}
		c.Founders = append(c.Founders, m.Address)
	}
	if c.Admit == 0 {
		c.Admit = min(defaultAdmit, int64(len(c.Founders)))
	}
	if err := c.Check(s.Types); err != nil {
		return "", err
	}
	id, doc, err := document.Sign(CharterType, c, s.Signer)
	if err != nil {
		return "", err
	}
	if _, err := OpenCharter(s.Types, doc, id, nil, true); err != nil {
		return "", err // too long once written
	}
	if err := s.putCharter(ctx, charterRow{id, doc}); err != nil {
		return "", err
	}
	return id, s.Tell(ctx, TypeCharter, charterBody{id, c.Admit, c.Grants})
}

// Join follows a charter heard of in a logbook. What it says is fetched and
// checked first; the person has read it. Joining twice changes nothing.
// Returns CodeNotFound, CodeUnsure while nobody who has it answers.
func (s *Service) Join(ctx context.Context, id string) (Collective, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return c, err
	}
	if slices.Contains(c.Joined, s.self()) {
		return c, nil
	}
	if err := s.Tell(ctx, TypeJoin, joinBody{c.ID}); err != nil {
		return c, err
	}
	return s.Get(ctx, c.ID)
}

// Leave stops following a charter. Returns CodeNotFound where we do not follow
// it.
func (s *Service) Leave(ctx context.Context, id string) error {
	c, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	if !slices.Contains(c.Joined, s.self()) {
		return core.NotFound("trust.not_joined", fmt.Errorf("we do not follow %s", document.Short(c.ID))).With("ID", document.Short(c.ID))
	}
	return s.Tell(ctx, TypeLeave, joinBody{c.ID})
}

// List lists the collectives whose charter is here.
func (s *Service) List(ctx context.Context) ([]Collective, error) {
	rows, err := charters(ctx, s.DB)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	base, err := s.society(ctx)
	if err != nil {
		return nil, err
	}
	all, err := joins(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	out := make([]Collective, 0, len(rows))
	for _, row := range rows {
		c := base
		c.ID = row.ID
		if err := document.Payload(row.Doc, &c.Charter); err != nil {
			return nil, fmt.Errorf("charter %s: %w", document.Short(row.ID), err)
		}
		for _, j := range all {
			if j.Charter == row.ID {
				c.Joined = append(c.Joined, j.By)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// society is what admission depends on beside the charter.
func (s *Service) society(ctx context.Context) (Collective, error) {
	list, err := member.All(ctx, s.DB)
	if err != nil {
		return Collective{}, err
	}
	roots := map[core.MemberID]core.RootKey{s.self(): s.Self.Root}
	barred := map[core.MemberID]bool{}
	known, err := s.Book.Known(ctx)
	if err != nil {
		return Collective{}, err
	}
	met := map[core.MemberID]bool{}
	for _, m := range list {
		met[m.ID()] = m.Standing != member.Asked
	}
	for _, log := range known {
		if met[log.ID] {
			roots[log.ID], barred[log.ID] = log.Root, log.State == logbook.Suspended
		}
	}
	all, err := member.Vouches(ctx, s.DB)
	return Collective{
		Vouches: all,
		Barred:  func(id core.MemberID) bool { return barred[id] },
		Root:    func(id core.MemberID) core.RootKey { return roots[id] },
	}, err
}

// Heard lists the collectives logbooks speak of and who follows them, also those
// whose charter is not here.
func (s *Service) Heard(ctx context.Context) (map[string][]core.MemberID, error) {
	all, err := joins(ctx, s.DB)
	out := map[string][]core.MemberID{}
	for _, j := range all {
		out[j.Charter] = append(out[j.Charter], j.By)
	}
	return out, err
}

// Views lists every collective heard of, by id.
func (s *Service) Views(ctx context.Context) ([]View, error) {
	list, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	heard, err := s.Heard(ctx)
	if err != nil {
		return nil, err
	}
	out := []View{}
	for _, c := range list {
		out = append(out, c.View(s.self()))
		delete(heard, c.ID)
	}
	for id, followers := range heard {
		out = append(out, View{
			ID: id, Joined: followers, We: slices.Contains(followers, s.self()), Admitted: []AdmissionView{},
		})
	}
	slices.SortFunc(out, func(a, b View) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Get reads one by its id or the unique beginning of it, fetching its
// charter where only logbooks speak of it. Returns CodeNotFound, CodeInvalid for
// a beginning several share, CodeUnsure while nobody who has it answers.
func (s *Service) Get(ctx context.Context, prefix string) (Collective, error) {
	id, err := s.charterID(ctx, prefix)
	if err != nil {
		return Collective{}, err
	}
	if _, err := charterByID(ctx, s.DB, id); core.CodeOf(err) == core.CodeNotFound {
		if err := s.FetchCharter(ctx, id); err != nil {
			return Collective{}, err
		}
	}
	list, err := s.List(ctx)
	if err != nil {
		return Collective{}, err
	}
	for _, c := range list {
		if c.ID == id {
			return c, nil
		}
	}
	return Collective{}, noCharter(id)
}

func (s *Service) charterID(ctx context.Context, prefix string) (string, error) {
	heard, err := s.Heard(ctx)
	if err != nil {
		return "", err
	}
	rows, err := charters(ctx, s.DB)
	if err != nil {
		return "", err
	}
	for _, row := range rows {
		heard[row.ID] = nil
	}
	var found []string
	for id := range heard {
		if document.IDPrefix.MatchString(prefix) && id[:min(len(prefix), len(id))] == prefix {
			found = append(found, id)
		}
	}
	switch len(found) {
	case 0:
		return "", noCharter(prefix)
	case 1:
		return found[0], nil
	}
	return "", core.Invalid("trust.which_charter", fmt.Errorf("several charters begin with %q", prefix)).With("ID", prefix)
}

// FetchCharter gets a charter from whoever follows it, checks that it is the one
// with that id and that a founder signed it, and keeps it. Returns CodeUnsure
// while nobody who has it answers.
func (s *Service) FetchCharter(ctx context.Context, id string) error {
	heard, err := s.Heard(ctx)
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(heard[id]), func(m core.MemberID) bool { return m == s.self() })
	// Side by side: one that is slow does not hide the next.
	ask, stop := context.WithCancel(ctx)
	defer stop()
	type answer struct {
		doc seal.Envelope
		err error
	}
	answers := make(chan answer, len(others))
	for _, from := range others {
		go func() {
			var a answer
			a.err = s.Caller.JSON(ask, from, http.MethodGet, pathCharters+"/"+id, nil, &a.doc)
			answers <- a
		}()
	}
	last := errors.New("nobody we follow has it")
	for range others {
		a := <-answers
		if last = a.err; last != nil {
			continue
		}
		if last = s.acceptCharter(ctx, id, a.doc, heard[id]); last == nil {
			return nil
		}
	}
	return core.Unsure("trust.charter_unreachable", last).With("ID", document.Short(id))
}

// acceptCharter keeps a charter after checking it; followers are the logbooks
// that name it.
func (s *Service) acceptCharter(ctx context.Context, id string, doc seal.Envelope, followers []core.MemberID) error {
	var c Charter
	if err := document.Payload(doc, &c); err != nil {
		return err
	}
	keys, logged := document.Keys{}, false
	for _, f := range c.Founders[:min(len(c.Founders), member.MaxVouches)] {
		known, err := s.Book.Member(ctx, f.Member)
		if err != nil || known.Root != f.Root {
			continue // a founder we do not know proves nothing to us
		}
		logged = logged || slices.Contains(followers, f.Member)
		if known, err := s.Book.Keys(ctx, f.Member); err == nil {
			keys[f.Member] = known
		}
	}
	if _, err := OpenCharter(s.Types, doc, id, keys, logged); err != nil {
		return err
	}
	return s.putCharter(ctx, charterRow{id, doc})
}

// putCharter stores a charter that was checked.
func (s *Service) putCharter(ctx context.Context, c charterRow) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return putCharter(ctx, q, c, s.now()) })
}

// CharterDoc is a charter as its founders signed it, for anybody. Returns
// CodeNotFound.
func (s *Service) CharterDoc(ctx context.Context, id string) (seal.Envelope, error) {
	row, err := charterByID(ctx, s.DB, id)
	return row.Doc, err
}

// Introduced lists the members admitted to a collective we follow, and its founders
// as if we vouched for them.
func (s *Service) Introduced(ctx context.Context) (admitted []core.MemberID, founders []member.Vouch, err error) {
	all, err := s.List(ctx)
	for _, c := range all {
		if !slices.Contains(c.Joined, s.self()) {
			continue
		}
		for _, a := range c.Admissions() {
			if a.Admitted {
				admitted = append(admitted, a.Member)
			}
		}
		for _, f := range c.Charter.Founders {
			founders = append(founders, member.Vouch{By: s.self(), For: f, Since: c.Charter.Made})
		}
	}
	return admitted, founders, err
}
