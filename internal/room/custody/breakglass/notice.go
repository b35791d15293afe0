package breakglass

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
)

// notify tells who has to know and was not told yet. An ask's wait counts from when it came,
// but nothing is released before everybody was tried.
func (a teller) notify(ctx context.Context) error {
	due, err := dueNotices(ctx, a.n.DB, a.now())
	if err != nil {
		return err
	}
	touched := map[string]bool{}
	for _, n := range due {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		r, err := get(ctx, a.n.DB, n.ask)
		if err != nil && !hopeless(err) {
			return err
		}
		if err == nil {
			err = a.tell(ctx, r, n)
		}
		n.tries++
		switch now := a.now(); {
		case err == nil, hopeless(err), now >= r.Expires:
			n.done = now
		default:
			n.next = now.Add(min(15*time.Second<<min(n.tries, 12), 6*time.Hour))
			a.n.Log.Info("somebody was not told of an ask yet", "ask", n.ask[:8], "tries", n.tries)
		}
		if err := setNotice(ctx, a.n.DB, n); err != nil {
			return err
		}
		touched[n.ask] = true
	}
	return a.noticed(ctx, touched)
}

// hopeless says that telling somebody again would change nothing.
func hopeless(err error) bool {
	code := core.CodeOf(err)
	return code == core.CodeInvalid || code == core.CodeDenied || code == core.CodeConflict
}

// noticed notes for which asks everybody was tried.
func (a teller) noticed(ctx context.Context, touched map[string]bool) error {
	all, err := list(ctx, a.n.DB)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.noticed != 0 || !touched[r.ID] && r.received > a.now().Add(-time.Minute) {
			continue
		}
		left, err := untried(ctx, a.n.DB, r.ID)
		if err == nil && left == 0 {
			err = setNoticed(ctx, a.n.DB, r.ID, a.now())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tell tells one.
func (a teller) tell(ctx context.Context, r row, n notice) error {
	kind, to, _ := strings.Cut(n.who, "/")
	if kind == "mail" {
		return a.mail(ctx, r, to)
	}
	id := core.MemberID(to)
	if n.what == "ask" {
		return a.n.Peer.JSON(ctx, id, http.MethodPost, collect.PathAsk, collect.AskMessage{Ask: r.Document}, nil)
	}
	words, err := allSaid(ctx, a.n.DB, r.ID)
	if err != nil {
		return err
	}
	for _, w := range words {
		if n.what == string(w.kind)+"/"+w.who {
			m, err := decodeWord(w.document)
			if err != nil {
				return err
			}
			return a.n.Peer.JSON(ctx, id, http.MethodPost, collect.PathWord, m, nil)
		}
	}
	return ask.BadWord(errors.New("a word that is gone"))
}

// mail writes to one address. Without a mail server there is nobody to write, which the page
// of asks says.
func (a teller) mail(ctx context.Context, r row, which string) error {
	mailer, ok := a.n.Mailer()
	if !ok || !mailer.CanMail() {
		return nil
	}
	list, err := a.mails(ctx, r.Ask, r.held)
	if err != nil {
		return err
	}
	i, err := strconv.Atoi(which)
	if err != nil || i < 0 || i >= len(list) {
		return nil //nolint:nilerr // the list is another one by now
	}
	args := map[string]any{
		"Owner": string(r.Owner), "Scope": r.Scope, "Reason": a.n.Say.T("custody.breakglass.reason_"+string(r.Reason), nil), "Asker": string(r.Asker),
		"Words": r.Words(), "ID": r.ID[:12], "Self": string(a.self()), "Expires": r.Expires,
	}
	text := "custody.breakglass.mail_text"
	if r.Role == ask.AsDomain {
		text = "custody.breakglass.mail_text_domain"
	}
	return mailer.Mail(ctx, list[i], a.n.Say.T("custody.breakglass.mail_title", args), a.n.Say.T(text, args))
}

// spread has fellow holders told of a word that came or was said here.
func (a teller) spread(ctx context.Context, q db.Querier, r row, d collect.Deal, w said) error {
	to := append([]core.MemberID{r.Owner}, d.Members...)
	for _, m := range to {
		if m == a.self() {
			continue
		}
		if err := putNotice(ctx, q, notice{ask: r.ID, who: "member/" + string(m), what: string(w.kind) + "/" + w.who, next: w.at}); err != nil {
			return err
		}
	}
	return nil
}

// wordMessage is a word on its way: of a member's key, or of a person's.
type wordMessage struct {
	Word      *seal.Envelope `json:"word,omitempty"`
	Ask       string         `json:"ask,omitempty"`
	Card      string         `json:"card,omitempty"`      // id of the person, as the deal says
	Signature string         `json:"signature,omitempty"` // armoured, of ask.CardText
}
