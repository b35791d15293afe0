package subscribe

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

// Kind says what an event is.
type Kind string

// The kinds.
const (
	Opened      Kind = "opened"
	Updated     Kind = "updated"
	Closed      Kind = "closed"
	Maintenance Kind = "maintenance"
)

// Event is one thing to write about. Two of one ID are the same.
type Event struct {
	ID       string
	Hoster   core.MemberID
	Kind     Kind
	Services []string // empty = the whole hoster: everybody is written to
	Note     string   // what the hoster wrote; may be empty
	Link     string
	At       core.Moment
}

// The bounds of sending.
const (
	perPass   = 100
	atOnce    = 4
	lease     = channel.Timeout + 5*time.Second
	maxUnsure = 2
	maxFailed = 8
	kept      = 30 * day
	maxNote   = 4000
)

// Publish has an event written to all who asked for it, once each. It may be called
// again. Returns CodeInvalid for one without id, hoster, time or known kind.
func (s *Service) Publish(ctx context.Context, e Event) error {
	known := e.Kind == Opened || e.Kind == Updated || e.Kind == Closed || e.Kind == Maintenance
	if e.ID == "" || len(e.ID) > 200 || strings.ContainsAny(e.ID, "/\n") || !e.Hoster.Valid() || e.At <= 0 || !known {
		return core.Invalid("watch.subscribe.bad_event", errors.New("an event without id, hoster, time or kind"))
	}
	for i, name := range e.Services {
		e.Services[i] = contact.Short(name, 80)
	}
	e.Services = e.Services[:min(len(e.Services), maxServices)]
	e.Note = prose(e.Note)
	if _, ok := contact.Web(e.Link); !ok {
		e.Link = ""
	}
	err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		fresh, err := addEvent(ctx, q, e)
		if err != nil || !fresh {
			return err
		}
		now := s.now()
		if e.Hoster == s.n.Signer.ID() {
			for i := range s.n.Topics {
				m := mail{subscriber: "topic/" + strconv.Itoa(i), event: e.ID, made: now, next: now}
				if err := addMail(ctx, q, m); err != nil {
					return err
				}
			}
		}
		return fanOut(ctx, q, e, now)
	})
	s.poke()
	return err
}

// prose makes several harmless lines of what somebody wrote.
func prose(text string) string {
	var lines []string
	for line := range strings.Lines(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)) {
		lines = append(lines, strings.TrimRight(contact.Clean(line), " "))
	}
	r := []rune(strings.TrimSpace(strings.Join(lines, "\n")))
	return string(r[:min(len(r), maxNote)])
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Jobs are the work of the running node.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "watch-subscribe", Every: time.Second, Run: s.serve},
		{Name: "watch-subscribe-forget", Every: 6 * time.Hour, Jitter: time.Hour, Run: s.Forget},
	}
}

func (s *Service) serve(ctx context.Context) error {
	for {
		if err := s.Deliver(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(2 * time.Second):
		}
	}
}

// Forget drops what was written 30 days ago, and who did not confirm in time.
func (s *Service) Forget(ctx context.Context) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return forget(ctx, q, s.now().Add(-kept), s.now().Add(-askTime))
	})
}

// Deliver sends what is due, once each.
func (s *Service) Deliver(ctx context.Context) error {
	list, err := dueMails(ctx, s.n.DB, s.now(), perPass)
	if err != nil {
		return err
	}
	var crew errgroup.Group
	crew.SetLimit(atOnce)
	for _, m := range list {
		crew.Go(func() error { return s.send(ctx, m) })
	}
	return crew.Wait()
}

// send makes one try. As for alerts, the mail is charged with "may have arrived" before.
func (s *Service) send(ctx context.Context, m mail) error {
	now := s.now()
	if m.unsure >= maxUnsure || m.failed >= maxFailed {
		return s.end(ctx, m, map[bool]string{true: "unsure", false: "failed"}[m.unsure >= maxUnsure])
	}
	to, text, err := s.compose(ctx, m)
	if errors.Is(err, db.ErrNoRow) {
		return s.end(ctx, m, "failed") // it left meanwhile
	}
	if err != nil {
		return err
	}
	charged := m
	charged.unsure++
	charged.next = now.Add(lease)
	if mine, err := keepMail(ctx, s.n.DB, m, charged); err != nil || !mine {
		return err
	}
	sent := s.n.Sender.Send(ctx, to, text)
	after := charged
	if sent == nil {
		after.state = "sent"
	} else {
		after.failed++
		if !channel.Unsure(sent) {
			after.unsure--
		}
		after.next = s.now().Add(min(time.Minute<<min(after.failed, 8), 3*time.Hour))
		s.n.Log.LogAttrs(ctx, slog.LevelInfo, "subscriber not reached yet", slog.Any("err", sent))
	}
	_, err = keepMail(context.WithoutCancel(ctx), s.n.DB, charged, after)
	return err
}

func (s *Service) end(ctx context.Context, m mail, state string) error {
	after := m
	after.state = state
	_, err := keepMail(ctx, s.n.DB, m, after)
	return err
}
