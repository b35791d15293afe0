package debate

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/debate/document"
	"entrechat/internal/room/assembly/need"
	"entrechat/internal/room/assembly/stranger"
)

// Incidents answers what the house measured, and what was told of it. Stories are by the
// names of a postmortem's texts.
type Incidents interface {
	// Outages are our own incidents that are over, the newest first; down is 0 where nobody
	// measured it.
	Outages(ctx context.Context, since core.Moment, take func(id string, services []string, from, until core.Moment, down time.Duration)) error
	// Postmortem is the newest one of an incident. Returns CodeNotFound.
	Postmortem(ctx context.Context, id string) (texts map[string]string, lang string, err error)
	PublishPostmortem(ctx context.Context, id, lang string, texts map[string]string) error
	// EachPostmortem tells those of all members, ours too, the newest first.
	EachPostmortem(ctx context.Context, take func(owner core.MemberID, id string, opened core.Moment, texts map[string]string)) error
}

// Append writes an entry of ours.
type Append func(ctx context.Context, typ string, aud []core.MemberID, body any) error

// Needs is what the service is made of; Incidents may find none, all else is required.
type Needs struct {
	DB      *db.DB
	Members need.Members
	Append  Append
	// Incidents finds who answers for outages, when there is something to ask.
	Incidents func() (Incidents, bool)
	// Tell makes a need of a text; it waits for a moderator as any other.
	Tell  func(ctx context.Context, lang, goal string) error
	URL   string // where browsers reach this node, without a slash at its end
	Lang  string // of drafts that nobody wrote in yet
	Words *words.Catalogue
	Now   func() time.Time
	Log   *slog.Logger
}

// Service is the debates of one hoster. Safe for concurrent use.
type Service struct{ *Others }

// Others is what a hoster and the other members say to each other in debates.
type Others struct{ *base }

// base is what both ask.
type base struct{ n Needs }

// New makes the service.
func New(n Needs) *Service { return &Service{&Others{&base{n}}} }

func (s *base) now() core.Moment    { return core.At(s.n.Now()) }
func (s *base) self() core.MemberID { return s.n.Members.Signer.ID() }

// Opening is a debate that a person begins.
type Opening struct {
	Reason   Reason
	Title    string
	Lang     string
	Incident string // of the watch, ours and over; empty = none
}

// Open begins a draft. Returns CodeInvalid, CodeNotFound for an incident that is not ours or
// not over, CodeConflict for one that has a debate.
func (s *Service) Open(ctx context.Context, o Opening) (Debate, error) {
	d := Debate{ID: rand.Text(), Reason: o.Reason, State: Draft, Texts: Texts{Lang: o.Lang, Title: o.Title}.Tidy(), Made: s.now()}
	d.origin = "hand " + d.ID
	if !document.Known(d.Reason) {
		return d, core.Invalid("assembly.debate.bad_reason", errors.New("no such reason"))
	}
	if o.Incident != "" {
		out, err := s.outage(ctx, o.Incident)
		if err != nil {
			return d, err
		}
		d = s.measured(ctx, d, out)
	}
	if d.Title == "" {
		return d, core.Invalid("assembly.debate.bad_empty", errors.New("no title"))
	}
	if err := d.Check(false); err != nil {
		return d, err
	}
	added, err := insert(ctx, s.n.DB, d)
	if err == nil && !added {
		err = core.Conflict("assembly.debate.twice", errors.New("it has a debate"))
	}
	return d, err
}

// outage is an incident of ours that is over, by its id or the beginning of it.
func (s *Service) outage(ctx context.Context, id string) (found outage, err error) {
	all, err := s.outages(ctx, s.now().Add(-365*day))
	for _, o := range all {
		if len(id) >= 4 && strings.HasPrefix(o.id, id) {
			return o, err
		}
	}
	if err == nil {
		err = core.NotFound("assembly.debate.no_incident", errors.New("no incident of ours that is over"))
	}
	return found, err
}

// change reads a debate, changes it and writes it, in one transaction.
func (s *Service) change(ctx context.Context, id string, do func(ctx context.Context, q db.Querier, d *Debate) error) (Debate, error) {
	var d Debate
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		if d, err = get(ctx, q, id); err != nil {
			return err
		}
		if d.Actions, err = actionsOf(ctx, q, d.ID); err != nil {
			return err
		}
		if err = do(ctx, q, &d); err != nil {
			return err
		}
		return save(ctx, q, d)
	})
	if err != nil {
		return d, err
	}
	return s.Get(ctx, d.ID)
}

func isDraft(d *Debate) error {
	if d.State != Draft {
		return core.Conflict("assembly.debate.not_draft", errors.New("not a draft"))
	}
	return nil
}

// Write changes the texts of a draft; what a reader read before is to be read again. Returns
// CodeInvalid, CodeConflict, CodeNotFound.
func (s *Service) Write(ctx context.Context, id string, t Texts) (Debate, error) {
	t = t.Tidy()
	if err := errors.Join(t.Check(false), t.CheckWording()); err != nil {
		return Debate{}, err
	}
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, d *Debate) error {
		if err := isDraft(d); err != nil || d.Texts == t {
			return err
		}
		if d.Doc != "" { // its publication broke off
			own, err := getPaper(ctx, q, d.Doc, kindQuestion, s.self())
			if err == nil && own.Place >= 0 {
				err = core.Conflict("assembly.debate.not_draft", errors.New("our logbook names it already"))
			}
			if err == nil {
				err = forgetPaper(ctx, q, d.Doc, s.self())
			}
			if err != nil {
				return err
			}
		}
		d.Texts, d.Doc, d.Reader, d.report, d.Asked, d.reading, d.Read = t, "", "", "", 0, "", 0
		return nil
	})
}

// Drop ends a draft that nobody wants; the same incident is not proposed again.
func (s *Service) Drop(ctx context.Context, id string) (Debate, error) {
	return s.change(ctx, id, func(_ context.Context, _ db.Querier, d *Debate) error {
		if err := isDraft(d); err != nil {
			return err
		}
		d.State, d.Story, d.Question, d.report, d.Asked = Dropped, Story{}, "", "", 0
		return nil
	})
}

// AddAction says what changes. Returns CodeInvalid for one without role or day, CodeConflict
// once the debate is over.
func (s *Service) AddAction(ctx context.Context, id string, a Action) (Action, error) {
	a = Action{ID: rand.Text(), What: stranger.Tidy(a.What), Role: stranger.Tidy(a.Role), Due: stranger.Tidy(a.Due), Made: s.now()}
	if err := a.check(s.n.Now()); err != nil {
		return a, err
	}
	_, err := s.change(ctx, id, func(ctx context.Context, q db.Querier, d *Debate) error {
		if d.State != Draft && d.State != Public {
			return core.Conflict("assembly.debate.over", errors.New("closed or dropped"))
		}
		if len(d.Actions) >= maxActions {
			return core.Full("assembly.debate.many_actions", errors.New("too many actions"))
		}
		a.Debate = d.ID
		return insertAction(ctx, q, a)
	})
	return a, err
}

// RemoveAction takes back what was planned in a draft; in public an action is done, or late.
func (s *Service) RemoveAction(ctx context.Context, action string) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		a, err := getAction(ctx, q, action)
		if err != nil {
			return err
		}
		d, err := get(ctx, q, a.Debate)
		if err == nil {
			err = isDraft(&d)
		}
		if err != nil {
			return err
		}
		return removeAction(ctx, q, a.ID)
	})
}

// Done says that an action is done; link is where one sees it, and may be empty. Doing it
// again changes the link.
func (s *Service) Done(ctx context.Context, action, link string) (Debate, error) {
	link = stranger.Tidy(link)
	if link != "" && !stranger.WebLink(link) {
		return Debate{}, core.Invalid("assembly.debate.bad_link", errors.New("no link"))
	}
	var d Debate
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		a, err := getAction(ctx, q, action)
		if err != nil {
			return err
		}
		if d, err = get(ctx, q, a.Debate); err != nil {
			return err
		}
		if d.State == Dropped {
			return core.Conflict("assembly.debate.over", errors.New("dropped"))
		}
		if a.Done == 0 {
			a.Done = s.now()
		}
		a.Link = link
		return saveAction(ctx, q, a)
	})
	if err != nil {
		return d, err
	}
	return s.Get(ctx, d.ID)
}

// Close ends a debate. Returns CodeConflict while one of its actions is open, or before it was
// public.
func (s *Service) Close(ctx context.Context, id string) (Debate, error) {
	return s.change(ctx, id, func(_ context.Context, _ db.Querier, d *Debate) error {
		switch {
		case d.State != Public:
			return core.Conflict("assembly.debate.not_public", errors.New("not public"))
		case d.OpenActions() > 0:
			return core.Conflict("assembly.debate.open_actions", errors.New("actions are open")).With("Count", d.OpenActions())
		}
		d.State, d.Ended = Closed, s.now()
		return nil
	})
}

// Get is one debate with its story, actions and remarks. Returns CodeNotFound.
func (s *Service) Get(ctx context.Context, id string) (Debate, error) {
	d, err := get(ctx, s.n.DB, id)
	if err != nil {
		return d, err
	}
	if d.Actions, err = actionsOf(ctx, s.n.DB, d.ID); err != nil || d.Doc == "" {
		return d, err
	}
	own, err := getPaper(ctx, s.n.DB, d.Doc, kindQuestion, s.self())
	if err != nil {
		return d, err
	}
	d.Withdrawn = own.State == withdrawn
	if d.Remarks, err = s.remarks(ctx, d.Doc); err != nil {
		return d, err
	}
	if d.Incident != "" && d.State != Draft && !d.Withdrawn {
		d.Story, err = s.told(ctx, d.Incident)
	}
	return d, err
}

// told is the postmortem of an incident; empty while none is here.
func (s *base) told(ctx context.Context, incident string) (Story, error) {
	watch, ok := s.n.Incidents()
	if !ok || incident == "" {
		return Story{}, nil
	}
	texts, _, err := watch.Postmortem(ctx, incident)
	if core.CodeOf(err) == core.CodeNotFound {
		return Story{}, nil
	}
	return document.StoryOf(texts), err
}

// Told is what another member told after an incident, as its postmortem.
type Told struct {
	Member core.MemberID `json:"member"`
	At     core.Moment   `json:"at_us"`
	What   string        `json:"what"`
	Answer string        `json:"answer"` // where it wants to be answered: a mail address, https, an account
}

// Told are the postmortems of the other members that are here, the newest first, without those
// that a question of theirs goes with.
func (s *Others) Told(ctx context.Context, limit int) (out []Told, err error) {
	watch, ok := s.n.Incidents()
	if !ok {
		return nil, nil
	}
	asks, err := questions(ctx, s.n.DB, s.self(), 1000)
	asked := map[string]bool{}
	for _, p := range asks {
		if q, err := document.Read[document.Question](p.Body); err == nil {
			asked[q.Incident] = true
		}
	}
	if err != nil {
		return nil, err
	}
	err = watch.EachPostmortem(ctx, func(owner core.MemberID, id string, opened core.Moment, texts map[string]string) {
		if owner != s.self() && !asked[id] && len(out) < limit {
			out = append(out, Told{owner, opened, storyText(texts), texts["answer"]})
		}
	})
	return out, err
}

// storyText is what happened, on one line.
func storyText(texts map[string]string) string {
	line, _, _ := strings.Cut(texts["what"], "\n")
	return firstOf(line, 200)
}

// List is the debates in some states, the newest first, whole.
func (s *Service) List(ctx context.Context, states []State, limit, from int) ([]Debate, error) {
	list, err := inStates(ctx, s.n.DB, states, limit, from)
	for i := range list {
		if err == nil {
			list[i], err = s.Get(ctx, list[i].ID)
		}
	}
	return list, err
}

// Late are the open actions of public debates whose day is over, the oldest first.
func (s *Service) Late(ctx context.Context) ([]Action, error) {
	return lateActions(ctx, s.n.DB, today(s.n.Now()))
}

// Stats counts.
func (s *Service) Stats(ctx context.Context) (Stats, error) {
	return counts(ctx, s.n.DB, today(s.n.Now()))
}
