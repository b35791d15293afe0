package collective

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/member"
)

// CharterType is the DSSE payload type of a charter.
const CharterType = "application/vnd.entrechat.charter.v1+json"

// maxCharter is the longest signed charter, in bytes.
const maxCharter = 64 << 10

// defaultAdmit is how many admitted members have to vouch for a newcomer where
// the founders say nothing else.
const defaultAdmit = 2

// Charter is what the members of a collective agree to. Its id is the hex
// SHA-256 of the signed payload, so a changed text is another collective.
//
// spec: docs/spec/trust.md#charter
type Charter struct {
	V        int64            `json:"v"` // 1
	Name     string           `json:"name"`
	Text     string           `json:"text"`
	Founders []member.Address `json:"founders"`
	Admit    int64            `json:"admit_vouches"` // vouches by admitted members that admit a newcomer
	Grants   []core.Grant     `json:"grants"`        // light ones, from every admitted member to every other
	Made     core.Moment      `json:"made_us"`
}

// Check returns CodeInvalid for a charter no node should follow. There are at
// least as many founders as vouches asked for, otherwise nobody could ever join.
func (c Charter) Check(types grant.Types) error {
	bad := func(why string) error {
		return core.Invalid("trust.bad_charter", fmt.Errorf("charter: %s", why)).With("Why", why)
	}
	switch {
	case c.V != 1:
		return bad("unknown version")
	case c.Name == "":
		return bad("no name")
	case len(c.Founders) == 0 || len(c.Founders) > member.MaxVouches:
		return bad("no founder, or too many")
	case c.Admit < 1 || c.Admit > int64(len(c.Founders)):
		return bad("admit_vouches is not between 1 and the number of founders")
	case c.Made <= 0:
		return bad("no date")
	}
	seen := map[core.MemberID]bool{}
	for _, f := range c.Founders {
		if err := f.Check(); err != nil {
			return err
		}
		if seen[f.Member] {
			return bad("a founder twice")
		}
		seen[f.Member] = true
	}
	for _, g := range c.Grants {
		if !types.Light(g.Kind) {
			return bad("a grant that needs a pact of two")
		}
	}
	if err := types.Check(c.Grants); err != nil {
		return err
	}
	return errors.Join(document.CheckLine("name", c.Name), document.CheckProse("text", c.Text, maxCharter))
}

// OpenCharter reads a charter somebody handed us: the one with that id, signed
// by at least one of the founders it names. The id alone already proves the
// text; the signature proves that a founder stands behind it. logged says that
// a founder's own logbook names the id, which proves the same and outlives the
// key it was signed with. Returns CodeInvalid, or CodeDenied where no founder
// stands behind it.
func OpenCharter(types grant.Types, env seal.Envelope, id string, keys document.Keys, logged bool) (Charter, error) {
	payload, err := env.Unverified()
	if err != nil {
		return Charter{}, core.Invalid("trust.bad_charter", err).With("Why", "base64")
	}
	var c Charter
	switch {
	case len(payload) > maxCharter:
		return c, document.TooLong(maxCharter)
	case document.ID(payload) != id || env.PayloadType != CharterType:
		return c, core.Invalid("trust.bad_charter", errors.New("not the charter with this id")).With("Why", "id")
	}
	if !logged {
		_, signers, err := env.Verify(CharterType, keys)
		if err != nil {
			return c, err
		}
		if len(signers) == 0 {
			return c, document.BadSignature("no founder signed the charter")
		}
	}
	if err := wire.Decode(payload, &c); err != nil {
		return c, err
	}
	return c, c.Check(types)
}

func noCharter(id string) error {
	return core.NotFound("trust.unknown_charter", fmt.Errorf("no charter %.70q", id)).With("ID", document.Short(id))
}

// Collective is a charter and who follows it, as far as this node has heard.
type Collective struct {
	ID      string
	Charter Charter
	Joined  []core.MemberID // logged a join, or the charter itself, and did not leave
	Vouches []member.Vouch  // by anybody for anybody
	// Barred members are suspended: they are not admitted and their vouches
	// do not count.
	Barred func(core.MemberID) bool
	// Root is the key pinned here for a member; zero = none known.
	Root func(core.MemberID) core.RootKey
}

// Admission says where a member stands in a collective.
type Admission struct {
	Member   core.MemberID
	Founder  bool
	Admitted bool
	By       []core.MemberID // admitted members that vouch for it
}

// Admissions computes who is admitted: the founders that follow the charter,
// and everybody that joined and for whom enough admitted members vouch. It is
// the least fixed point, so two newcomers cannot admit each other, and the
// order in which logbooks arrive changes nothing. Sorted by member.
//
// spec: docs/spec/trust.md#admission
func (c Collective) Admissions() []Admission {
	candidates := map[core.MemberID]*Admission{}
	for _, id := range c.Joined {
		if !c.Barred(id) {
			candidates[id] = &Admission{Member: id}
		}
	}
	for _, f := range c.Charter.Founders {
		if a := candidates[f.Member]; a != nil && c.Root(f.Member) == f.Root {
			a.Founder, a.Admitted = true, true
		}
	}
	given := c.given(candidates)
	var next []core.MemberID // admitted, and their vouches not counted yet
	for id, a := range candidates {
		if a.Admitted {
			next = append(next, id)
		}
	}
	for len(next) > 0 {
		voucher := next[len(next)-1]
		next = next[:len(next)-1]
		for _, id := range given[voucher] {
			a := candidates[id]
			a.By = append(a.By, voucher)
			if !a.Admitted && int64(len(a.By)) >= c.Charter.Admit {
				a.Admitted = true
				next = append(next, id)
			}
		}
	}
	out := make([]Admission, 0, len(candidates))
	for _, a := range candidates {
		slices.Sort(a.By)
		out = append(out, *a)
	}
	slices.SortFunc(out, func(a, b Admission) int { return cmp.Compare(a.Member, b.Member) })
	return out
}

// Without lists who would no longer be admitted if a member left.
func (c Collective) Without(id core.MemberID) (lost []core.MemberID) {
	after := c
	after.Joined = slices.DeleteFunc(slices.Clone(c.Joined), func(j core.MemberID) bool { return j == id })
	left := map[core.MemberID]bool{}
	for _, a := range after.Admissions() {
		left[a.Member] = a.Admitted
	}
	for _, a := range c.Admissions() {
		if a.Admitted && a.Member != id && !left[a.Member] {
			lost = append(lost, a.Member)
		}
	}
	return lost
}

// given lists for whom each candidate vouches, once each: for other candidates, under
// the key pinned here.
func (c Collective) given(candidates map[core.MemberID]*Admission) map[core.MemberID][]core.MemberID {
	type pair struct{ by, to core.MemberID }
	seen := map[pair]bool{}
	out := map[core.MemberID][]core.MemberID{}
	for _, v := range c.Vouches {
		p := pair{v.By, v.For.Member}
		if p.by == p.to || candidates[p.by] == nil || candidates[p.to] == nil || v.For.Root != c.Root(p.to) || seen[p] {
			continue
		}
		seen[p] = true
		out[p.by] = append(out[p.by], p.to)
	}
	return out
}
