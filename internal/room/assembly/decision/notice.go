package decision

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// lastDay is how long before the end of the ballots people are told again.
const lastDay = 24 * time.Hour

// Page is where a decision is shown to admins, below the address of this node.
func Page(id string) string { return "/admin/decisions/" + id }

// notify mails our admins when a proposal of somebody else opens, when ballots begin, and a day
// before they end, where ours is not cast. soon is told when the next one is due.
func (t turner) notify(ctx context.Context, r archive.Row, soon func(core.Moment)) error {
	now, p := t.now(), r.P
	plan := []mail{{"open", p.Opened, p.TalkUntil, false}}
	if p.By == t.self() {
		plan = nil
	}
	if p.Kind != tally.KindLazy {
		plan = append(plan, mail{"commit", p.TalkUntil + 1, p.CommitUntil, true})
		if p.CommitUntil.Sub(p.TalkUntil) > 2*lastDay {
			plan = append(plan, mail{"last_day", p.CommitUntil.Add(-lastDay), p.CommitUntil, true})
		}
	}
	for _, m := range plan {
		soon(m.from)
		if now < m.from || now > m.to {
			continue
		}
		if done, err := t.needless(ctx, r, m); err != nil || done {
			if err != nil {
				return err
			}
			continue
		}
		if err := t.mail(ctx, r, m.what); err != nil {
			return err
		}
	}
	return nil
}

// mail is one that is planned.
type mail struct {
	what     string
	from, to core.Moment
	ballot   bool // only while our ballot is missing
}

// needless says that a mail was sent, or that our ballot is there.
func (t turner) needless(ctx context.Context, r archive.Row, m mail) (bool, error) {
	done, err := noticed(ctx, t.n.DB, r.ID, m.what)
	if err != nil || done || !m.ballot {
		return done, err
	}
	_, cast, err := t.last(ctx, r.ID)
	return cast, err
}

// mail writes to every admin. It is noted before: a mail that is lost is worth less than one
// that comes every minute.
func (t turner) mail(ctx context.Context, r archive.Row, what string) error {
	if err := setNoticed(ctx, t.n.DB, r.ID, what, t.now()); err != nil {
		return err
	}
	mailer, ok := t.n.Mailer()
	if !ok || !mailer.CanMail() {
		return nil
	}
	to, err := t.n.Mails(ctx)
	if err != nil || len(to) == 0 {
		return err
	}
	said, _, err := t.text(ctx, r.ID)
	if err != nil {
		return err
	}
	args := map[string]any{
		"Title": said.Title, "By": string(r.P.By), "Self": string(t.self()), "Page": t.n.URL + Page(r.ID), "Talk": r.P.TalkUntil, "Commit": r.P.CommitUntil,
	}
	for _, one := range to {
		if err := mailer.Mail(ctx, one, t.n.Say.T("assembly.decision.mail_"+what+"_title", args), t.n.Say.T("assembly.decision.mail_"+what+"_text", args)); err != nil {
			t.n.Log.Warn("an admin was not told of a decision", "decision", short(r.ID), "error", err)
		}
	}
	return nil
}
