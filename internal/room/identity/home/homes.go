package home

import (
	"context"
	"embed"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
)

// Words are this folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS

// KindLogin is what members promise each other: to let the other's people sign in here.
const KindLogin core.GrantKind = "login"

// FieldServices is its quantity: the services that are meant; none = all of them.
const FieldServices = "services"

// GrantType describes the promise for pacts and charters.
func GrantType() core.GrantType {
	return core.GrantType{
		Kind: KindLogin, Words: "identity.grant.login.", Light: true,
		Fields: []core.GrantField{{Name: FieldServices, Unit: core.UnitNames, Most: 100, Place: "Services", Suffix: "_some"}},
	}
}

// Trust answers who may sign in here, and where our people may.
type Trust interface {
	// May says what we promised a member. Returns CodeDenied for nothing.
	May(ctx context.Context, who core.MemberID, kind core.GrantKind) (core.Allowance, error)
	// MayEach answers May about several members; who was promised nothing is left out.
	MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error)
	// Lenders lists who promised us.
	Lenders(ctx context.Context, kind core.GrantKind) ([]core.Lender, error)
}

// Home is a member as a home of people.
type Home struct {
	Card
	Member core.MemberID
	Said   core.Moment // when it last said so
	Shut   core.Moment // since when we let nobody in from it; 0 = we do
	Reason string      // why, as an admin wrote it
}

// Homes knows the members as homes. All fields are required.
type Homes struct {
	DB    *db.DB
	Self  core.MemberID
	Trust Trust
	// Root answers a member's root key. Returns CodeNotFound.
	Root func(ctx context.Context, id core.MemberID) (core.RootKey, error)
	// LookupTXT asks the DNS; net.Resolver's.
	LookupTXT func(ctx context.Context, name string) ([]string, error)
	// Entries reads a member's logbook as we hold it, from an index on.
	Entries func(ctx context.Context, id core.MemberID, from int64, limit int) ([]logbook.Entry, error)
	Plain   bool // http is allowed, for demos and tests
	Now     func() time.Time
}

// Readers take in what members say of themselves.
func (h *Homes) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "identity_home", Types: []string{TypeCard},
		Read: func(ctx context.Context, e logbook.Entry) error {
			if !e.InForce(core.At(h.Now())) {
				return nil
			}
			card, err := Parse(e, h.Plain)
			if err != nil {
				return nil //nolint:nilerr // what cannot be read says nothing; the one before counts
			}
			return put(ctx, h.DB, record{Card: card, member: e.Log, entry: e.Index, said: e.Iat})
		},
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return takeBack(ctx, h.DB, log, index)
		},
	}}
}

// Get is a member as a home. Returns CodeNotFound "identity.home.none" for one that never
// said how it signs people in, CodeInternal "identity.home.damaged" for one of which what we
// keep cannot be read.
func (h *Homes) Get(ctx context.Context, id core.MemberID) (Home, error) {
	c, err := get(ctx, h.DB, id)
	return c.home(), err
}

func (c record) home() Home {
	return Home{Card: c.Card, Member: c.member, Said: c.said, Shut: c.shut, Reason: c.reason}
}

// All lists every member that is a home, but us, by name. One of which what we keep cannot be
// read is left out: Damaged names it.
func (h *Homes) All(ctx context.Context) ([]Home, error) {
	found, err := all(ctx, h.DB)
	return h.readable(found), err
}

func (h *Homes) readable(found []record) []Home {
	homes := make([]Home, 0, len(found))
	for _, c := range found {
		if c.member != h.Self && c.damage == nil {
			homes = append(homes, c.home())
		}
	}
	return homes
}

// Let is a home whose people may sign in here now, at a service (empty: at any). Returns
// CodeNotFound "identity.home.none", CodeDenied "identity.home.shut" and
// "identity.home.no_login".
func (h *Homes) Let(ctx context.Context, id core.MemberID, service string) (Home, error) {
	found, err := h.open(ctx, id)
	if err != nil {
		return found, err
	}
	return found, h.lets(ctx, id, service)
}

// open is a home that this hoster did not shut.
func (h *Homes) open(ctx context.Context, id core.MemberID) (Home, error) {
	found, err := h.Get(ctx, id)
	if err == nil && found.Shut != 0 {
		err = core.Denied("identity.home.shut", errors.New("shut")).With("Member", string(id))
	}
	return found, err
}

// lets says whether we promised a home to let its people in at a service.
func (h *Homes) lets(ctx context.Context, id core.MemberID, service string) error {
	allowance, err := h.Trust.May(ctx, id, KindLogin)
	if core.CodeOf(err) == core.CodeDenied || err == nil && !covers(allowance, service) {
		return core.Denied("identity.home.no_login", errors.New("no such promise")).With("Member", string(id))
	}
	return err
}

func covers(a core.Allowance, service string) bool {
	names := a.Grant.Names[FieldServices]
	return !a.ReadOnly && (service == "" || len(names) == 0 || slices.Contains(names, service))
}

// Letting lists the homes whose people may sign in here now, at any service.
func (h *Homes) Letting(ctx context.Context) ([]Home, error) { return h.LettingAt(ctx, "") }

// LettingAt lists the homes whose people may sign in at a service now (empty: at any). It asks
// the same however many there are.
func (h *Homes) LettingAt(ctx context.Context, service string) ([]Home, error) {
	every, err := h.All(ctx)
	if err != nil {
		return nil, err
	}
	may, err := h.Trust.MayEach(ctx, members(every), KindLogin)
	return slices.DeleteFunc(every, func(one Home) bool {
		a, promised := may[one.Member]
		return one.Shut != 0 || !promised || !covers(a, service)
	}), err
}

func members(homes []Home) []core.MemberID {
	ids := make([]core.MemberID, 0, len(homes))
	for _, one := range homes {
		ids = append(ids, one.Member)
	}
	return ids
}

// At lists the homes, but us, that say they sign their people in at an address: there may be
// more than one, as anybody may say so.
func (h *Homes) At(ctx context.Context, issuer string) ([]Home, error) {
	found, err := atIssuer(ctx, h.DB, issuer)
	return h.readable(found), err
}

// LetsUs is a member at whose services our people may sign in now. Returns CodeNotFound
// "identity.home.none", CodeDenied "identity.home.lets_nobody".
func (h *Homes) LetsUs(ctx context.Context, id core.MemberID) (Home, error) {
	found, err := h.open(ctx, id)
	if err != nil {
		return found, err
	}
	lenders, err := h.Trust.Lenders(ctx, KindLogin)
	if err != nil {
		return found, err
	}
	if !slices.ContainsFunc(lenders, func(l core.Lender) bool { return l.ID == id }) {
		return found, core.Denied("identity.home.lets_nobody", errors.New("no such promise")).With("Member", string(id))
	}
	return found, nil
}

// LettingUs lists the members at whose services our people may sign in now.
func (h *Homes) LettingUs(ctx context.Context) ([]Home, error) {
	every, err := h.All(ctx)
	if err != nil {
		return nil, err
	}
	lenders, err := h.Trust.Lenders(ctx, KindLogin)
	return slices.DeleteFunc(every, func(one Home) bool {
		return one.Shut != 0 || !slices.ContainsFunc(lenders, func(l core.Lender) bool { return l.ID == one.Member })
	}), err
}

// Say writes our own card into our logbook when it differs from what we last said, or when
// what we said cannot be read here any more.
func (h *Homes) Say(ctx context.Context, card Card, appendTo func(ctx context.Context, typ string, body any) error) error {
	was, err := get(ctx, h.DB, h.Self)
	if e, is := errors.AsType[*core.Error](err); is && e.Key == damaged {
		err = drop(ctx, h.DB, h.Self)
	} else if core.CodeOf(err) == core.CodeNotFound {
		err = nil
	} else if err == nil && was.equal(card) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := card.Body()
	if err != nil {
		return err
	}
	return appendTo(ctx, TypeCard, b)
}
