package breakglass

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/heir"
	"entrechat/internal/room/custody/mandate"
	"entrechat/internal/room/custody/share"
)

// View is an ask as people here see it.
type View struct {
	ID      string        `json:"id"`
	Words   string        `json:"words"` // to compare on the phone
	Deal    share.ID      `json:"deal"`
	Owner   core.MemberID `json:"owner"`
	Scope   string        `json:"scope"`
	Reason  ask.Reason    `json:"reason"`
	Purpose string        `json:"purpose"` // the asker's own words
	Role    ask.Role      `json:"role"`
	// Mandate is the decision of a collective that it names; nil = none, or in a list.
	Mandate *mandate.Mandate `json:"mandate"`
	Asker   core.MemberID    `json:"asker"`
	// Heir says that a member asks that the owner named as its successor; empty = it does not.
	Heir     heir.Heir   `json:"successor"`
	Received core.Moment `json:"received_us"`
	Expires  core.Moment `json:"expires_us"`
	Held     bool        `json:"held"` // we keep a share: somebody here decides
	Ours     bool        `json:"ours"` // we asked
	collect.Status
	Said []Said `json:"said"`
	// Alive: somebody else asks, and the owner's logbook grew within 14 days before, or since.
	Alive bool `json:"owner_alive"`
	// Clock: this machine's clock is doubtful, so somebody has to look at it.
	Clock    bool   `json:"clock_doubtful"`
	Contacts string `json:"-"` // whom to call back, in the owner's words; shown to admins only
	Mails    bool   `json:"mails"`
	Told     int    `json:"told"` // of those who have to know
	Wait     int    `json:"not_told"`
}

// Said is a veto or a consent.
type Said struct {
	Kind     ask.Kind     `json:"kind"`
	By       string       `json:"by"` // a member, "root", or the id of a card
	Strength ask.Strength `json:"strength"`
	At       core.Moment  `json:"at_us"`
}

// Views lists the asks that came here, the newest first.
func (a screen) Views(ctx context.Context) ([]View, error) {
	all, err := list(ctx, a.n.DB)
	out := make([]View, 0, len(all))
	for _, r := range all {
		v, err := a.view(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, err
}

// View is one of them, found by how its id begins. Returns CodeNotFound, CodeConflict
// "custody.breakglass.ambiguous".
func (a screen) View(ctx context.Context, begin string) (View, error) {
	id, err := a.Find(ctx, begin)
	if err != nil {
		return View{}, err
	}
	r, err := get(ctx, a.n.DB, id)
	if err != nil {
		return View{}, err
	}
	v, err := a.view(ctx, r)
	v.Mandate = mandate.Of(ctx, a.n.Decisions, r.Decision, r.Owner)
	if err == nil && r.held {
		v.Contacts, err = a.n.Deals.Contacts(ctx, r.Deal)
		if core.CodeOf(err) == core.CodeNotFound {
			err = nil
		}
	}
	return v, err
}

// Find is the id of an ask that begins so. Codes as for View.
func (a screen) Find(ctx context.Context, begin string) (string, error) {
	if len(begin) < 4 || len(begin) > 64 {
		return "", core.NotFound("custody.breakglass.unknown", nil)
	}
	return find(ctx, a.n.DB, "custody_ask", begin)
}

func (a screen) view(ctx context.Context, r row) (View, error) {
	v := View{
		ID: r.ID, Words: r.Words(), Deal: r.Deal, Owner: r.Owner, Scope: r.Scope, Reason: r.Reason, Purpose: r.Purpose, Role: r.Role, Asker: r.Asker,
		Received: r.received, Expires: r.Expires, Held: r.held, Said: []Said{},
	}
	verdict, f, err := a.judgeBy(ctx, r)
	if err != nil {
		return v, err
	}
	v.Status, v.Heir = collect.StatusOf(verdict), f.heir
	if err := a.viewOwn(ctx, &v, r); err != nil {
		return v, err
	}
	words, err := allSaid(ctx, a.n.DB, r.ID)
	for _, w := range words {
		v.Said = append(v.Said, Said{w.kind, w.who, w.strength, w.at})
	}
	if err != nil {
		return v, err
	}
	owner, _, err := a.member(ctx, r.Owner)
	v.Alive = r.Asker != r.Owner && owner.Heard > r.received.Add(-a.n.Alive)
	if err != nil {
		return v, err
	}
	c, err := a.Clock(ctx)
	v.Clock = c.Doubtful()
	return v, err
}

// viewOwn says how it stands with those who have to know, and with an ask of ours.
func (a screen) viewOwn(ctx context.Context, v *View, r row) error {
	told, err := notices(ctx, a.n.DB, r.ID)
	if err != nil {
		return err
	}
	for _, n := range told {
		switch {
		case n.what != "ask":
		case n.done != 0:
			v.Told++
		default:
			v.Wait++
		}
	}
	mailer, ok := a.n.Mailer()
	v.Mails = ok && mailer.CanMail()
	o, err := getOwn(ctx, a.n.DB, r.ID)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return nil
	case err != nil:
		return err
	}
	v.Ours = true
	if o.opened != 0 {
		v.Status = collect.Status{State: ask.Opened}
	} else if !r.held && v.State == ask.Refused && r.burnt == 0 {
		v.Status = collect.Status{State: ask.Waiting} // elsewhere; what holders say is asked by Collect
	}
	return nil
}

// Awaiting counts the asks that wait for somebody here, and how many of those are ready.
func (a screen) Awaiting(ctx context.Context) (awaiting, ready int, err error) {
	all, err := a.Views(ctx)
	for _, v := range all {
		if !v.Held {
			continue
		}
		if v.State == ask.Received || v.State == ask.Waiting || v.State == ask.Ready {
			awaiting++
		}
		if v.State == ask.Ready {
			ready++
		}
	}
	return awaiting, ready, err
}

// open says whether something can still come of it.
func (v View) open() bool {
	return v.State == ask.Received || v.State == ask.Waiting || v.State == ask.Ready
}

// against says whether somebody else asks for a box of self, who looks at that at once. At the
// owner's own node nothing is waited for: an ask is over when it is expired, burnt or vetoed.
func against(v View, self core.MemberID) bool {
	return v.Owner == self && !v.Ours && v.open()
}

// Against counts the asks about our own boxes that others made and that are not over.
func (a screen) Against(ctx context.Context) (n int, err error) {
	all, err := a.Views(ctx)
	for _, v := range all {
		if against(v, a.self()) {
			n++
		}
	}
	return n, err
}
