package trust

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

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
		V: 1, Name: d.Name, Text: d.Text, Founders: []Address{s.Self},
		Admit: d.Admit, Grants: d.Grants, Made: s.now(),
	}
	for _, id := range d.Others {
		m, err := s.added(ctx, id)
		if err != nil {
			return "", err
		}
		c.Founders = append(c.Founders, m.Address)
	}
	if c.Admit == 0 {
		c.Admit = min(defaultAdmit, int64(len(c.Founders)))
	}
	if err := c.Check(); err != nil {
		return "", err
	}
	id, doc, err := sign(CharterType, c, s.Signer)
	if err != nil {
		return "", err
	}
	if _, err := OpenCharter(doc, id, nil, true); err != nil {
		return "", err // too long once written
	}
	if err := putCharter(ctx, s.DB, charterRow{id, doc}, c.Made); err != nil {
		return "", err
	}
	return id, s.Tell(ctx, typeCharter, charterBody{id, c.Admit, c.Grants})
}

// Join follows a charter heard of in a logbook. What it says is fetched and
// checked first; the person has read it. Joining twice changes nothing.
// Returns CodeNotFound, CodeUnsure while nobody who has it answers.
func (s *Service) Join(ctx context.Context, id string) (Collective, error) {
	c, err := s.Collective(ctx, id)
	if err != nil {
		return c, err
	}
	if slices.Contains(c.Joined, s.self()) {
		return c, nil
	}
	if err := s.Tell(ctx, typeJoin, joinBody{c.ID}); err != nil {
		return c, err
	}
	return s.Collective(ctx, c.ID)
}

// Leave stops following a charter. Returns CodeNotFound where we do not follow
// it.
func (s *Service) Leave(ctx context.Context, id string) error {
	c, err := s.Collective(ctx, id)
	if err != nil {
		return err
	}
	if !slices.Contains(c.Joined, s.self()) {
		return core.NotFound("trust.not_joined", fmt.Errorf("we do not follow %s", short(c.ID))).With("ID", short(c.ID))
	}
	return s.Tell(ctx, typeLeave, joinBody{c.ID})
}

// Collectives lists the collectives whose charter is here.
func (s *Service) Collectives(ctx context.Context) ([]Collective, error) {
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
		if err := payloadOf(row.Doc, &c.Charter); err != nil {
			return nil, fmt.Errorf("charter %s: %w", short(row.ID), err)
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
	list, err := members(ctx, s.DB)
	if err != nil {
		return Collective{}, err
	}
	roots := map[core.MemberID]core.RootKey{s.self(): s.Self.Root}
	barred := map[core.MemberID]bool{}
	for _, m := range list {
		if m.Standing == Asked {
			continue
		}
		log, err := s.Book.Member(ctx, m.ID())
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return Collective{}, err
		}
		roots[m.ID()] = log.Root
		barred[m.ID()] = log.State == logbook.Suspended
	}
	all, err := vouches(ctx, s.DB)
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

// CollectiveViews lists every collective heard of, by id.
func (s *Service) CollectiveViews(ctx context.Context) ([]CollectiveView, error) {
	list, err := s.Collectives(ctx)
	if err != nil {
		return nil, err
	}
	heard, err := s.Heard(ctx)
	if err != nil {
		return nil, err
	}
	out := []CollectiveView{}
	for _, c := range list {
		out = append(out, c.View(s.self()))
		delete(heard, c.ID)
	}
	for id, followers := range heard {
		out = append(out, CollectiveView{
			ID: id, Joined: followers, We: slices.Contains(followers, s.self()), Admitted: []AdmissionView{},
		})
	}
	slices.SortFunc(out, func(a, b CollectiveView) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

// Collective reads one by its id or the unique beginning of it, fetching its
// charter where only logbooks speak of it. Returns CodeNotFound, CodeInvalid for
// a beginning several share, CodeUnsure while nobody who has it answers.
func (s *Service) Collective(ctx context.Context, prefix string) (Collective, error) {
	id, err := s.charterID(ctx, prefix)
	if err != nil {
		return Collective{}, err
	}
	if _, err := charter(ctx, s.DB, id); core.CodeOf(err) == core.CodeNotFound {
		if err := s.fetchCharter(ctx, id); err != nil {
			return Collective{}, err
		}
	}
	list, err := s.Collectives(ctx)
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
		if idPrefix.MatchString(prefix) && id[:min(len(prefix), len(id))] == prefix {
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

// fetchCharter gets a charter from whoever follows it, checks that it is the one
// with that id and that a founder signed it, and keeps it. Returns CodeUnsure
// while nobody who has it answers.
func (s *Service) fetchCharter(ctx context.Context, id string) error {
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
		if last = s.takeCharter(ctx, id, a.doc, heard[id]); last == nil {
			return nil
		}
	}
	return core.Unsure("trust.charter_unreachable", last).With("ID", short(id))
}

// takeCharter keeps a charter after checking it; followers are the logbooks
// that name it.
func (s *Service) takeCharter(ctx context.Context, id string, doc seal.Envelope, followers []core.MemberID) error {
	var c Charter
	if err := payloadOf(doc, &c); err != nil {
		return err
	}
	keys, logged := Keys{}, false
	for _, f := range c.Founders[:min(len(c.Founders), maxVouches)] {
		known, err := s.Book.Member(ctx, f.Member)
		if err != nil || known.Root != f.Root {
			continue // a founder we do not know proves nothing to us
		}
		logged = logged || slices.Contains(followers, f.Member)
		if known, err := s.Book.Keys(ctx, f.Member); err == nil {
			keys[f.Member] = known
		}
	}
	if _, err := OpenCharter(doc, id, keys, logged); err != nil {
		return err
	}
	return putCharter(ctx, s.DB, charterRow{id, doc}, s.now())
}

// CharterDoc is a charter as its founders signed it, for anybody. Returns
// CodeNotFound.
func (s *Service) CharterDoc(ctx context.Context, id string) (seal.Envelope, error) {
	row, err := charter(ctx, s.DB, id)
	return row.Doc, err
}

// Settle follows whoever the members we trust vouch for, and the founders of the
// collectives we follow, and stops following those nobody vouches for any more.
//
// spec: docs/spec/trust.md#following
func (s *Service) Settle(ctx context.Context) error {
	list, err := members(ctx, s.DB)
	if err != nil {
		return err
	}
	wanted, err := s.wanted(ctx, list)
	if err != nil {
		return err
	}
	var problems []error
	for _, m := range list {
		if m.Standing != Met || m.Refused {
			continue
		}
		i := slices.IndexFunc(wanted, func(a Address) bool { return a.Member == m.ID() })
		if i < 0 || wanted[i].Root != m.Root {
			problems = append(problems, s.drop(ctx, m.ID()))
		} else {
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	for _, a := range wanted {
		if err := s.meet(ctx, a); err != nil {
			problems = append(problems, fmt.Errorf("follow %s: %w", a.Member, err))
		}
	}
	return errors.Join(problems...)
}

func (s *Service) meet(ctx context.Context, a Address) error {
	if err := s.Follower.Follow(ctx, a.Member, a.URL, a.Root); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		m, err := s.pinned(ctx, q, a)
		if err != nil || m.Standing == Added {
			return err
		}
		return putMember(ctx, q, Member{Address: a, Standing: Met, Refused: m.Refused, Since: s.now()})
	})
}

// wanted is who should be followed for no other reason than a vouch.
func (s *Service) wanted(ctx context.Context, list []Member) ([]Address, error) {
	trusted := map[core.MemberID]bool{s.self(): true}
	settled := map[core.MemberID]bool{s.self(): true}
	for _, m := range list {
		trusted[m.ID()] = m.Standing == Added && !m.Refused
		settled[m.ID()] = m.Standing == Added || m.Refused
	}
	admitted, founders, err := s.Introduced(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := vouches(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	for _, id := range admitted {
		trusted[id] = true
	}
	claims = append(claims, founders...)
	claims = slices.DeleteFunc(claims, func(v Vouch) bool { return settled[v.For.Member] })
	return Meetings(claims, func(id core.MemberID) bool { return trusted[id] }, maxMet), nil
}

// introduced lists the members admitted to a collective we follow, and its founders
// as if we vouched for them.
func (s *Service) introduced(ctx context.Context) (admitted []core.MemberID, founders []Vouch, err error) {
	all, err := s.Collectives(ctx)
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
			founders = append(founders, Vouch{By: s.self(), For: f, Since: c.Charter.Made})
		}
	}
	return admitted, founders, err
}
