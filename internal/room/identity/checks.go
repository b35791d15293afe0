package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/signin"
)

// doctor answers what `doctor` asks of the room.
type doctor struct{ *Room }

func (r *Room) checks() []fit.Check {
	d := doctor{r}
	accounts := fit.Use{Name: "identity.use", For: "identity.use_for", Begun: func(ctx context.Context) (bool, error) {
		none, err := d.none(ctx)
		return !none, err
	}}
	return accounts.Checks(append(r.Keys.Checks(),
		fit.Check{Name: "identity.check_audit", Run: d.checkAudit}, r.Credentials.Check(),
		fit.Check{Name: "identity.check_issuer", Run: d.checkIssuer},
		fit.Check{Name: "identity.check_clock", Run: d.checkClock},
		fit.Check{Name: "identity.check_mail", Run: d.checkMail},
		fit.Check{Name: "identity.check_admins", Run: d.checkAdmins},
		fit.Check{Name: "identity.check_homes", Run: d.checkHomes},
		fit.Check{Name: "identity.check_moves", Run: d.checkMoves},
		fit.Check{Name: "identity.check_logouts", Run: d.checkLogouts},
	)...)
}

// checkAudit says whether the log of accounts is as it was written.
func (r doctor) checkAudit(ctx context.Context) (fit.Finding, error) {
	rows, err := r.Audit.Verify(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	return fit.Well("identity.audit_well", map[string]any{"Rows": rows}), nil
}

// none says whether nobody can sign in here: no person, no service, no visitor. Then there is
// nothing to judge.
func (r doctor) none(ctx context.Context) (bool, error) {
	counts, err := r.Persons.Count(ctx)
	if err != nil || len(counts) > 0 {
		return false, err
	}
	clients, err := r.Clients.All(ctx)
	return len(clients) == 0 && r.Settings.SignUp == signin.ByInvite, err
}

// checkIssuer: our address is https, and answers there what services read first.
func (r doctor) checkIssuer(ctx context.Context) (fit.Finding, error) {
	if none, err := r.none(ctx); err != nil || none {
		return fit.Unknown("identity.check_nobody", nil), err
	}
	issuer := r.issuer()
	if !strings.HasPrefix(issuer, "https://") && !r.Private {
		return fit.Finding{}, core.Invalid("identity.issuer_plain", errors.New("not https")).With("URL", issuer)
	}
	if found, ok := r.Clients.Reachable(ctx); !ok {
		return fit.Finding{}, core.Unsure("identity.issuer_silent", errors.New(found)).With("Found", found)
	}
	return fit.Finding{}, nil
}

const (
	// clockOff is by how much our clock may differ from the members': what is signed lives for
	// a minute, and ten seconds are allowed for.
	clockOff = 10 * time.Second
	// clockAsks is how many members are asked the time.
	clockAsks = 5
)

// checkClock compares our clock with those of members.
func (r doctor) checkClock(ctx context.Context) (fit.Finding, error) {
	homes, err := r.Homes.All(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	asked := homes[:min(len(homes), clockAsks)]
	answers := make(chan *time.Duration, len(asked))
	for _, h := range asked {
		go func() {
			before := r.Now()
			there, err := r.Broker.Clock(ctx, h)
			if err != nil {
				answers <- nil
				return
			}
			off := before.Add(r.Now().Sub(before) / 2).Sub(there.Add(time.Second / 2)) // they cut to whole seconds
			answers <- &off
		}()
	}
	var offs []time.Duration
	for range asked {
		if off := <-answers; off != nil {
			offs = append(offs, *off)
		}
	}
	return clock(offs)
}

// clock judges by how much our clock is ahead of each member's: the middle counts.
func clock(offs []time.Duration) (fit.Finding, error) {
	if len(offs) == 0 {
		return fit.Unknown("identity.clock_unknown", nil), nil
	}
	slices.Sort(offs)
	off := offs[len(offs)/2]
	if off.Abs() <= clockOff {
		return fit.Well("identity.clock_well", map[string]any{"Count": len(offs)}), nil
	}
	key := "identity.clock_ahead"
	if off < 0 {
		key = "identity.clock_behind"
	}
	return fit.Finding{}, core.Unsure(key, fmt.Errorf("off by %s", off)).With("Count", int(off.Abs().Round(time.Second).Seconds()))
}

// checkMail: who may sign up gets the mail that takes.
func (r doctor) checkMail(context.Context) (fit.Finding, error) {
	if r.Settings.SignUp == signin.ByInvite {
		return fit.Finding{}, nil
	}
	if !lateMailer(r.Mailer).CanMail() {
		return fit.Finding{}, core.Unsure("identity.mail_missing", errors.New("no mail server")).With("Value", r.Settings.SignUp)
	}
	return fit.Finding{}, nil
}

// checkAdmins: whoever has the admin's half shows more than a password.
func (r doctor) checkAdmins(ctx context.Context) (fit.Finding, error) {
	admins, err := r.Persons.Admins(ctx)
	if err != nil || len(admins) == 0 {
		return fit.Unknown("identity.admins_none", nil), err
	}
	var weak []string
	for _, p := range admins {
		ways, err := r.Credentials.List(ctx, p.ID)
		if err != nil {
			return fit.Finding{}, err
		}
		if ways.Password && !ways.More() {
			weak = append(weak, p.Handle)
		}
	}
	if len(weak) > 0 {
		return fit.Finding{}, core.Unsure("identity.admins_weak", fmt.Errorf("%d admins", len(weak))).With("Handles", strings.Join(weak, ", ")).With("Count", len(weak))
	}
	return fit.Well("identity.admins_well", map[string]any{"Count": len(admins)}), nil
}

// cardOld is when a card should have been written anew: keys are replaced after 90 days.
const cardOld = 120 * 24 * time.Hour

// checkHomes: the members whose people we let in say how they sign them in, with keys that are
// not old, and what we keep of it can be read; and none is shut that somebody forgot.
func (r doctor) checkHomes(ctx context.Context) (fit.Finding, error) {
	homes, err := r.Homes.All(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	letting, err := r.Homes.Letting(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	bad, err := r.Homes.Damaged(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if len(bad) > 0 {
		return fit.Finding{}, core.Internal("identity.homes_damaged", fmt.Errorf("%d rows", len(bad))).With("Members", joined(bad)).With("First", string(bad[0])).With("Count", len(bad))
	}
	return judgeHomes(homes, letting, core.At(r.Now()))
}

func joined(ids []core.MemberID) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}

func judgeHomes(homes, letting []home.Home, now core.Moment) (fit.Finding, error) {
	if len(homes) == 0 {
		return fit.Unknown("identity.homes_none", nil), nil
	}
	var shut, old []string
	for _, h := range homes {
		if h.Shut != 0 {
			shut = append(shut, string(h.Member))
		}
	}
	for _, h := range letting {
		if now.Sub(h.Said) > cardOld {
			old = append(old, string(h.Member))
		}
	}
	switch {
	case len(old) > 0:
		return fit.Finding{}, core.Unsure("identity.homes_old", fmt.Errorf("%d cards", len(old))).With("Members", strings.Join(old, ", ")).With("Count", len(old))
	case len(shut) > 0:
		return fit.Well("identity.homes_shut", map[string]any{"Count": len(shut), "Members": strings.Join(shut, ", ")}), nil
	default:
		return fit.Well("identity.homes_well", map[string]any{"Count": len(letting)}), nil
	}
}

// logoutLate is how long a service may not take a sign-out before somebody should look.
const logoutLate = time.Hour

// checkLogouts: services hear of people who sign out.
func (r doctor) checkLogouts(ctx context.Context) (fit.Finding, error) {
	waiting, err := r.Provider.Waiting(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	var late []string
	count := int64(0)
	for _, w := range waiting {
		if core.At(r.Now()).Sub(w.Since) > logoutLate {
			late, count = append(late, w.Client), count+w.Count
		}
	}
	if len(late) > 0 {
		return fit.Finding{}, core.Unsure("identity.logouts_late", fmt.Errorf("%d wait", count)).With("Services", strings.Join(late, ", ")).With("Count", count)
	}
	return fit.Finding{}, nil
}

// checkMoves: the releases by which people came here can be shown to other members.
func (r doctor) checkMoves(ctx context.Context) (fit.Finding, error) {
	bad, err := r.Moves.Damaged(ctx)
	if err == nil && len(bad) > 0 {
		err = core.Internal("identity.moves_damaged", fmt.Errorf("%d people", len(bad))).With("Handles", strings.Join(bad, ", ")).With("Count", len(bad))
	}
	return fit.Finding{}, err
}
