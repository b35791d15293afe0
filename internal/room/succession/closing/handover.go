package closing

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/paper"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/recipe"
)

// freshRestore is how old the restore may be that an adopter signs on.
const freshRestore = 30 * 24 * time.Hour

// Deal is what an owner decides when it accepts an offer. Zero days are the last day, and 30 days
// after it.
type Deal struct {
	To          core.MemberID
	Day         stage.Day
	KeepsDomain bool
	Table       []recipe.Row
	EraseBy     stage.Day
}

// Contract makes the handover that we would sign, so that a person reads it first. Returns
// CodeNotFound "succession.closing.no_offer", "succession.closing.no_pack", CodeInvalid
// "succession.closing.no_table", "succession.closing.before_last_day".
func (s *Handovers) Contract(ctx context.Context, service string, d Deal) (paper.Handover, error) {
	h := paper.Handover{
		Document: paper.Document{V: 1, Owner: s.self(), Service: service}, To: d.To, Salt: paper.NewSalt(), Day: d.Day, KeepsDomain: d.KeepsDomain,
		Table: d.Table, ControllerFrom: d.Day, EraseBy: d.EraseBy,
	}
	st, err := s.offered(ctx, s.self(), service)
	if err != nil {
		return h, err
	}
	offers, err := s.Offers(ctx, service)
	if err != nil {
		return h, err
	}
	if !slices.ContainsFunc(offers, func(o paper.Offer) bool { return o.By == d.To }) {
		return h, core.NotFound("succession.closing.no_offer", errors.New("it made no offer")).With("Member", string(d.To)).With("Service", service)
	}
	if err := s.named(ctx, d.To, service); err != nil {
		return h, err
	}
	if h.Day == "" {
		h.Day = st.LastDay
	}
	if h.EraseBy == "" {
		h.EraseBy = h.Day.Add(30)
	}
	h.ControllerFrom = h.Day
	switch {
	case len(d.Table) == 0:
		return h, core.Invalid("succession.closing.no_table", errors.New("no table"))
	case h.Day < st.LastDay:
		return h, core.Invalid("succession.closing.before_last_day", errors.New("before the last day")).With("Day", string(st.LastDay))
	}
	restores, ok := s.n.Restores()
	if !ok {
		return h, core.NotFound("succession.closing.no_pack", errors.New("nobody knows packs")).With("Service", service)
	}
	if h.Pack, err = restores.PackID(ctx, s.self(), service); err != nil {
		return h, err
	}
	h.TextFR, h.TextEN = s.text(h, words.French), s.text(h, words.English)
	return h, nil
}

// text is the contract as people read it, in a language.
func (s *Handovers) text(h paper.Handover, lang string) string {
	p := s.n.Words.Printer(lang)
	part := func(fate recipe.Fate) string {
		var lines []string
		for _, r := range h.Table {
			if r.Fate == fate {
				lines = append(lines, "- "+Plain(p, r))
			}
		}
		if len(lines) == 0 {
			return "- " + p.T("succession.paper.contract_nothing", nil)
		}
		return strings.Join(lines, "\n")
	}
	domain := "succession.paper.contract_domain_goes"
	if h.KeepsDomain {
		domain = "succession.paper.contract_domain_stays"
	}
	return p.T("succession.paper.contract", map[string]any{
		"Owner": string(h.Owner), "To": string(h.To), "Service": h.Service, "Pack": h.Pack, "Day": p.Day(h.Day.Start()), "Domain": p.T(domain, nil),
		"Kept": part(recipe.Kept), "Archived": part(recipe.Archived), "Lost": part(recipe.Lost), "From": p.Day(h.ControllerFrom.Start()), "EraseBy": p.Day(h.EraseBy.Start()),
	})
}

// Plain is one row of a table in a language: what a recipe calls by a key, in words; what a person
// wrote, as it is.
func Plain(p *words.Printer, r recipe.Row) string {
	what := sentence(p, r.What)
	if r.Why != "" {
		what += " (" + sentence(p, r.Why) + ")"
	}
	return what
}

func sentence(p *words.Printer, text string) string {
	if strings.HasPrefix(text, "succession.recipe.") && !strings.ContainsAny(text, " \n") {
		return p.T(text, nil)
	}
	return text
}

// Accept signs the handover as owner and sends it to the adopter, whose people sign or do not.
func (s *Handovers) Accept(ctx context.Context, h paper.Handover) (id string, err error) {
	env, id, err := paper.Sign(paper.TypeHandover, h, s.n.Signer)
	if err != nil {
		return "", err
	}
	if err := s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeHandover, Owner: s.self(), Service: h.Service, Member: h.To, Envelope: env, Got: s.now()}); err != nil {
		return "", err
	}
	return id, s.n.Calls.JSON(ctx, h.To, http.MethodPost, pathHandover, handoverIn{env}, &struct{}{})
}

// Unsigned is the newest handover of an owner to us that waits for our signature. Returns
// CodeNotFound "succession.closing.nothing_to_sign".
func (s *Handovers) Unsigned(ctx context.Context, owner core.MemberID, service string) (paper.Held, paper.Handover, error) {
	all, err := s.papers.Of(ctx, owner, service, paper.TypeHandover)
	for _, held := range slices.Backward(all) {
		if held.Member == s.self() && len(held.Envelope.Signatures) == 1 {
			h, err := paper.Peek[paper.Handover](held.Envelope)
			h.ID = held.ID
			return held, h, err
		}
	}
	if err == nil {
		err = core.NotFound("succession.closing.nothing_to_sign", errors.New("no handover waits")).With("Member", string(owner)).With("Service", service)
	}
	return paper.Held{}, paper.Handover{}, err
}

// Restored is our restore that a handover may be signed on. Returns CodeDenied
// "succession.closing.no_restore", "succession.closing.old_restore".
func (s *Handovers) Restored(ctx context.Context, owner core.MemberID, service string) (core.Moment, error) {
	none := core.Denied("succession.closing.no_restore", errors.New("no equal restore")).With("Member", string(owner)).With("Service", service)
	restores, ok := s.n.Restores()
	if !ok {
		return 0, none
	}
	_, at, err := restores.Restored(ctx, owner, service)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return 0, none
	case err == nil && s.now() > at.Add(freshRestore):
		err = core.Denied("succession.closing.old_restore", errors.New("older than 30 days")).With("Day", string(stage.DayOf(at)))
	}
	return at, err
}

// Sign signs the handover with an id, which somebody read, as adopter, logs it, and tells the owner.
// It may be done again after a kill. Returns what Unsigned and Restored do; CodeConflict
// "succession.closing.other_contract" where another came since.
func (s *Handovers) Sign(ctx context.Context, owner core.MemberID, service, id string) (paper.Handover, error) {
	held, h, err := s.Unsigned(ctx, owner, service)
	if err == nil && held.ID != id {
		err = core.Conflict("succession.closing.other_contract", errors.New("another handover came meanwhile")).With("Member", string(owner)).With("Service", service)
	}
	if core.CodeOf(err) == core.CodeNotFound {
		return s.signedAgain(ctx, owner, service, err)
	}
	if err != nil {
		return h, err
	}
	if _, err := s.offered(ctx, owner, service); err != nil {
		return h, err
	}
	if _, err := s.Restored(ctx, owner, service); err != nil {
		return h, err
	}
	if err := held.Envelope.AddSignature(s.n.Signer); err != nil {
		return h, err
	}
	if err := s.papers.Put(ctx, held); err != nil {
		return h, err
	}
	return h, s.tell(ctx, held)
}

// signedAgain goes on with a handover that we signed and that the owner does not have yet.
func (s *Handovers) signedAgain(ctx context.Context, owner core.MemberID, service string, none error) (paper.Handover, error) {
	all, err := s.papers.Of(ctx, owner, service, paper.TypeHandover)
	if err != nil {
		return paper.Handover{}, err
	}
	for _, held := range slices.Backward(all) {
		if held.Member == s.self() && len(held.Envelope.Signatures) == 2 {
			h, err := paper.Peek[paper.Handover](held.Envelope)
			if err != nil {
				return h, err
			}
			h.ID = held.ID
			return h, s.tell(ctx, held)
		}
	}
	return paper.Handover{}, none
}

// tell logs that we are a side of a handover, once, and sends it to the owner.
func (s *Handovers) tell(ctx context.Context, held paper.Held) error {
	if err := s.sayHandover(ctx, held.ID); err != nil {
		return err
	}
	return s.n.Calls.JSON(ctx, held.Owner, http.MethodPost, pathHandover, handoverIn{held.Envelope}, &struct{}{})
}

func (s *Handovers) sayHandover(ctx context.Context, id string) error {
	namers, err := s.papers.Namers(ctx, id)
	if err != nil || slices.Contains(namers, s.self()) {
		return err
	}
	return s.append(ctx, paper.TypeHandoverSaid, paper.HandoverSaid{Handover: id})
}

// serveHandover takes a handover: as adopter with the owner's signature, as owner with both.
func (s *Handovers) serveHandover(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var in handoverIn
	if err := peer.ReadJSON(r, &in); err != nil {
		return err
	}
	peek, err := paper.Peek[paper.Handover](in.Handover)
	if err != nil {
		return err
	}
	switch {
	case peek.Owner == from && peek.To == s.self():
		err = s.receive(r.Context(), in, from)
	case peek.Owner == s.self() && peek.To == from:
		err = s.conclude(r.Context(), in, from)
	default:
		err = core.Denied("succession.paper.other_signer", errors.New("a handover between others"))
	}
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// receive keeps what an owner asks us to sign.
func (s *Handovers) receive(ctx context.Context, in handoverIn, owner core.MemberID) error {
	h, id, err := paper.Open[paper.Handover](ctx, in.Handover, paper.TypeHandover, s.n.Book.Keys, owner)
	if err != nil {
		return err
	}
	offers, err := s.papers.Offers(ctx, owner, h.Service)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(offers, func(o paper.Offer) bool { return o.By == s.self() }) {
		return core.Denied("succession.closing.no_offer", errors.New("we made no offer")).With("Member", string(s.self())).With("Service", h.Service)
	}
	return s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeHandover, Owner: owner, Service: h.Service, Member: s.self(), Envelope: in.Handover, Got: s.now()})
}

// conclude takes a handover of ours that the adopter signed: we must have signed the same. Then
// the service is adopted. It may come again.
func (s *Handovers) conclude(ctx context.Context, in handoverIn, adopter core.MemberID) error {
	h, id, err := paper.Open[paper.Handover](ctx, in.Handover, paper.TypeHandover, s.n.Book.Keys, s.self(), adopter)
	if err != nil {
		return err
	}
	if _, err := s.papers.Get(ctx, id); err != nil {
		return err // we never signed it, or took it back
	}
	st, err := s.One(ctx, s.self(), h.Service)
	if err != nil {
		return err
	}
	if st.Handover != id && st.Stage != stage.Offered {
		return core.Conflict("succession.closing.order", errors.New("it takes no handover")).With("Stage", string(st.Stage))
	}
	if err := s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeHandover, Owner: s.self(), Service: h.Service, Member: adopter, Envelope: in.Handover, Got: s.now()}); err != nil {
		return err
	}
	if err := s.sayHandover(ctx, id); err != nil || st.Handover == id {
		return err
	}
	_, err = s.say(ctx, stage.Say{Service: h.Service, LastDay: st.LastDay, Stage: stage.Adopted, Handover: id})
	return err
}

// Adopter is who takes a service over, by the handover that both signed and both named; empty =
// nobody, or the document is not here yet.
func (s *Closings) Adopter(ctx context.Context, st stage.Standing) (paper.Handover, bool, error) {
	if st.Handover == "" {
		return paper.Handover{}, false, nil
	}
	h, err := s.papers.Handover(ctx, st.Handover)
	if core.CodeOf(err) == core.CodeNotFound {
		return h, false, nil
	}
	if err != nil || h.Owner != st.Owner || h.Service != st.Service {
		return paper.Handover{}, false, err
	}
	h.ID = st.Handover
	namers, err := s.papers.Namers(ctx, h.ID)
	return h, err == nil && slices.Contains(namers, h.To), err
}

// Moved says, as adopter, how many rows of a handover's table came to what; the handover in m is not
// asked for. Returns CodeDenied "succession.closing.not_adopter", CodeInvalid
// "succession.closing.counts".
func (s *Handovers) Moved(ctx context.Context, owner core.MemberID, service string, m paper.Moved) error {
	st, err := s.One(ctx, owner, service)
	if err != nil {
		return err
	}
	h, ok, err := s.Adopter(ctx, st)
	switch {
	case err != nil:
		return err
	case !ok || h.To != s.self():
		return core.Denied("succession.closing.not_adopter", errors.New("not ours")).With("Member", string(owner)).With("Service", service)
	case min(m.Kept, m.Archived, m.Lost) < 0 || m.Kept+m.Archived+m.Lost != int64(len(h.Table)):
		return core.Invalid("succession.closing.counts", errors.New("another number of rows")).With("Count", len(h.Table))
	}
	m.Handover = h.ID
	return s.append(ctx, paper.TypeMoved, m)
}
