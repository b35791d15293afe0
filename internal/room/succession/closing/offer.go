package closing

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
)

// mostPromised is how many services of others one disk may have promised.
const mostPromised = 10

// Terms are what a member says when it offers to take a service over.
type Terms struct {
	Programs []string
	Free     int64 // bytes; 0 = measured
	Costs    paper.Costs
}

// Draft makes our offer for a service of another, not signed yet, so that a person reads it first.
// Returns CodeDenied "succession.closing.not_successor", CodeNotFound
// "succession.closing.not_closing", CodeFull "succession.closing.eleventh",
// "succession.closing.no_room".
func (s *Handovers) Draft(ctx context.Context, owner core.MemberID, service string, t Terms) (paper.Offer, error) {
	o := paper.Offer{
		Document: paper.Document{V: 1, Owner: owner, Service: service}, By: s.self(), Salt: paper.NewSalt(), Programs: append([]string{}, t.Programs...),
		Free: t.Free, Costs: t.Costs, Said: s.now(),
	}
	if o.Costs.Due == nil {
		o.Costs.Due = []paper.Due{}
	}
	st, err := s.offered(ctx, owner, service)
	if err != nil {
		return o, err
	}
	ours, err := s.n.Promises.Ours(ctx)
	if err != nil {
		return o, err
	}
	if !slices.ContainsFunc(ours, func(p promise.Successor) bool { return p.Owner == owner && p.Service == service }) {
		return o, core.Denied("succession.closing.not_successor", errors.New("not named for it")).With("Member", string(owner)).With("Service", st.Service)
	}
	o.Already = int64(len(ours)) - 1
	free, load, err := s.n.Disk.Room()
	if err != nil {
		return o, err
	}
	if o.Load = load; t.Free == 0 {
		o.Free = free
	}
	return o, fits(o, 0)
}

// offered is the closing that a member may offer for.
func (s *Handovers) offered(ctx context.Context, owner core.MemberID, service string) (stage.Standing, error) {
	st, err := s.One(ctx, owner, service)
	if err == nil && st.Stage != stage.Closing && st.Stage != stage.Offered {
		err = core.NotFound("succession.closing.not_closing", errors.New("it takes no offers")).With("Service", service)
	}
	return st, err
}

// fits refuses an offer that is too small for a service of so many bytes; both ends ask it.
// spec: docs/spec/succession.md#planned
func fits(o paper.Offer, size int64) error {
	if o.Already >= mostPromised {
		return core.Full("succession.closing.eleventh", errors.New("many promises on one disk")).With("Count", o.Already)
	}
	if o.Free < size+size/10*3 {
		return core.Full("succession.closing.no_room", errors.New("not 1.3 times the data")).With("Free", core.Size(o.Free)).With("Needed", core.Size(size+size/10*3))
	}
	return nil
}

// Offer signs our offer and sends it to the owner. Returns what Draft and the owner do.
func (s *Handovers) Offer(ctx context.Context, o paper.Offer) error {
	env, id, err := paper.Sign(paper.TypeOffer, o, s.n.Signer)
	if err != nil {
		return err
	}
	if err := s.n.Calls.JSON(ctx, o.Owner, http.MethodPost, pathOffer, offerIn{env}, &struct{}{}); err != nil {
		return err
	}
	return s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeOffer, Owner: o.Owner, Service: o.Service, Member: s.self(), Envelope: env, Got: s.now()})
}

const (
	pathOffer    = "/ec/v1/succession/offer"
	pathHandover = "/ec/v1/succession/handover"
	pathPapers   = "/ec/v1/succession/papers/"
)

type offerIn struct {
	Offer seal.Envelope `json:"offer"`
}

type handoverIn struct {
	Handover seal.Envelope `json:"handover"`
}

type paperOut struct {
	Paper seal.Envelope `json:"paper"`
}

// Routes are the endpoints for members, and the one where anybody reads documents.
func (s *Service) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "POST " + pathOffer, Digest: true, Handle: s.serveOffer},
		{Pattern: "POST " + pathHandover, Digest: true, MaxBody: 96 << 10, Handle: s.serveHandover},
		{Pattern: "GET " + pathPapers + "{id}", Public: true, Handle: s.servePaper},
	}
}

// serveOffer takes the offer of a successor of ours. The first one brings the service to the
// stage Offered.
func (s *Handovers) serveOffer(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in offerIn
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	ctx := r.Context()
	o, id, err := paper.Open[paper.Offer](ctx, in.Offer, paper.TypeOffer, s.n.Book.Keys, from)
	if err != nil {
		return err
	}
	if o.Owner != s.self() || o.By != from {
		return core.Denied("succession.paper.other_signer", errors.New("an offer of, or to, somebody else"))
	}
	st, err := s.offered(ctx, s.self(), o.Service)
	if err != nil {
		return err
	}
	if err := s.named(ctx, from, o.Service); err != nil {
		return err
	}
	size, _, err := s.Size(ctx, o.Service)
	if err != nil {
		return err
	}
	if err := fits(o, size); err != nil {
		return err
	}
	if err := s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeOffer, Owner: s.self(), Service: o.Service, Member: from, Envelope: in.Offer, Got: s.now()}); err != nil {
		return err
	}
	if st.Stage == stage.Closing {
		if _, err := s.Next(ctx, o.Service, stage.Offered); err != nil {
			return err
		}
	}
	return peer.WriteJSON(w, struct{}{})
}

// named returns CodeDenied for a member that is no successor of ours for a service.
func (s *Handovers) named(ctx context.Context, who core.MemberID, service string) error {
	all, err := s.n.Promises.Of(ctx, s.self())
	if err == nil && !slices.ContainsFunc(all, func(p promise.Successor) bool { return p.Member == who && p.Service == service }) {
		err = core.Denied("succession.closing.not_successor", errors.New("not named for it")).With("Member", string(s.self())).With("Service", service)
	}
	return err
}

// Size is how many bytes the backups of a service of ours have, together; known is false where
// nobody can say.
func (s *Handovers) Size(ctx context.Context, service string) (bytes int64, known bool, err error) {
	n, err := s.n.Promises.Last(ctx, s.self(), service)
	if core.CodeOf(err) == core.CodeNotFound {
		return 0, false, nil
	}
	backups, ok := s.n.Ask.Backups()
	if err != nil || !ok || len(n.Backups) == 0 {
		return 0, false, err
	}
	for _, b := range n.Backups {
		one, _, err := backups.Saved(ctx, b)
		if err != nil {
			return 0, false, err
		}
		bytes += one
	}
	return bytes, true, nil
}

// Offers lists those that were made for a service of ours.
func (s *Handovers) Offers(ctx context.Context, service string) ([]paper.Offer, error) {
	return s.papers.Offers(ctx, s.self(), service)
}
