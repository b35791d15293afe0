package pact

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/task"
)

// maxOpenWith is how many proposals between us and one member may wait.
const maxOpenWith = 20

// Book is what pacts need of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	KeySet(ctx context.Context, id core.MemberID) (logbook.KeySet, seal.Envelope, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Needs is what the pacts are wired with. Everything but Card and Limits is required.
type Needs struct {
	DB     *db.DB
	Types  grant.Types // the promises this house knows
	Signer seal.Signer
	Self   member.Address
	Card   Card // defaults of what we say of ourselves
	// Limits are lines of what we say today that we cannot do, for cards that name none; nil =
	// none.
	Limits  func(ctx context.Context) ([]string, error)
	Book    Book
	Caller  member.Caller
	Now     func() time.Time
	Members *member.Service
	Tasks   *task.Queue // tries what is to be told until it worked
}

// Service is the verbs about pacts, safe for concurrent use and from several
// processes over one database.
type Service struct{ Needs }

// New makes the service.
func New(n Needs) *Service { return &Service{n} }

var _ Book = (*logbook.Book)(nil)

func (s *Service) now() core.Moment { return core.At(s.Now()) }

func (s *Service) self() core.MemberID { return s.Self.Member }

// Terms is what a person chooses when proposing a pact.
type Terms struct {
	Give, Ask  []core.Grant
	Card       Card  // over the defaults
	NoticeDays int64 // 0 = 90
	Review     string
	Purpose    string
}

// Propose writes, signs and sends a pact; what cannot be delivered now is tried
// again. Returns CodeNotFound for a member not added, CodeInvalid for terms that
// make no pact, CodeConflict with too many proposals open.
func (s *Service) Propose(ctx context.Context, to core.MemberID, t Terms) (Record, error) {
	m, err := s.Members.Added(ctx, to)
	if err != nil {
		return Record{}, err
	}
	if m.Refused {
		return Record{}, core.Conflict("trust.refused_here", fmt.Errorf("%s is refused", to)).With("Member", to)
	}
	card, err := s.fill(ctx, t.Card)
	if err != nil {
		return Record{}, err
	}
	now := s.now()
	p := Pact{
		V: 1, Terms: termsV1, Nonce: document.NewCode(), Made: now, OpenUntil: now.Add(defaultOpen),
		Proposer: Party{Address: s.Self, Grants: t.Give, Card: card},
		Accepter: Party{Address: m.Address, Grants: t.Ask},
		Purpose:  t.Purpose, Review: t.Review, NoticeDays: t.NoticeDays,
	}
	if p.NoticeDays == 0 {
		p.NoticeDays = defaultNotice
	}
	if err := p.Check(s.Types); err != nil {
		return Record{}, err
	}
	row := stored{Peer: to, Made: now}
	if row.ID, row.Offer.Pact, err = document.Sign(Type, p, s.Signer); err != nil {
		return Record{}, err
	}
	if err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := s.roomForOne(ctx, q, to); err != nil {
			return err
		}
		if err := put(ctx, q, row); err != nil {
			return err
		}
		return task.Put(ctx, q, task.Task{Kind: task.Offer, Subject: row.ID, Peer: to, Made: now})
	}); err != nil {
		return Record{}, err
	}
	s.Tasks.Attempt(ctx, task.Offer, row.ID)
	return s.Get(ctx, row.ID)
}

// fill is a card with our defaults and, where it names no limits, those of today.
func (s *Service) fill(ctx context.Context, card Card) (Card, error) {
	card = card.Over(s.Card)
	if card.Limits != "" || s.Limits == nil {
		return card, nil
	}
	lines, err := s.Limits(ctx)
	if err != nil {
		return card, err
	}
	for _, l := range lines {
		if len(card.Limits)+1+len(l) <= document.MaxProse {
			card.Limits = document.TidyProse(card.Limits + "\n" + l)
		}
	}
	return card, nil
}

func (s *Service) roomForOne(ctx context.Context, q db.Querier, peer core.MemberID) error {
	open, err := openProposals(ctx, q, peer)
	if err == nil && open >= maxOpenWith {
		err = core.Conflict("trust.many_proposals", fmt.Errorf("%d proposals with %s wait", open, peer)).With("Member", peer)
	}
	return err
}

// Signable reads a pact that Accept would sign, or has signed already. Returns
// CodeConflict when it is closed, or was ours.
func (s *Service) Signable(ctx context.Context, id string) (Record, error) {
	_, h, err := s.find(ctx, s.DB, id)
	if err != nil {
		return Record{}, err
	}
	return h, s.signable(h)
}

func (s *Service) signable(h Record) error {
	mine, theirs := h.Side(s.self())
	if h.Pact.Accepter.Member != mine.Member {
		return core.Conflict("trust.own_proposal", fmt.Errorf("pact %s is our own proposal", h.ID)).With("Member", theirs.Member)
	}
	if state := h.State(s.now()); state != Proposed && state != Active {
		return pactClosed(h.ID)
	}
	return nil
}

// Accept signs a proposal made to us and sends it back. From here on it is in
// force. Returns CodeConflict when it is closed, or was ours.
func (s *Service) Accept(ctx context.Context, id string, card Card) (Record, error) {
	card, err := s.fill(ctx, card)
	if err != nil {
		return Record{}, err
	}
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		row, h, err := s.find(ctx, q, id)
		if err != nil {
			return err
		}
		if err := s.signable(h); err != nil {
			return err
		}
		id = row.ID
		if h.State(s.now()) == Active {
			return nil
		}
		a := Acceptance{V: 1, Pact: row.ID, Accepter: s.self(), Card: card, At: s.now()}
		if err := a.Check(row.ID, h.Pact); err != nil {
			return err
		}
		row.Offer.Acceptance = &seal.Envelope{}
		if _, *row.Offer.Acceptance, err = document.Sign(AcceptType, a, s.Signer); err != nil {
			return err
		}
		if err := row.Offer.Pact.AddSignature(s.Signer); err != nil {
			return err
		}
		return s.putSigned(ctx, q, row, task.Answer)
	})
	if err != nil {
		return Record{}, err
	}
	s.Tasks.Attempt(ctx, task.Answer, id)
	s.Tasks.Attempt(ctx, task.LogPact, id)
	return s.Get(ctx, id)
}

// putSigned keeps a pact that just came into force and notes what follows.
func (s *Service) putSigned(ctx context.Context, q db.Querier, row stored, also ...task.Kind) error {
	row.Signed = s.now()
	if err := put(ctx, q, row); err != nil {
		return err
	}
	for _, kind := range append(also, task.LogPact) {
		if err := task.Put(ctx, q, task.Task{Kind: kind, Subject: row.ID, Peer: row.Peer, Made: s.now()}); err != nil {
			return err
		}
	}
	return nil
}

// Close declines, withdraws or ends a pact, whatever its state makes of it, and
// tells the other party. Rights end at once; a pact that was in force stays
// readable through its notice. Closing twice changes nothing.
func (s *Service) Close(ctx context.Context, id string) (Record, error) {
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		row, _, err := s.find(ctx, q, id)
		if err != nil {
			return err
		}
		id = row.ID
		if row.Closed != 0 {
			return nil
		}
		row.Closed, row.ClosedBy = s.now(), s.self()
		if err := s.putClosed(ctx, q, row); err != nil {
			return err
		}
		return task.Put(ctx, q, task.Task{Kind: task.Close, Subject: row.ID, Peer: row.Peer, Made: s.now()})
	})
	if err != nil {
		return Record{}, err
	}
	s.Tasks.Attempt(ctx, task.Close, id)
	s.Tasks.Attempt(ctx, task.LogEnd, id)
	return s.Get(ctx, id)
}

// putClosed keeps a closed pact; the end of one that was in force goes into our
// logbook too.
func (s *Service) putClosed(ctx context.Context, q db.Querier, row stored) error {
	if err := put(ctx, q, row); err != nil {
		return err
	}
	for _, kind := range []task.Kind{task.Offer, task.Answer} {
		if err := task.Drop(ctx, q, task.Task{Kind: kind, Subject: row.ID}); err != nil {
			return err
		}
	}
	if row.Signed == 0 {
		return nil
	}
	return task.Put(ctx, q, task.Task{Kind: task.LogEnd, Subject: row.ID, Peer: row.Peer, Made: s.now()})
}

// Receive takes in what a member sends about a pact, checks every signature and
// answers the pact as we hold it now. The same offer may come any number of
// times. Returns CodeDenied for a stranger, a forged signature or somebody
// else's pact, CodeConflict for a pact that is closed.
func (s *Service) Receive(ctx context.Context, from core.MemberID, o Offer) (Offer, error) {
	peer, err := s.partner(ctx, from)
	if err != nil {
		return Offer{}, err
	}
	keys, err := s.everKeys(ctx, s.self()) // what we proposed, we may have signed with an earlier key
	if err != nil {
		return Offer{}, err
	}
	if keys[from], err = s.Book.Keys(ctx, from); err != nil {
		return Offer{}, err
	}
	in, err := o.Open(s.Types, keys)
	if err != nil {
		return Offer{}, err
	}
	if err := ours(s.Self, in.Pact, peer.Address); err != nil {
		return Offer{}, err
	}
	var out Offer
	var signed bool
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		var err error
		out, signed, err = s.merge(ctx, q, from, o, in)
		return err
	})
	if err == nil && signed {
		s.Tasks.Attempt(ctx, task.LogPact, in.ID)
	}
	return out, err
}

// partner reads a member that may deal in pacts with us. Returns CodeDenied.
func (s *Service) partner(ctx context.Context, id core.MemberID) (member.Member, error) {
	m, err := s.Members.Added(ctx, id)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return m, core.Denied("trust.not_added", err).With("Member", s.self())
	case err != nil:
		return m, err
	case m.Refused:
		return m, core.Denied("trust.refused", fmt.Errorf("%s is refused", id)).With("Member", s.self())
	}
	return m, nil
}

// everKeys collects the keys members sign or ever signed with. Use it only for a
// document whose text is proved otherwise: a revoked key may be in wrong hands.
func (s *Service) everKeys(ctx context.Context, ids ...core.MemberID) (document.Keys, error) {
	out := document.Keys{}
	for _, id := range ids {
		set, _, err := s.Book.KeySet(ctx, id)
		if err != nil {
			return nil, err
		}
		for _, k := range set.Keys {
			out[id] = append(out[id], k.Public())
		}
	}
	return out, nil
}

// reclaim takes a lost pact back from its other party. Our own logbook says that
// it came into force and names its hash, so keys that were revoked since will do. One that
// ended comes back ended.
func (s *Service) reclaim(ctx context.Context, id string, from core.MemberID, o Offer) error {
	peer, err := s.Members.Added(ctx, from)
	if err != nil {
		return err
	}
	keys, err := s.everKeys(ctx, from, s.self())
	if err != nil {
		return err
	}
	in, err := o.Open(s.Types, keys)
	if err != nil {
		return err
	}
	if in.ID != id || in.Accept == nil {
		return unknownPact(id)
	}
	if err := ours(s.Self, in.Pact, peer.Address); err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		row, err := byID(ctx, q, id)
		if err != nil && core.CodeOf(err) != core.CodeNotFound || err == nil && row.known() {
			return err
		}
		// Our logbook may have told that it ended: then its text says until when.
		back := stored{ID: id, Peer: from, Made: in.Pact.Made, Offer: o, Signed: s.now(), Closed: row.Closed, ClosedBy: row.ClosedBy}
		if back.Closed != 0 {
			back.Signed = min(back.Signed, back.Closed)
		}
		return put(ctx, q, back)
	})
}

// ours checks that a pact is between us and the sender, each under its pinned
// root key.
func ours(self member.Address, p Pact, peer member.Address) error {
	h := Record{Pact: p}
	mine, theirs := h.Side(self.Member)
	if mine.Member != self.Member || mine.Root != self.Root || theirs.Member != peer.Member || theirs.Root != peer.Root {
		return core.Denied("trust.not_party", errors.New("the pact is not between us and the sender"))
	}
	return nil
}

// merge brings what came together with what is held, and says whether the pact
// came into force by it.
func (s *Service) merge(ctx context.Context, q db.Querier, from core.MemberID, o Offer, in Opened) (Offer, bool, error) {
	row, err := byID(ctx, q, in.ID)
	unknown := core.CodeOf(err) == core.CodeNotFound
	switch {
	case unknown && in.Accept == nil:
		return s.putProposal(ctx, q, from, o, in)
	case unknown:
		// Both signatures are good, so we signed this once; but it may be something
		// we withdrew. What came into force, our own logbook names: see reclaim.
		return Offer{}, false, unknownPact(in.ID)
	case err != nil:
		return Offer{}, false, err
	case row.known() && (in.Accept == nil || row.Signed != 0):
		return row.Offer, false, nil // nothing new
	case in.Accept == nil:
		return Offer{}, false, pactClosed(in.ID)
	default:
		h := Record{ID: in.ID, Pact: in.Pact, Closed: row.Closed, ClosedBy: row.ClosedBy}
		if _, err := h.Accept(*in.Accept, s.now()); err != nil {
			return Offer{}, false, err
		}
	}
	row.Offer = o
	return row.Offer, true, s.putSigned(ctx, q, row)
}

// putProposal keeps a proposal made to us.
func (s *Service) putProposal(ctx context.Context, q db.Querier, from core.MemberID, o Offer, in Opened) (Offer, bool, error) {
	now := s.now()
	switch {
	case in.Pact.Proposer.Member != from:
		return Offer{}, false, unknownPact(in.ID)
	case in.Pact.Made > now.Add(document.ClockTolerance) || now >= in.Pact.OpenUntil:
		return Offer{}, false, pactClosed(in.ID)
	}
	if err := s.roomForOne(ctx, q, from); err != nil {
		return Offer{}, false, err
	}
	row := stored{ID: in.ID, Peer: from, Made: in.Pact.Made, Offer: o}
	return row.Offer, false, put(ctx, q, row)
}

// ReceiveClose takes in that the other party declined, withdrew or ended a pact.
// Returns CodeNotFound to anybody else.
func (s *Service) ReceiveClose(ctx context.Context, from core.MemberID, id string) error {
	err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		row, err := byID(ctx, q, id)
		if err != nil {
			return err
		}
		if row.Peer != from {
			return unknownPact(id)
		}
		if row.Closed != 0 {
			return nil
		}
		row.Closed, row.ClosedBy = s.now(), from
		return s.putClosed(ctx, q, row)
	})
	if err == nil {
		s.Tasks.Attempt(ctx, task.LogEnd, id)
	}
	return err
}

// Fetch answers a pact as we hold it, to its other party only. Returns
// CodeNotFound to anybody else, as for a pact that does not exist.
func (s *Service) Fetch(ctx context.Context, from core.MemberID, id string) (Offer, error) {
	row, err := byID(ctx, s.DB, id)
	if err != nil || row.Peer != from || !row.known() {
		return Offer{}, unknownPact(id)
	}
	return row.Offer, nil
}

// List lists every pact, the newest first.
func (s *Service) List(ctx context.Context) ([]Record, error) { return s.With(ctx, "") }

// Get reads one by its id or the unique beginning of it. Returns CodeNotFound,
// CodeInvalid for a beginning several share.
func (s *Service) Get(ctx context.Context, id string) (Record, error) {
	_, h, err := s.find(ctx, s.DB, id)
	return h, err
}

// With lists the pacts with one member, or all for an empty id, the newest first.
func (s *Service) With(ctx context.Context, peer core.MemberID) ([]Record, error) {
	rows, err := all(ctx, s.DB, peer)
	if err != nil {
		return nil, err
	}
	out := make([]Record, 0, len(rows))
	for _, row := range rows {
		h, err := row.record()
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// Signed returns the signed documents of a pact, for somebody who wants to
// check them with other tools.
func (s *Service) Signed(ctx context.Context, id string) (Offer, error) {
	row, _, err := s.find(ctx, s.DB, id)
	return row.Offer, err
}

func (s *Service) find(ctx context.Context, q db.Querier, prefix string) (stored, Record, error) {
	rows, err := like(ctx, q, prefix)
	if err != nil {
		return stored{}, Record{}, err
	}
	switch len(rows) {
	case 0:
		return stored{}, Record{}, unknownPact(prefix)
	case 1:
		h, err := rows[0].record()
		return rows[0], h, err
	}
	return stored{}, Record{}, core.Invalid("trust.which_pact", fmt.Errorf("several pacts begin with %q", prefix)).With("ID", prefix)
}
