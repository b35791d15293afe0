package alert

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// Where members reach each other's alerts.
const (
	PathContacts = "/ec/v1/watch/contacts"
	PathTold     = "/ec/v1/watch/told"
)

const (
	firstRetry = 30 * time.Second
	lastRetry  = 6 * time.Hour
	callBound  = 15 * time.Second
	// maxTelling bounds the receipts that are on their way at once.
	maxTelling = 32
)

// endpoints answer other members.
type endpoints struct{ *Service }

// Routes are what other members call.
func (s *Service) Routes() []peer.Route {
	e := endpoints{s}
	return []peer.Route{
		{Pattern: "PUT " + PathContacts, Digest: true, MaxBody: contact.MaxBytes, Handle: e.serveContacts},
		{Pattern: "POST " + PathTold, Digest: true, MaxBody: 1 << 10, Handle: e.serveTold},
		{Pattern: "POST " + PathNotice, Digest: true, MaxBody: 64 << 10, Handle: e.serveNotice},
		{Pattern: "GET " + PathTold + "/{key}", Handle: e.serveDid},
	}
}

// PushPlans hands our plan to those who vote for us and do not have it yet, takes it back
// from those who no longer do, and drops the plans of members we no longer look at.
func (s *Service) PushPlans(ctx context.Context) error { return pusher{s}.run(ctx) }

// pusher hands our plan out.
type pusher struct{ *Service }

func (s pusher) run(ctx context.Context) error {
	if err := s.dropForeign(ctx); err != nil || s.n.Calls == nil {
		return err
	}
	plan, _, err := loadPlan(ctx, s.n.DB, s.self())
	if err != nil || plan.At == 0 {
		return err
	}
	var voters []core.MemberID // of an empty plan, nobody
	if len(plan.People) > 0 {
		if voters, err = s.n.Watch.Voters(ctx, s.self()); err != nil {
			return err
		}
	}
	known, err := pushes(ctx, s.n.DB)
	if err != nil {
		return err
	}
	for _, member := range voters {
		i := slices.IndexFunc(known, func(p push) bool { return p.member == member })
		p := push{member: member}
		if i >= 0 {
			p = known[i]
		}
		if p.at != plan.At && member != s.self() {
			err = errors.Join(err, s.pushTo(ctx, p, plan))
		}
	}
	for _, p := range known {
		if !slices.Contains(voters, p.member) {
			err = errors.Join(err, s.pushTo(ctx, p, contact.Plan{Owner: plan.Owner, At: plan.At}))
		}
	}
	return errors.Join(err, ctx.Err())
}

// pushTo hands a plan to one member, or an empty one, which withdraws. Its error is our
// own trouble; a member that does not answer is tried again.
func (s pusher) pushTo(ctx context.Context, p push, plan contact.Plan) error {
	now := s.now()
	if p.next > now {
		return nil
	}
	call, cancel := context.WithTimeout(ctx, callBound)
	defer cancel()
	err := s.n.Calls.JSON(call, p.member, http.MethodPut, PathContacts, plan, nil)
	withdrawn := len(plan.People) == 0
	switch {
	case err == nil && withdrawn, withdrawn && p.tries > 20:
		return dropPush(ctx, s.n.DB, p.member)
	case err == nil:
		return keepPush(ctx, s.n.DB, push{member: p.member, at: plan.At})
	}
	s.n.Log.LogAttrs(ctx, slog.LevelInfo, "contact plan not handed over yet", slog.String("member", string(p.member)), slog.Any("err", err))
	p.next = now.Add(min(firstRetry<<min(p.tries, 20), lastRetry))
	p.tries++
	return keepPush(context.WithoutCancel(ctx), s.n.DB, p)
}

// dropForeign forgets the plans of members we no longer look at.
func (s pusher) dropForeign(ctx context.Context) error {
	owners, err := planOwners(ctx, s.n.DB)
	for _, owner := range owners {
		if owner == s.self() || err != nil {
			continue
		}
		var serves bool
		if serves, err = s.n.Watch.Serves(ctx, owner); err == nil && !serves {
			err = dropPlan(ctx, s.n.DB, owner)
		}
	}
	return err
}

// serveContacts takes the plan of a member we look at, whole.
func (s endpoints) serveContacts(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var p contact.Plan
	if err := peer.ReadJSON(r, &p); err != nil {
		return err
	}
	if p.Owner != from {
		return core.Denied("watch.alert.not_yours", errors.New("a plan of somebody else"))
	}
	serves, err := s.n.Watch.Serves(r.Context(), from)
	if err != nil {
		return err
	}
	if !serves && len(p.People) > 0 {
		return core.Denied("watch.alert.not_served", errors.New("no promise to look"))
	}
	if err := p.Check(); err != nil {
		return err
	}
	if p.At > s.now().Add(10*time.Minute) {
		return core.Invalid("watch.alert.bad_owner", errors.New("a plan of the future")).With("Value", string(from))
	}
	fresh, err := savePlan(r.Context(), s.n.DB, p)
	if err != nil {
		return err
	}
	if !fresh {
		return core.Conflict("watch.alert.older_plan", errors.New("a newer plan is here"))
	}
	return peer.WriteJSON(w, struct{}{})
}

// tellers are who tells an owner's people: the owner, then its voters.
func (s *Service) tellers(ctx context.Context, owner core.MemberID) ([]core.MemberID, error) {
	voters, err := s.n.Watch.Voters(ctx, owner)
	return append([]core.MemberID{owner}, voters...), err
}

// serveTold takes a receipt of another teller.
func (s endpoints) serveTold(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var told delivery.Receipt
	if err := peer.ReadJSON(r, &told); err != nil {
		return err
	}
	if err := told.Check(s.now()); err != nil {
		return err
	}
	serves, err := s.n.Watch.Serves(r.Context(), told.Owner)
	if err != nil {
		return err
	}
	tellers, err := s.tellers(r.Context(), told.Owner)
	if err != nil {
		return err
	}
	if told.Owner != s.self() && !serves || !slices.Contains(tellers, from) {
		return core.Denied("watch.alert.not_teller", errors.New("not one who tells this member's people"))
	}
	if err := s.queue.Receive(r.Context(), from, told); err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// tell hands a receipt to the other tellers, side by side, without waiting: one that
// does not hear it asks before it sends.
func (s *Service) tell(ctx context.Context, told delivery.Receipt) {
	if s.n.Calls == nil {
		return
	}
	ctx = context.WithoutCancel(ctx)
	tellers, err := s.tellers(ctx, told.Owner)
	if err != nil {
		s.n.Log.LogAttrs(ctx, slog.LevelWarn, "nobody heard that an alert went out", slog.Any("err", err))
		return
	}
	for i, member := range tellers {
		if member == s.self() || slices.Contains(tellers[:i], member) {
			continue
		}
		s.telling.Go(func() {
			s.places <- struct{}{}
			defer func() { <-s.places }()
			call, cancel := context.WithTimeout(ctx, callBound)
			defer cancel()
			if err := s.n.Calls.JSON(call, member, http.MethodPost, PathTold, told, nil); err != nil {
				s.n.Log.LogAttrs(ctx, slog.LevelInfo, "receipt of an alert not handed over", slog.String("member", string(member)), slog.Any("err", err))
			}
		})
	}
}
