package proof

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/share"
)

// Challenge is what a person needs, beside the share, to prove it anywhere: no share leaves
// the person's machine.
type Challenge struct {
	V           int64             `json:"v"` // 1
	Deal        share.ID          `json:"deal"`
	Number      int64             `json:"number"`
	Holder      string            `json:"holder"`
	Period      string            `json:"period"`
	Head        Head              `json:"head"`
	Commitments share.Commitments `json:"commitments"`
}

// Challenge makes what a person of ours proves a share with this month. Returns CodeNotFound.
func (p *Proofs) Challenge(ctx context.Context, id share.ID, number int64) (c Challenge, err error) {
	own, err := p.Deals.Deal(ctx, id)
	if err != nil {
		return c, err
	}
	h, ok := own.Holder(number)
	if !ok || h.Person == "" {
		return c, core.NotFound("custody.deal.no_share", errors.New("no person's"))
	}
	head, err := p.newest(ctx, own.Owner)
	return Challenge{1, id, number, h.Person, PeriodOf(p.now()), head, own.Commitments}, err
}

// Answer proves a share of a challenge. It needs neither a node nor a network. Returns
// CodeInvalid for what is no challenge, or a share of something else.
func Answer(challenge []byte, text string, at core.Moment) (Proof, error) {
	var c Challenge
	if len(challenge) > 16<<10 {
		return Proof{}, bad(errors.New("too large"))
	}
	if err := wire.Decode(challenge, &c); err != nil {
		return Proof{}, err
	}
	s, err := share.Parse(text)
	if err != nil {
		return Proof{}, err
	}
	if !s.Of(c.Deal) || int64(s.Number) != c.Number {
		return Proof{}, core.Invalid("custody.deal.other_share", errors.New("of another deal or holder"))
	}
	one := Proof{V: 1, Deal: c.Deal, Number: c.Number, Holder: c.Holder, Period: c.Period, Head: c.Head, At: at}
	if c.V != 1 || one.Head.bytes() == nil {
		return Proof{}, bad(errors.New("no challenge"))
	}
	made, err := s.Prove(c.Commitments, one.context())
	one.Proof = &made
	if err != nil {
		return Proof{}, err
	}
	return one, one.check()
}

// TakeOf judges the proof that a person of ours brings. Returns what Take does.
func (p *Proofs) TakeOf(ctx context.Context, text []byte) (Proof, error) {
	one, err := parse(text)
	if err != nil {
		return one, err
	}
	own, err := p.Deals.Deal(ctx, one.Deal)
	if err != nil {
		return one, err
	}
	if h, ok := own.Holder(one.Number); !ok || h.Person == "" {
		return one, core.Denied("custody.proof.other_holder", errors.New("no person's share"))
	}
	return one, p.judge(ctx, one)
}
