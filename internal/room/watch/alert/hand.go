package alert

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// PathNotice is where an owner hands a notice of its own to those who tell its people too,
// because none of its own channels took it: it has no mail server, or that one is down.
// spec: docs/spec/watch.md#alerts
const PathNotice = "/ec/v1/watch/notice"

// What one owner may hand us: so many at once, then one in a while.
const (
	handedAtOnce = 20
	handedEvery  = time.Hour
	// handedAge is how old a notice may be that is handed over.
	handedAge = 48 * time.Hour
)

// handed is a notice of the member that hands it. There is no text in it: who gets it
// writes its own, to the people of the plan that it holds.
type handed struct {
	Incident string        `json:"incident"`
	Kind     delivery.Kind `json:"kind"`
	Level    contact.Level `json:"level"`
	Weak     bool          `json:"weak,omitempty"`
	Services []string      `json:"services,omitempty"`
	At       core.Moment   `json:"at_us"`
	Ends     core.Moment   `json:"ends_us,omitempty"`
	Over     core.Moment   `json:"over_us,omitempty"` // of recovered only: when it ended
	Person   string        `json:"person,omitempty"`
}

// mayHand says whether a kind may be told for another. The others are told by who finds
// them itself, or are nothing that the owner could hand over.
func mayHand(k delivery.Kind) bool {
	switch k {
	case delivery.Down, delivery.Partial, delivery.Unstable, delivery.Certificate, delivery.Silent, delivery.Version, delivery.Test, delivery.Recovered:
		return true
	case delivery.Maintenance, delivery.Backup, delivery.Isolated, delivery.Steady:
	}
	return false
}

// hands are what is handed over, and who handed us how much.
type hands struct {
	mu    sync.Mutex
	rates map[core.MemberID]*rate.Limiter
	// done are those who have a notice of ours, by its key; of the job alone.
	done map[string]map[core.MemberID]bool
}

// admits counts one notice that a member hands us; false: it had all it may have for now.
func (h *hands) admits(from core.MemberID, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.rates == nil {
		h.rates = map[core.MemberID]*rate.Limiter{}
	}
	l := h.rates[from]
	if l == nil {
		l = rate.NewLimiter(rate.Every(handedEvery), handedAtOnce)
		h.rates[from] = l
	}
	return l.AllowN(now, 1)
}

// serveNotice takes a notice that a member we look at could not tell its people itself.
func (s endpoints) serveNotice(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var h handed
	if err := peer.ReadJSON(r, &h); err != nil {
		return err
	}
	serves, err := s.n.Watch.Serves(r.Context(), from)
	if err != nil {
		return err
	}
	if !serves {
		return core.Denied("watch.alert.not_served", errors.New("no promise to look"))
	}
	now := s.now()
	if !mayHand(h.Kind) || !h.Level.Valid() || h.At > now.Add(10*time.Minute) || now.Sub(h.At) > handedAge || (h.Kind == delivery.Recovered) != (h.Over > 0) {
		return core.Invalid("watch.alert.bad_notice", errors.New("a notice that is not handed over"))
	}
	if !s.hands.admits(from, now.Time()) {
		return core.Unsure("watch.alert.handed_often", errors.New("too many notices handed over"))
	}
	if h.Kind == delivery.Recovered {
		err = s.Resolve(r.Context(), from, h.Incident, h.Over)
	} else {
		err = s.Tell(r.Context(), delivery.Notice{
			Owner: from, Incident: h.Incident, Kind: h.Kind, Level: h.Level, Weak: h.Weak, Services: h.Services, At: h.At, Ends: h.Ends, Person: h.Person,
		})
	}
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, struct{}{})
}

// hander hands our notices over.
type hander struct{ *Service }

// run hands over what none of our channels took, each to all who hold our plan: in their
// order they tell our people, and tell us that they did. Who does not answer is asked
// again by the next run.
func (s hander) run(ctx context.Context) error {
	if s.n.Calls == nil {
		return nil
	}
	open, err := s.queue.Deliveries(ctx, s.self(), s.now())
	if err != nil {
		return err
	}
	done := map[string]map[core.MemberID]bool{}
	for _, d := range open {
		if d.State != delivery.Open || d.Rounds == 0 || done[d.Key] != nil {
			continue
		}
		if done[d.Key] = s.hands.done[d.Key]; done[d.Key] == nil {
			done[d.Key] = map[core.MemberID]bool{}
		}
		if err := s.hand(ctx, d.Key, done[d.Key]); err != nil {
			return err
		}
	}
	s.hands.done = done
	return nil
}

// hand hands one notice to those who do not have it yet.
func (s hander) hand(ctx context.Context, key string, done map[core.MemberID]bool) error {
	n, err := s.queue.Get(ctx, key)
	if err != nil || !mayHand(n.Kind) || s.now().Sub(n.At) > handedAge {
		return err
	}
	voters, err := s.n.Watch.Voters(ctx, s.self())
	if err != nil {
		return err
	}
	h := handed{
		Incident: n.Incident, Kind: n.Kind, Level: n.Level, Weak: n.Weak, Services: n.Services, At: n.At, Ends: n.Ends, Person: n.Person,
	}
	if n.Kind == delivery.Recovered {
		h.Over = n.Over
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, member := range voters[:min(len(voters), maxAsked)] {
		if member == s.self() || done[member] {
			continue
		}
		all.Go(func() {
			call, cancel := context.WithTimeout(ctx, callBound)
			defer cancel()
			err := s.n.Calls.JSON(call, member, http.MethodPost, PathNotice, h, nil)
			switch core.CodeOf(err) {
			case core.CodeInvalid, core.CodeDenied, core.CodeNotFound: // it will say so again
			default:
				if err != nil {
					s.n.Log.LogAttrs(ctx, slog.LevelInfo, "an alert could not be handed over yet", slog.String("member", string(member)), slog.Any("err", err))
					return
				}
			}
			mu.Lock()
			defer mu.Unlock()
			done[member] = true
		})
	}
	all.Wait()
	return nil
}
