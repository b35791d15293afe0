package collect

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/custody/share"
)

const maxShareFile = 1 << 10 // bytes of a share on its way

// Puzzle puts together what holders gave. Each may be mistaken or lie: what counts is the deal
// that k of the shares are of, and whether the box opens.
type Puzzle struct {
	ID, Words string
	Deal      share.ID
	Identity  *age.X25519Identity
	Known     *Deal // nil: we know it by what holders say
	Read      func(env seal.Envelope) (Deal, error)
	Unseal    func(with age.Identity, deal share.ID, sealed []byte) ([]byte, error)
	Paper     []share.Share
	BoxOf     core.MemberID // whose copy of the box is opened; empty = the one that most gave

	Boxes   [][]byte
	answers map[core.MemberID]Handed
	silent  map[core.MemberID]error
}

// Take notes what a holder answered, or that it did not.
func (p *Puzzle) Take(from core.MemberID, h Handed, err error) {
	if p.answers == nil {
		p.answers, p.silent = map[core.MemberID]Handed{}, map[core.MemberID]error{}
	}
	if err != nil {
		p.silent[from] = err
		return
	}
	p.answers[from] = h
}

// Named are the holders that answers name.
func (p *Puzzle) Named() []core.MemberID {
	found := map[core.MemberID]bool{}
	for _, h := range p.answers {
		for m := range h.Holders {
			found[m] = m.Valid()
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(found)), func(m core.MemberID) bool { return !found[m] })
}

// MemberOf reads whom a notice is for; false = not a member.
func MemberOf(who string) (core.MemberID, bool) {
	m, ok := strings.CutPrefix(who, "member/")
	return core.MemberID(m), ok
}

// given is one holder's share, opened.
type given struct {
	from  core.MemberID
	share share.Share
	bad   string // words key
}

// Solve opens the box when there are enough shares. content is nil while there are not.
func (p *Puzzle) Solve() (content []byte, c Collected, err error) {
	c = Collected{ID: p.ID, Words: p.Words, From: []From{}}
	shares := p.opened()
	best := p.pick(shares)
	var good []share.Share
	if best != nil {
		c.Needed = best.K
		good = p.sort(*best, shares)
	}
	c.Have = len(good)
	p.report(&c, shares)
	if best == nil || len(good) < best.K {
		return nil, c, nil
	}
	secret, err := share.Recover(best.Commitments, good)
	if err != nil {
		return nil, c, err
	}
	with, err := secret.Identity(best.ID)
	if err != nil {
		return nil, c, err
	}
	content, err = p.open(with)
	return content, c, err
}

// opened opens the shares that came, by holder.
func (p *Puzzle) opened() map[core.MemberID]*given {
	out := map[core.MemberID]*given{}
	for from, h := range p.answers {
		if h.Share == "" {
			continue
		}
		g := &given{from: from}
		out[from] = g
		sealed, err := wire.Base64(h.Share)
		if err != nil || len(sealed) > maxShareFile {
			g.bad = "custody.collect.share_closed"
			continue
		}
		r, err := age.Decrypt(bytes.NewReader(sealed), p.Identity)
		if err != nil {
			g.bad = "custody.collect.share_closed"
			continue
		}
		text, err := io.ReadAll(io.LimitReader(r, maxShareFile))
		if err == nil {
			g.share, err = share.Parse(string(text))
		}
		if err != nil {
			g.bad = "custody.collect.share_unread"
		}
	}
	return out
}

// pick is the deal: the one we know, or the one of what holders sent that most shares are of.
func (p *Puzzle) pick(shares map[core.MemberID]*given) *Deal {
	if p.Known != nil {
		return p.Known
	}
	var best *Deal
	most := -1
	for _, from := range slices.Sorted(maps.Keys(p.answers)) {
		h := p.answers[from]
		if h.Deal == nil {
			continue
		}
		d, err := p.Read(*h.Deal)
		if err != nil || d.ID != p.Deal || d.K < share.MinK || d.K != d.Commitments.K() {
			continue
		}
		n := 0
		for _, g := range shares {
			if g.bad == "" && d.Commitments.Verify(g.share) == nil {
				n++
			}
		}
		if n > most {
			best, most = &d, n
		}
	}
	return best
}

// sort answers the shares that hold, and says of the others that they do not.
func (p *Puzzle) sort(d Deal, shares map[core.MemberID]*given) []share.Share {
	var all []share.Share
	for _, g := range shares {
		switch {
		case g.bad != "":
		case !g.share.Of(d.ID):
			g.bad = "custody.collect.share_other"
		case d.Commitments.Verify(g.share) != nil:
			g.bad = "custody.collect.share_false"
		default:
			all = append(all, g.share)
		}
	}
	for _, s := range p.Paper {
		if s.Of(d.ID) && d.Commitments.Verify(s) == nil {
			all = append(all, s)
		}
	}
	good, _, err := share.Sort(d.Commitments, all)
	if err != nil {
		return nil
	}
	return good
}

func (p *Puzzle) report(c *Collected, shares map[core.MemberID]*given) {
	for _, m := range slices.Sorted(maps.Keys(p.answers)) {
		f := From{Member: m, Status: p.answers[m].Status}
		if g := shares[m]; g != nil {
			f.Bad = g.bad
		}
		c.From = append(c.From, f)
	}
	for _, m := range slices.Sorted(maps.Keys(p.silent)) {
		c.From = append(c.From, From{Member: m, Silent: true})
	}
}

// open opens the box: ours or, as anybody can seal something to the box's recipient, what most
// holders gave. Returns CodeConflict "custody.collect.boxes_differ" between as many.
func (p *Puzzle) open(with age.Identity) ([]byte, error) {
	for _, box := range p.Boxes {
		if content, err := p.Unseal(with, p.Deal, box); err == nil {
			return content, nil
		}
	}
	err := error(core.NotFound("custody.collect.no_box", errors.New("nobody sent the box")))
	gave := map[string][]string{} // by content, the holders
	for _, m := range slices.Sorted(maps.Keys(p.answers)) {
		box, bad := wire.Base64(p.answers[m].Box)
		if bad != nil || len(box) == 0 || p.BoxOf != "" && p.BoxOf != m {
			continue
		}
		content, closed := p.Unseal(with, p.Deal, box)
		if closed != nil {
			err = closed
			continue
		}
		gave[string(content)] = append(gave[string(content)], string(m))
	}
	return most(gave, err)
}

// most is the content that most holders gave; none is err.
func most(gave map[string][]string, err error) ([]byte, error) {
	best, of, tied := "", []string(nil), []string(nil)
	for content, holders := range gave {
		switch {
		case len(holders) > len(of):
			best, of, tied = content, holders, nil
		case len(holders) == len(of):
			tied = append(tied, holders...)
		}
	}
	if tied != nil {
		all := slices.Sorted(slices.Values(append(tied, of...)))
		return nil, core.Conflict("custody.collect.boxes_differ", errors.New("holders gave different boxes")).With("Holders", all)
	}
	if of == nil {
		return nil, err
	}
	return []byte(best), nil
}
