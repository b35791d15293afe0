package ability

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/person"
)

// Seer looks at what proves an ability, outside of this node; Network is one.
type Seer interface {
	// TXT answers the texts of a name, as the servers in charge of its zone say them. Returns
	// CodeUnsure where they cannot be asked, or do not agree.
	TXT(ctx context.Context, name string) ([]string, error)
	// Domain answers what the registry tells of a domain. Returns CodeUnsure where it
	// cannot be asked.
	Domain(ctx context.Context, name string) (Registration, error)
}

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	CanMail() bool
	Mail(ctx context.Context, to, title, text string) error
}

// Needs is what abilities are wired with; all but Mailer is required.
type Needs struct {
	DB      *db.DB
	Persons *person.Persons
	Node    core.MemberID
	URL     string // where browsers reach this node
	Seer    Seer
	// Mailer finds who carries mails, when there is one to send.
	Mailer func() (Mailer, bool)
	// Recovery is what only the 24 words open. Returns CodeNotFound on a node without words.
	Recovery func() (*age.X25519Recipient, error)
	// RootFile is where root writes its proof ("/etc/entrechat-proof").
	RootFile string
	// Boxes are the boxes dealt to custodians, as they count today.
	Boxes Boxes
	Say   Say
	Now   func() time.Time
}

// Say says a sentence of a mail, in the language of the node.
type Say func(key string, args map[string]any) string

// Abilities keeps what services need, and who proved it. Safe for concurrent use.
type Abilities struct{ Needs }

// Add notes that a service needs somebody to be able to do something. Returns what parse
// does, CodeConflict "custody.ability.there", CodeFull "custody.ability.too_many".
func (s *Abilities) Add(ctx context.Context, service, kind, subject string) (Ability, error) {
	a, err := parse(service, kind, subject)
	if err != nil {
		return a, err
	}
	a.ID, a.Made = random(8), core.At(s.Now())
	err = s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		all, err := list(ctx, q)
		if err != nil {
			return err
		}
		if len(all) >= maxAbilities {
			return core.Full("custody.ability.too_many", errors.New("too many")).With("Most", maxAbilities)
		}
		fresh, err := insert(ctx, q, a)
		if err == nil && !fresh {
			return core.Conflict("custody.ability.there", errors.New("it is there already"))
		}
		return err
	})
	return a, err
}

// Drop removes an ability that is needed no more, with its proofs.
func (s *Abilities) Drop(ctx context.Context, id string) error {
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := get(ctx, q, id); err != nil {
			return err
		}
		return drop(ctx, q, id)
	})
}

// All are the abilities that services need, by service.
func (s *Abilities) All(ctx context.Context) ([]Ability, error) { return list(ctx, s.DB) }

// Find finds an ability by at least six signs of its id. Returns CodeNotFound
// "custody.ability.none".
func (s *Abilities) Find(ctx context.Context, text string) (Ability, error) {
	all, err := list(ctx, s.DB)
	if err != nil {
		return Ability{}, err
	}
	for _, a := range all {
		if text = strings.TrimSpace(text); len(text) >= 6 && strings.HasPrefix(a.ID, text) {
			return a, nil
		}
	}
	return Ability{}, core.NotFound("custody.ability.none", errors.New("no such ability"))
}

// Task is what somebody has to do to prove an ability.
type Task struct {
	Challenge
	Ability Ability
	Proof   Proof  // how the node will see it; "" = a second person has to
	Line    string // to be signed
	TXT     string // the record to set; empty otherwise
	Name    string // the record's name
	File    string // where root writes the signature; empty otherwise
	Canary  bool   // the 24 words are asked for
}

// Prove begins a proof: within seven days the person has to sign Task.Line and do what Task
// says. Returns CodeNotFound for a person or an ability there is not, CodeDenied for who has
// left, CodeUnsure where the registry cannot be asked or no mail can be sent.
func (s *Abilities) Prove(ctx context.Context, id string, who person.ID) (Task, error) {
	a, c, err := s.both(ctx, id, who)
	if err != nil {
		return Task{}, err
	}
	now := core.At(s.Now())
	t := Task{Challenge: Challenge{ID: random(16), Ability: a.ID, Person: c.ID, Expires: now.Add(open)}, Ability: a, Proof: a.Kind.own(a.Subject)}
	t.Line = t.Challenge.Line(s.Node)
	token := ""
	switch t.Proof {
	case ByTXT:
		t.Name, t.TXT = proofName(a.Subject), t.Challenge.TXT()
	case ByRoot:
		t.File = s.RootFile
	case ByCanary:
		t.Canary = true
	case ByRDAP:
		r, err := s.Seer.Domain(ctx, a.Subject)
		if err != nil {
			t.Proof = "" // a second person has to see it
			break
		}
		t.Before = r.state()
	case ByMail:
		token = random(16)
		t.Token = seal.TokenHash(token)
	case Witnessed:
	}
	if err := s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return begin(ctx, q, t.Challenge, now) }); err != nil {
		return t, err
	}
	if token != "" {
		return t, s.mail(ctx, a, token)
	}
	return t, nil
}

// both finds the ability and the person, who must be here.
func (s *Abilities) both(ctx context.Context, id string, who person.ID) (a Ability, c person.Card, err error) {
	if a, err = get(ctx, s.DB, id); err != nil {
		return a, c, err
	}
	if c, err = s.Persons.Get(ctx, who); err == nil && !c.Here() {
		err = core.Denied("custody.person.has_left", errors.New("left"))
	}
	return a, c, err
}

// Given is what somebody brings to end a proof.
type Given struct {
	Signature        string    // of Task.Line by the person
	Witness          person.ID // who was there; empty = the node sees for itself
	WitnessSignature string
	Words            string // the 24 words, for a canary
}

// Confirm ends a proof that was begun. The person's signature is always needed; beside it
// the node sees for itself, or a second person signs. Returns CodeNotFound
// "custody.ability.no_challenge" for one that is over, what person.Card.Verify does, CodeDenied
// "custody.ability.not_seen" while what has to be seen is not there.
func (s *Abilities) Confirm(ctx context.Context, id string, g Given) (Holding, error) {
	now := core.At(s.Now())
	ch, err := challenge(ctx, s.DB, id, "", now)
	if err != nil {
		return Holding{}, err
	}
	a, c, err := s.both(ctx, ch.Ability, ch.Person)
	if err != nil {
		return Holding{}, err
	}
	line := ch.Line(s.Node)
	if err := c.Verify([]byte(line), g.Signature); err != nil {
		return Holding{}, err
	}
	h := Holding{Ability: a.ID, Person: c.ID, Proof: a.Kind.own(a.Subject)}
	var seen string
	switch {
	case g.Witness != "":
		h.Proof, h.Witness = Witnessed, g.Witness
		seen, err = s.witnessed(ctx, ch, g)
	case h.Proof == "":
		err = core.Denied("custody.ability.needs_witness", errors.New("the node cannot see this kind"))
	case h.Proof == ByMail:
		err = core.Denied("custody.ability.answer_mail", errors.New("the mail has to be answered"))
	default:
		seen, err = s.see(ctx, a, ch, g)
	}
	if err != nil {
		return Holding{}, err
	}
	h.Evidence = evidence(line, g.Signature, seen)
	return h, s.finish(ctx, ch, &h)
}

// finish notes a proof, once.
func (s *Abilities) finish(ctx context.Context, ch Challenge, h *Holding) error {
	h.Proved = core.At(s.Now())
	return s.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		first, err := end(ctx, q, ch.ID)
		if err != nil {
			return err
		}
		if !first {
			return core.NotFound("custody.ability.no_challenge", errors.New("it was ended meanwhile"))
		}
		return hold(ctx, q, *h)
	})
}

// witnessed checks the second person: another one, who is here and signed.
func (s *Abilities) witnessed(ctx context.Context, ch Challenge, g Given) (string, error) {
	if g.Witness == ch.Person {
		return "", core.Denied("custody.ability.own_witness", errors.New("nobody witnesses for themselves"))
	}
	w, err := s.Persons.Get(ctx, g.Witness)
	if err != nil {
		return "", err
	}
	return g.WitnessSignature, w.Verify([]byte(ch.WitnessLine(s.Node, g.Witness)), g.WitnessSignature)
}

func evidence(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		sum := sha256.Sum256([]byte(p))
		h.Write(sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}
