package move

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
)

// Wish is what somebody who comes wants here.
type Wish struct {
	From core.MemberID // the old home
	Code string        // of the release
	// Handle is the name wanted here; empty = the one at the old home.
	Handle string
	// Own is the person's account here, where they are signed in; empty = there is none.
	Own person.ID
	By  audit.From
}

// Welcome is somebody who came.
type Welcome struct {
	Handle string `json:"handle"`
	// Address is where they choose how to sign in here, once; empty for who could sign in
	// here before.
	Address string `json:"address,omitempty"`
}

// The ways somebody has an account here.
const (
	wayNew     = "new"     // made for them
	wayVisitor = "visitor" // they were a visitor
	wayOwn     = "own"     // they had one
)

// The states of a release of theirs.
const (
	asked    = "asked" // signed here; the old home was not heard yet
	finished = "done"
)

// giveUp is how long after a release has ended a silent home is asked whether it let its person
// go before.
const giveUp = 30 * 24 * time.Hour

// coming is people who come.
type coming struct{ *Moves }

// Look asks the old home who comes with a code. Returns CodeNotFound "identity.move.no_code",
// CodeDenied "identity.move.refused" for a release that does not hold, and CodeUnsure where
// the home does not answer.
func (m *Moves) Look(ctx context.Context, w Wish) (Comer, error) {
	c := coming{m}
	if found, err := m.n.Homes.Get(ctx, w.From); err != nil || found.Shut != 0 {
		return Comer{}, core.Invalid("identity.move.unknown_home", errors.Join(err, errors.New("no home, or shut"))).With("Member", string(w.From))
	}
	if !nonceForm.MatchString(w.Code) {
		return Comer{}, noCode("not the form of one")
	}
	var p passage
	if err := m.n.Calls.JSON(ctx, w.From, http.MethodPost, pathOpen, ask{Code: w.Code}, &p); err != nil {
		return Comer{}, err
	}
	return c.comer(ctx, w.From, p)
}

func noCode(why string) error { return core.NotFound("identity.move.no_code", errors.New(why)) }

// Comer is somebody who comes, as the old home says.
type Comer struct {
	passage
	chain Chain
}

// last is the release by which they come.
func (c Comer) last() Signed { return c.chain[len(c.chain)-1] }

// comer checks what a home says of somebody: a release of theirs, to us, that is good now.
func (m coming) comer(ctx context.Context, from core.MemberID, p passage) (c Comer, err error) {
	c.passage = p
	if c.chain, err = ReadChain(append(append([]string{}, p.Earlier...), p.Release), m.n.Self); err != nil {
		return c, err
	}
	s, now := c.last(), m.now()
	keys, err := m.keys(ctx, from, false)
	if err != nil {
		return c, err
	}
	err = s.signedBy(Keys{from: keys}, from)
	if err != nil { // asked again, after both had signed
		var own error
		both := Keys{from: keys}
		both[m.n.Self], own = m.keys(ctx, m.n.Self, false)
		if errors.Join(own, s.signedBy(both, from, m.n.Self)) == nil {
			err = nil
		}
	}
	switch {
	case err != nil:
	case s.Home != from:
		err = errors.New("a release of another home")
	case s.Until < now:
		err = errors.New("has ended")
	case s.Made > now.Add(clocks):
		err = errors.New("from the future")
	case s.Until > now.Add(listLife+clocks):
		err = errors.New("good for too long") // what waits for an answer of the home would never end
	}
	if err != nil {
		return c, core.Denied("identity.move.refused", err).With("Member", string(from))
	}
	return c, nil
}

// Take takes somebody in: they get an account here, the release is signed, and the old home
// hears it. Where the old home does not answer at the end, the same again goes on. Returns
// what Look does, what person.Reserve does, CodeDenied "identity.move.no_sign_up" where
// accounts are made by invitation, CodeConflict "identity.move.two_lives" for who is two
// people here and "identity.broker.suspended", CodeFull "identity.home.too_many" for more than
// 200 people of a home in a day, and what the old home refuses.
func (m *Moves) Take(ctx context.Context, w Wish) (Welcome, error) {
	if err := m.n.Newcomers(ctx); err != nil {
		return Welcome{}, err
	}
	who, err := m.Look(ctx, w)
	if err != nil {
		return Welcome{}, err
	}
	if !m.doors.take(w.From, m.n.Now()) {
		return Welcome{}, core.Full("identity.home.too_many", errors.New("too many by the page")).With("Member", string(w.From))
	}
	return coming{m}.take(ctx, w, who, m.n.SignUp)
}

func (m coming) take(ctx context.Context, w Wish, c Comer, anybody bool) (Welcome, error) {
	s := c.last()
	if err := s.Document.AddSignature(m.n.Signer); err != nil {
		return Welcome{}, err
	}
	text, err := s.text()
	if err != nil {
		return Welcome{}, err
	}
	var in arrived
	err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		var known bool
		if in, known, err = inOf(ctx, q, s.ID); err != nil || known {
			return err
		}
		in = arrived{id: s.ID, home: s.Home, sub: s.Sub, state: asked, document: text, until: s.Until}
		if err := m.settle(ctx, q, &in, w, newcomer{c, anybody}); err != nil {
			return err
		}
		return putChain(ctx, q, in, c.chain[:len(c.chain)-1])
	})
	if err != nil {
		return Welcome{}, err
	}
	if in.state == finished {
		if has, err := m.n.Ways(ctx, in.person); err != nil || has || in.way == wayOwn {
			return Welcome{}, errors.Join(err, noCode("used before"))
		}
	}
	return m.finish(ctx, in, w.By)
}

// newcomer is somebody who comes, and whether anybody may have an account here.
type newcomer struct {
	Comer
	anybody bool
}

// settle finds or makes the account of somebody who comes.
func (m coming) settle(ctx context.Context, q db.Querier, in *arrived, w Wish, c newcomer) error {
	twice := core.Conflict("identity.move.two_lives", errors.New("is somebody else here"))
	v, known, err := home.Find(ctx, q, in.home, in.sub)
	if err != nil {
		return err
	}
	if w.Handle == "" {
		w.Handle = c.Handle
	}
	switch {
	case known && (v.State != home.Active || w.Own != "" && w.Own != v.Person):
		return twice
	case w.Own != "":
		in.way, in.person = wayOwn, w.Own
		if p, err := person.Get(ctx, q, w.Own); err != nil || p.Kind != person.Local || p.Status != person.Active {
			return errors.Join(err, twice)
		}
		return m.oneWay(ctx, q, w.Own)
	case !c.anybody:
		return core.Denied("identity.move.no_sign_up", errors.New("by invitation"))
	case known:
		in.way, in.person = wayVisitor, v.Person
		// Before the old home hears it: who is suspended here would have no account at either.
		if p, err := person.Get(ctx, q, v.Person); err != nil || p.Status != person.Active {
			return errors.Join(err, core.Conflict("identity.broker.suspended", errors.New("suspended here")))
		}
		in.handle, err = person.Reserve(ctx, q, v.Person, w.Handle, m.now())
		return err
	}
	n := person.New{Handle: w.Handle, Name: c.Name, Lang: c.Lang, Status: person.Waiting}
	if n.Name, err = person.ParseName(c.Name); err != nil {
		n.Name = ""
	}
	if n.Lang != "en" {
		n.Lang = "fr"
	}
	if n.Choice, err = person.ParseChoice(c.Choice); err != nil {
		n.Choice = person.Archive
	}
	p, err := person.Create(ctx, q, n, m.now())
	in.way, in.person, in.handle = wayNew, p.ID, p.Handle
	return err
}

// oneWay refuses who came to the account they have here from elsewhere before.
func (m coming) oneWay(ctx context.Context, q db.Querier, own person.ID) error {
	came, err := cameRows(ctx, q, own, 1)
	if err == nil && len(came) > 0 {
		err = core.Conflict("identity.move.two_lives", errors.New("came from elsewhere before"))
	}
	return err
}

// finish tells the old home, and then gives the account to who came.
func (m coming) finish(ctx context.Context, in arrived, by audit.From) (out Welcome, err error) {
	p, err := person.Get(ctx, m.n.DB, in.person)
	if err != nil {
		return out, err
	}
	out.Handle = p.Handle
	if in.handle != "" {
		out.Handle = in.handle
	}
	if in.state != finished {
		if err := m.letGo(ctx, in, done{in.document, string(in.person), out.Handle}); err != nil {
			return out, err
		}
	}
	err = m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := m.give(ctx, q, in, by); err != nil || in.way == wayOwn {
			return err
		}
		out.Address, err = m.n.Invite(ctx, q, in.person, m.now())
		return err
	})
	if err != nil {
		return out, err
	}
	return out, m.Tell(ctx)
}

// letGo tells the old home that we have a person, unless its logbook says already that it let
// them go. Where that home refuses, the person is forgotten here. Where it does not answer, or
// does not hear us, nothing is: it may have let them go, and only its answer was lost.
func (m coming) letGo(ctx context.Context, in arrived, d done) error {
	said, err := saidOf(ctx, m.n.DB, in.home, in.id)
	if err != nil || said.moved >= 0 && said.back < 0 {
		return err
	}
	if err := in.damage(); err != nil {
		return err // else the old home refuses it, and a person whom it let go would be at home nowhere
	}
	err = m.n.Calls.JSON(ctx, in.home, http.MethodPost, pathDone, d, nil)
	if refusal(err) || in.until.Add(giveUp) < m.now() && core.CodeOf(err) == core.CodeUnsure {
		return errors.Join(err, m.undo(ctx, in))
	}
	return err
}

// refusal says whether the part of the old home that lets people go refused: not that nobody
// answered there, nor that a request of ours was not taken (peer.*), as with a wrong clock.
func refusal(err error) bool {
	e, is := errors.AsType[*core.Error](err)
	if !is || !strings.HasPrefix(e.Key, "identity.") {
		return false
	}
	switch e.Code {
	case core.CodeDenied, core.CodeNotFound, core.CodeConflict, core.CodeInvalid:
		return true
	case core.CodeInternal, core.CodeUnsure, core.CodeFull:
	}
	return false
}

// give makes the account theirs; once.
func (m coming) give(ctx context.Context, q db.Querier, in arrived, by audit.From) error {
	first, err := finishIn(ctx, q, in.id)
	if err != nil || !first {
		return err
	}
	switch in.way {
	case wayVisitor:
		_, err = person.Arrive(ctx, q, in.person, in.handle)
	case wayNew:
		_, err = person.Change(ctx, q, in.person, func(p *person.Person) error { p.Status = person.Active; return nil })
	}
	if err != nil {
		return err
	}
	if err := home.Leave(ctx, q, in.home, in.sub); err != nil {
		return err
	}
	if err := errors.Join(cameBack(ctx, q, in.person), legacy.EndOf(ctx, q, in.person)); err != nil {
		return err
	}
	return audit.Append(ctx, q, m.now(), audit.Event{Person: in.person, By: in.person, Kind: audit.Moved, About: string(in.home), From: by})
}

// undo forgets somebody whom the old home did not let go after all.
func (m coming) undo(ctx context.Context, in arrived) error {
	return m.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		dropped, err := dropIn(ctx, q, in.id)
		if err != nil || !dropped || in.way != wayNew {
			return err
		}
		_, err = person.Close(ctx, q, in.person, m.now())
		return err
	})
}

// TakeList takes in everybody whom a member that closes hands over to us. The member's admin
// signed the list; each comes with the address where they choose how to sign in here. One
// person's trouble does not stop another: it is among the errors.
func (m *Moves) TakeList(ctx context.Context, from core.MemberID) (all []Welcome, failed []error, err error) {
	c := coming{m}
	if err := m.n.Newcomers(ctx); err != nil {
		return nil, nil, err
	}
	if _, err := m.n.Homes.Get(ctx, from); err != nil {
		return nil, nil, err
	}
	a := ask{}
	for range 10_000 {
		var some passages
		if err := m.n.Calls.JSON(ctx, from, http.MethodPost, pathList, a, &some); err != nil {
			return all, failed, err
		}
		if len(some.People) > page {
			return all, failed, bad(errors.New("more than a page"))
		}
		for _, p := range some.People {
			one, err := c.takeListed(ctx, from, p)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			all = append(all, one)
		}
		if a.After = some.Next; a.After == "" {
			return all, failed, nil
		}
	}
	return all, failed, bad(errors.New("a list without an end"))
}

// takeListed takes one person of a list, under the next name that is free.
func (m coming) takeListed(ctx context.Context, from core.MemberID, p passage) (out Welcome, err error) {
	c, err := m.comer(ctx, from, p)
	if err != nil {
		return out, err
	}
	for _, tail := range tails() {
		out, err = m.take(ctx, Wish{From: from, Handle: c.Handle + tail}, c, true)
		if !nameTaken(err) {
			break
		}
	}
	return out, err
}

// tails are what is put behind a name that somebody else has here, in turn.
func tails() []string { return []string{"", "2", "3", "4", "5", "6", "7", "8", "9"} }

// nameTaken says whether the next name may be free.
func nameTaken(err error) bool {
	e, is := errors.AsType[*core.Error](err)
	return is && (e.Key == "identity.person.handle_taken" || e.Key == "identity.person.handle_reserved")
}

// Chain is the releases by which a person came here, as other members are shown them.
func (m *Moves) Chain(ctx context.Context, who person.ID) ([]string, error) {
	return cameTexts(ctx, m.n.DB, who, MaxChain)
}

// Resume goes on with those whose old home did not answer. A home that is silent now is asked
// once, and keeps nobody of another home waiting.
func (m *Moves) Resume(ctx context.Context) error {
	c := coming{m}
	errs := []error{m.Tell(ctx)}
	silent := map[core.MemberID]bool{}
	for after := ""; ; {
		waiting, err := askedIn(ctx, m.n.DB, after)
		if err != nil || len(waiting) == 0 {
			return errors.Join(append(errs, err)...)
		}
		for _, in := range waiting {
			after = in.id
			if silent[in.home] {
				continue
			}
			_, err := c.finish(ctx, in, audit.From{})
			silent[in.home] = core.CodeOf(err) == core.CodeUnsure
			if core.CodeOf(err) == core.CodeInternal {
				errs = append(errs, err)
			}
		}
	}
}
