package proof

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/share"
)

// path is the endpoint for members.
// spec: docs/spec/custody.md#proof-document
const path = "/ec/v1/custody/proof"

// Book is what proofs need of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
	Entries(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Proofs makes proofs of the shares we keep, and judges those of others. Every field is
// required. Safe for concurrent use.
type Proofs struct {
	DB     *db.DB
	Signer seal.Signer
	Book   Book
	Peer   Peer
	Deals  *deal.Deals
	Keeper *deal.Keeper
	Now    func() time.Time
	Log    *slog.Logger
}

func (p *Proofs) now() core.Moment { return core.At(p.Now()) }

// Jobs send our proofs, and say in the logbook how many shares of ours are proved.
func (p *Proofs) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "custody-proof", Every: 3 * time.Hour, Jitter: time.Hour, Run: p.Send},
		{Name: "custody-state", Every: 6 * time.Hour, Jitter: time.Hour, Run: p.Say},
	}
}

// PeerRoutes are the endpoints for members.
func (p *Proofs) PeerRoutes() []peer.Route {
	return []peer.Route{{Pattern: "POST " + path, Digest: true, MaxBody: 16 << 10, Handle: func(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
		var env seal.Envelope
		if err := peer.ReadJSON(r, &env); err != nil {
			return err
		}
		if err := p.Take(r.Context(), from, env); err != nil {
			return err
		}
		return peer.WriteJSON(w, struct{}{})
	}}}
}

// Take judges the proof of a member's node, of a deal of ours or of one we keep a share of. A
// false one is kept, and refused. Returns CodeDenied with the reason, CodeNotFound for a deal
// that is not here, CodeUnsure for a head that has not come yet.
func (p *Proofs) Take(ctx context.Context, from core.MemberID, env seal.Envelope) error {
	keys, err := p.Book.Keys(ctx, from)
	if err != nil {
		return err
	}
	if _, _, err := env.Verify(Type, map[core.MemberID][]ed25519.PublicKey{from: keys}); err != nil {
		return err
	}
	one, err := read(env)
	if err != nil {
		return err
	}
	if one.Holder != string(from) {
		return core.Denied("custody.proof.other_holder", errors.New("sent by somebody else"))
	}
	return p.judge(ctx, one)
}

// judge keeps the verdict of a proof.
func (p *Proofs) judge(ctx context.Context, one Proof) error {
	d, err := p.deal(ctx, one.Deal)
	if err != nil {
		return err
	}
	if err := one.of(d, PeriodOf(p.now())); err != nil {
		return err
	}
	if err := p.checkHead(ctx, d.Owner, one.Head); err != nil {
		return err
	}
	verdict := one.verdict(d)
	if err := put(ctx, p.DB, d.ID, seen{one.Number, one.Period, verdict, p.now()}); err != nil {
		return err
	}
	if verdict == False {
		p.Log.LogAttrs(ctx, slog.LevelWarn, "a proof of a share is false", slog.String("deal", string(d.ID)), slog.Int64("number", one.Number))
		return core.Denied("custody.share.false_proof", errors.New("it does not hold")).With("Number", one.Number)
	}
	return nil
}

// deal finds a deal that proofs are taken for: ours that goes on, or one we keep a share of.
func (p *Proofs) deal(ctx context.Context, id share.ID) (deal.Deal, error) {
	own, err := p.Deals.Deal(ctx, id)
	if err == nil && (own.State == deal.Standing || own.State == deal.Pending) {
		return own.Deal, nil
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return deal.Deal{}, err
	}
	held, err := p.Keeper.Get(ctx, id)
	if err != nil {
		return deal.Deal{}, err
	}
	if held.Ended != 0 {
		return deal.Deal{}, core.NotFound("custody.deal.not_held", errors.New("it ended"))
	}
	return held.Deal, nil
}

// checkHead sees that a head was the newest entry of the owner's logbook in the last seven days.
func (p *Proofs) checkHead(ctx context.Context, owner core.MemberID, head Head) error {
	list, err := p.Book.Entries(ctx, owner, head.Index, 2)
	if err != nil {
		return err
	}
	if len(list) == 0 || list[0].Index != head.Index {
		return core.Unsure("custody.proof.unknown_head", errors.New("no such entry here"))
	}
	if headOf(list[0]) != head {
		return core.Denied("custody.proof.other_head", errors.New("another entry"))
	}
	if len(list) > 1 && list[1].Iat < p.now().Add(-fresh) {
		return core.Denied("custody.proof.old_head", errors.New("older than seven days"))
	}
	return nil
}

// newest is the newest entry of a member's logbook that can be read.
func (p *Proofs) newest(ctx context.Context, id core.MemberID) (Head, error) {
	m, err := p.Book.Member(ctx, id)
	if err != nil {
		return Head{}, err
	}
	list, err := p.Book.Entries(ctx, id, max(0, m.Size-10), 20)
	if err != nil {
		return Head{}, err
	}
	if len(list) == 0 {
		return Head{}, core.Unsure("custody.proof.unknown_head", errors.New("nothing was heard"))
	}
	return headOf(list[len(list)-1]), nil
}

// Send makes the proof of this month for each share we keep and sends it to the owner and to the
// fellow holders, until each has it.
func (p *Proofs) Send(ctx context.Context) error {
	list, err := p.Keeper.Held(ctx)
	if err != nil {
		return err
	}
	for _, h := range list {
		if h.State != deal.Standing {
			continue
		}
		if err := p.sendOne(ctx, h); err != nil {
			return err
		}
	}
	return drop(ctx, p.DB, p.now().Add(-3*365*24*time.Hour))
}

// sendOne returns errors of our own only: who does not answer is asked again.
func (p *Proofs) sendOne(ctx context.Context, h deal.Held) error {
	period, self := PeriodOf(p.now()), p.Signer.ID()
	to := []core.MemberID{h.Owner}
	for _, fellow := range h.Holders {
		if fellow.Member != "" && fellow.Member != self {
			to = append(to, fellow.Member)
		}
	}
	var env seal.Envelope
	for _, member := range to {
		has, err := sent(ctx, p.DB, h.ID, period, member)
		if err != nil {
			return err
		}
		if has {
			continue
		}
		if env.Payload == "" {
			if env, err = p.make(ctx, h, period); err != nil {
				p.Log.LogAttrs(ctx, slog.LevelInfo, "a proof is made later", slog.Any("err", err))
				return nil
			}
		}
		if err := p.call(ctx, member, env); err != nil {
			p.Log.LogAttrs(ctx, slog.LevelInfo, "a proof is sent later", slog.String("peer", string(member)), slog.Any("err", err))
			continue
		}
		if err := putSent(ctx, p.DB, h.ID, period, member); err != nil {
			return err
		}
	}
	return nil
}

func (p *Proofs) call(ctx context.Context, to core.MemberID, env seal.Envelope) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return p.Peer.JSON(ctx, to, http.MethodPost, path, env, &struct{}{})
}

// make proves the share we keep of a deal, or says that it is lost.
func (p *Proofs) make(ctx context.Context, h deal.Held, period string) (seal.Envelope, error) {
	head, err := p.newest(ctx, h.Owner)
	if err != nil {
		return seal.Envelope{}, err
	}
	one := Proof{V: 1, Deal: h.ID, Number: h.Number, Holder: string(p.Signer.ID()), Period: period, Head: head, At: p.now()}
	s, err := p.Keeper.Share(ctx, h.ID)
	if err == nil {
		var made share.Proof
		made, err = s.Prove(h.Commitments, one.context())
		one.Proof = &made
	}
	if core.CodeOf(err) == core.CodeInvalid {
		p.Log.LogAttrs(ctx, slog.LevelWarn, "a share that we keep is damaged", slog.String("deal", string(h.ID)), slog.Any("err", err))
		one.Proof, one.Lost, err = nil, true, nil
	}
	if err != nil {
		return seal.Envelope{}, err
	}
	return sign(one, p.Signer)
}
