package watch

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/time/rate"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
	"entrechat/internal/room/watch/verdict"
)

// nowPath is where an owner asks a voter for one look at a target of its own.
// spec: docs/spec/watch.md#looks-on-demand
const nowPath = "/ec/v1/watch/look"

// nowBound is how long such a look may take.
const nowBound = 12 * time.Second

// nowAsk names a target of who asks.
type nowAsk struct {
	Target string `json:"target"`
}

// nowAnswer is what a look found. What stood in a body does not travel.
type nowAnswer struct {
	At     core.Moment `json:"at_us"`
	Class  look.Class  `json:"class,omitempty"`
	Milli  int64       `json:"ms"`
	Family int         `json:"family,omitempty"`
	Half   look.Class  `json:"half,omitempty"`
}

// onDemand has targets looked at now, by us and by those who vote on them.
type onDemand struct {
	*Room
	mu sync.Mutex
	// rates bounds what each owner may ask of us.
	rates map[core.MemberID]*rate.Limiter
	// seen is what was answered last, by target and member.
	seen map[string]map[core.MemberID]nowAnswer
}

// routes answer owners.
func (d *onDemand) routes() []peer.Route {
	return []peer.Route{{Pattern: "POST " + nowPath, Digest: true, MaxBody: 1 << 10, Handle: d.handle}}
}

func (d *onDemand) handle(w http.ResponseWriter, req *http.Request, from core.MemberID) error {
	var ask nowAsk
	if err := peer.ReadJSON(req, &ask); err != nil {
		return err
	}
	answer, err := d.answer(req.Context(), from, ask.Target)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, answer)
}

// answer looks at a target of the member that asks. Returns CodeDenied where we have no
// vote on it, CodeNotFound, CodeUnsure for more than one question in five seconds on average.
func (d *onDemand) answer(ctx context.Context, from core.MemberID, id string) (nowAnswer, error) {
	// Charged first: a question that is refused costs us as much.
	if !d.rateOf(from).AllowN(d.Now(), 1) {
		return nowAnswer{}, core.Unsure("watch.now_often", nil)
	}
	t, err := target.Find(ctx, d.DB, from, id)
	if err != nil {
		return nowAnswer{}, err
	}
	seats := d.Verdicts.Voters(from, id).Seats
	allowed, err := d.Prover.Allowed(ctx, []target.Target{t})
	if err != nil {
		return nowAnswer{}, err
	}
	sits := slices.ContainsFunc(seats, func(s verdict.Seat) bool { return s.Member == d.Signer.ID() })
	if !sits || len(allowed) == 0 || t.Paused || t.Damaged {
		return nowAnswer{}, core.Denied("watch.now_denied", nil)
	}
	ctx, cancel := context.WithTimeout(ctx, nowBound-2*time.Second)
	defer cancel()
	result, ok := d.scheduler.Ask(ctx, t)
	if !ok {
		return nowAnswer{}, core.Unsure("watch.now_often", nil)
	}
	return answerOf(result), nil
}

func answerOf(r look.Result) nowAnswer {
	return nowAnswer{At: r.At, Class: r.Class, Milli: r.Latency.Milliseconds(), Family: r.Family, Half: r.Half}
}

func (d *onDemand) rateOf(owner core.MemberID) *rate.Limiter {
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.rates[owner]
	if l == nil {
		l = rate.NewLimiter(rate.Every(5*time.Second), 20)
		d.rates[owner] = l
	}
	return l
}

// seenBy is one member's look; Trouble says why there is none.
type seenBy struct {
	Member core.MemberID `json:"member"`
	nowAnswer
	Trouble error  `json:"-"`
	Says    string `json:"trouble,omitempty"`
}

// all looks at a target from here and, when it is ours, asks every voter for a look now, side
// by side: voters look for the owner only.
func (d *onDemand) all(ctx context.Context, t target.Target) (here look.Result, there []seenBy) {
	ctx, cancel := context.WithTimeout(ctx, nowBound)
	defer cancel()
	var asking sync.WaitGroup
	asking.Go(func() { here = d.look(ctx, t) })
	var seats []verdict.Seat
	if t.Owner == d.Signer.ID() {
		seats = d.Verdicts.Voters(t.Owner, t.ID).Seats
	}
	there = make([]seenBy, len(seats))
	for i, s := range seats {
		asking.Go(func() {
			there[i].Member = s.Member
			there[i].Trouble = d.Peer.JSON(ctx, s.Member, http.MethodPost, nowPath, nowAsk{t.ID}, &there[i].nowAnswer)
		})
	}
	asking.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range there {
		if s.Trouble != nil {
			continue
		}
		if d.seen[t.ID] == nil {
			d.seen[t.ID] = map[core.MemberID]nowAnswer{}
		}
		d.seen[t.ID][s.Member] = s.nowAnswer
	}
	return here, there
}

// last is what a member answered last about a target; false = it was not asked since the
// start.
func (d *onDemand) last(id string, m core.MemberID) (nowAnswer, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, ok := d.seen[id][m]
	return a, ok
}

// nowView is what `watch now` answers.
type nowView struct {
	Here  lookView `json:"here"`
	There []seenBy `json:"voters"`
}

// nowCommand is `watch now`.
func nowCommand(p *words.Printer, open console.Opener[*Room]) *cobra.Command {
	return console.Command(open, "now TARGET", p.T("watch.cmd_now", nil), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		t, err := r.Targets.Own(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := r.Verdicts.Start(cmd.Context()); err != nil {
			return err
		}
		here, there := r.onDemand.all(cmd.Context(), t)
		for i, s := range there {
			there[i].Says = out.P.Error(s.Trouble)
		}
		view := nowView{viewOf(t, here), there}
		lenders, err := r.circle.Lenders(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(view, func() {
			rows := append(make([][]string, 0, len(there)+1), []string{
				out.P.T("watch.from_here", nil), out.P.T(here.Class.Key(), nil), out.P.T("watch.ms", args{"Milli": view.Here.Milli}), view.Here.note(out.P),
			})
			for _, s := range there {
				row := []string{string(s.Member), s.Says, "", ""}
				if s.Trouble == nil {
					row = []string{string(s.Member), out.P.T(s.Class.Key(), nil), out.P.T("watch.ms", args{"Milli": s.Milli}), ""}
				}
				rows = append(rows, row)
			}
			out.Table([]string{"watch.head_vantage", "watch.head_class", "watch.head_ms", "watch.head_note"}, rows)
			switch {
			case len(there) > 0:
			case t.Local:
				out.Say("watch.now_local", nil)
			case len(lenders) > 0:
				out.Say("watch.now_soon", nil)
			default:
				out.Say("watch.now_alone", nil)
			}
		})
	})
}
