package need

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/stranger"
)

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	// CanMail says whether the node has a mail server.
	CanMail() bool
	// Mail sends one. Its title is one line.
	Mail(ctx context.Context, to, title, text string) error
}

// Needs is what the service is made of; Mailer may find none, all else is required.
type Needs struct {
	DB   *db.DB
	Self core.MemberID
	Box  seal.Box
	URL  string // where browsers reach this node, without a slash at its end
	// Mailer finds who carries mails, when there is one to send.
	Mailer func() (Mailer, bool)
	// Services are the names of our own services, for the form; empty = none are known.
	Services func(ctx context.Context) ([]string, error)
	// Proposals finds where everybody reads what the collective was asked, by the id of the need
	// it comes from; Propose is where an admin asks it. Both nil = it cannot be asked.
	Proposals func(ctx context.Context) (map[string]string, error)
	Propose   func(id string) string
	Words     *words.Catalogue
	Now       func() time.Time
	Log       *slog.Logger
}

// Service is the needs of one hoster's users. Safe for concurrent use.
type Service struct {
	*mails
	networks stranger.Gate
}

// New makes the service; its Jobs send mails and forget.
func New(n Needs) *Service {
	return &Service{mails: &mails{n: n, keys: keys{n.Box}, wake: make(chan struct{}, 1), asked: map[string]*stranger.Gate{claimAddress: {}, claimVoice: {}}}}
}

// Told is a need as somebody typed it.
type Told struct {
	Service, Goal, Obstacle, Address, Lang string
	// Network is where it comes from, for counting in memory; empty = not known.
	Network string
	// Signed: it comes from an account of ours, and is counted with nobody.
	Signed bool
}

// Tell takes a need in and answers the token of its private link, which nobody can find again.
// Returns CodeInvalid, or CodeFull when too much waits or comes from one network.
func (s *Service) Tell(ctx context.Context, t Told) (token string, err error) {
	n, err := s.read(t)
	if err != nil {
		return "", err
	}
	if n.Service, err = s.ours(ctx, n.Service); err != nil {
		return "", err
	}
	var address string
	if t.Address != "" && s.CanMail() { // else the page of the private link promises no mail
		if address, err = parseAddress(t.Address); err != nil {
			return "", err
		}
	}
	if err := s.room(ctx, t); err != nil {
		return "", err
	}
	token = rand.Text() // 130 bits
	n.ID, n.link, n.Made = rand.Text(), seal.TokenHash(token), s.now()
	if address != "" {
		n.address, n.Asked = s.sealAddress(n.ID, kept{Address: address, Token: token}), s.now()
	}
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		waiting, err := countWaiting(ctx, q)
		if err == nil && waiting >= MaxWaiting {
			return core.Full("assembly.need.queue_full", errors.New("too many wait"))
		}
		if err == nil {
			err = insert(ctx, q, n)
		}
		if err != nil || address == "" {
			return err
		}
		return s.askAddress(ctx, q, n, address)
	})
	s.poke()
	return token, err
}

// read checks what was typed.
func (s *Service) read(t Told) (Need, error) {
	n := Need{Lang: words.French, Service: stranger.Tidy(t.Service), Goal: stranger.Tidy(t.Goal), Obstacle: stranger.Tidy(t.Obstacle)}
	if t.Lang == words.English {
		n.Lang = words.English
	}
	if n.Goal == "" {
		return n, core.Invalid("assembly.need.bad_empty", errors.New("nothing told"))
	}
	for text, most := range map[string]int{n.Service: 100, n.Goal: MaxText, n.Obstacle: MaxText} {
		if err := stranger.Check(text, most); err != nil {
			return n, err
		}
	}
	return n, nil
}

// ours is the name of a service where it is one of ours, and empty for any other text: it is
// shown beside the words that a moderator can change.
func (s *Service) ours(ctx context.Context, service string) (string, error) {
	if service == "" {
		return "", nil
	}
	names, err := s.n.Services(ctx)
	if err != nil || !slices.Contains(names, service) {
		return "", err
	}
	return service, nil
}

// room says whether there is room for one more, before anything is written. A full queue
// takes nothing of what a network has for a day.
func (s *Service) room(ctx context.Context, t Told) error {
	waiting, err := countWaiting(ctx, s.n.DB)
	if err != nil {
		return err
	}
	if waiting >= MaxWaiting {
		return core.Full("assembly.need.queue_full", errors.New("too many wait"))
	}
	if !t.Signed && !s.networks.Admit(t.Network, perNetwork, 0, s.n.Now()) {
		return core.Full("assembly.need.too_many", errors.New("too many from one network"))
	}
	return nil
}

// ByToken is the need of a private link, with its answers. Returns CodeNotFound.
func (s *Service) ByToken(ctx context.Context, token string) (Need, error) {
	if len(token) > 100 {
		return Need{}, core.NotFound("assembly.need.unknown", errors.New("no token of ours"))
	}
	n, err := byLink(ctx, s.n.DB, seal.TokenHash(token))
	if err != nil {
		return n, err
	}
	return s.complete(ctx, n)
}

// Get is one need with its answers and voices. Returns CodeNotFound.
func (s *Service) Get(ctx context.Context, id string) (Need, error) {
	n, err := get(ctx, s.n.DB, id)
	if err != nil {
		return n, err
	}
	return s.complete(ctx, n)
}

func (s *Service) complete(ctx context.Context, n Need) (Need, error) {
	one := []Need{n}
	err := fill(ctx, s.n.DB, one)
	return one[0], err
}

// List is the needs of a standing, the newest first, with their answers; merged ones stand
// with what they were merged into.
func (s *Service) List(ctx context.Context, standing Standing, limit, from int) ([]Need, error) {
	list, err := byStanding(ctx, s.n.DB, standing, limit, from)
	if err != nil {
		return nil, err
	}
	return list, fill(ctx, s.n.DB, list)
}

// change reads a need, changes it and writes it, in one transaction.
func (s *Service) change(ctx context.Context, id string, do func(ctx context.Context, q db.Querier, n *Need) error) (Need, error) {
	var n Need
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) (err error) {
		if n, err = get(ctx, q, id); err != nil {
			return err
		}
		if err = do(ctx, q, &n); err != nil {
			return err
		}
		return save(ctx, q, n)
	})
	if err != nil {
		return n, err
	}
	s.poke()
	return s.complete(ctx, n)
}

// Publish lets people see a need, in the words given. An empty goal is as it was published
// last, or typed where it never was; so is an empty obstacle then. A published need is changed
// by publishing it again. Returns CodeInvalid, CodeNotFound, CodeConflict for one whose text
// is deleted.
func (s *Service) Publish(ctx context.Context, id, goal, obstacle string) (Need, error) {
	goal, obstacle = stranger.Tidy(goal), stranger.Tidy(obstacle)
	if err := errors.Join(stranger.Check(goal, MaxText), stranger.Check(obstacle, MaxText)); err != nil {
		return Need{}, err
	}
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		goal, obstacle := goal, obstacle
		if goal == "" {
			var before string
			goal, before = n.words()
			obstacle = cmp.Or(obstacle, before)
		}
		if goal == "" { // refused so long ago that its text is gone
			return core.Conflict("assembly.need.gone", errors.New("its text is gone"))
		}
		fresh := n.Standing != Published
		n.ShownGoal, n.ShownObstacle = goal, obstacle
		if !fresh {
			return nil
		}
		n.Standing, n.Reason, n.Decided, n.Changed = Published, "", s.now(), s.now()
		return s.write(ctx, q, *n, mailPublished, Answer{})
	})
}

// Refuse does not publish a need, or takes it down; its author reads the reason. What it was
// put together with stands alone again. Returns CodeInvalid, CodeNotFound.
func (s *Service) Refuse(ctx context.Context, id, reason string) (Need, error) {
	reason = stranger.Tidy(reason)
	if err := errors.Join(stranger.Check(reason, maxReply), checkReason(reason)); err != nil {
		return Need{}, err
	}
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		if err := setFree(ctx, q, n.ID); err != nil {
			return err
		}
		n.Standing, n.Reason, n.MergedInto, n.Decided, n.Changed = Refused, reason, "", s.now(), s.now()
		return s.write(ctx, q, *n, mailRefused, Answer{})
	})
}

// Answer says something to a published need. Returns CodeInvalid, CodeConflict for one that
// is not published or was merged, CodeNotFound.
func (s *Service) Answer(ctx context.Context, id string, a Answer) (Need, error) {
	a = a.only()
	a.Text, a.Link, a.At = stranger.Tidy(a.Text), stranger.Tidy(a.Link), s.now()
	if err := stranger.Check(a.Text, maxReply); err != nil {
		return Need{}, err
	}
	if !slices.Contains(States(), a.State) {
		a.State = ""
	}
	if err := a.Check(s.n.Now()); err != nil {
		return Need{}, err
	}
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		if n.Standing != Published || n.MergedInto != "" {
			return core.Conflict("assembly.need.not_published", errors.New("not published, or merged"))
		}
		if n.Heard == 0 {
			n.Heard = a.At
		}
		n.State, n.Changed = a.State, a.At
		if err := addAnswer(ctx, q, n.ID, a); err != nil {
			return err
		}
		merged, err := mergedInto(ctx, q, n.ID)
		for _, m := range append(merged, *n) {
			if err == nil {
				err = s.write(ctx, q, m, mailAnswered, a)
			}
		}
		return err
	})
}

// Withdraw removes a need for good; its author wants it.
func (s *Service) Withdraw(ctx context.Context, id string) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return remove(ctx, q, id) })
}
