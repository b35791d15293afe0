package need

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/address"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/assembly/stranger"
)

// mailKind is what a mail says. Each has a title and a text ("assembly.need.mail_KIND_title",
// "assembly.need.mail_KIND_text").
type mailKind string

const (
	mailConfirm   mailKind = "confirm"   // is this your address?
	mailVoice     mailKind = "voice"     // do you need it too?
	mailPublished mailKind = "published" // people can read it now
	mailRefused   mailKind = "refused"
	mailAnswered  mailKind = "answered"
)

const mailTries = 8

// mails are those on their way to people.
type mails struct {
	n         Needs
	keys      keys
	mailboxes stranger.Gate
	asked     map[string]*stranger.Gate // by what is to be confirmed
	wake      chan struct{}
}

func (s *mails) now() core.Moment { return core.At(s.n.Now()) }

// kept is what is sealed beside a need: whom to write to, and the private link's token.
type kept struct {
	Address string `json:"address"`
	Token   string `json:"token"`
}

// letter is a mail on its way, sealed.
type letter struct {
	Address string `json:"address"`
	Title   string `json:"title"`
	Text    string `json:"text"`
}

// parseAddress is address.Mail. Returns CodeInvalid "assembly.need.bad_address".
func parseAddress(text string) (string, error) {
	kept, err := address.Mail(text)
	if err != nil {
		return "", core.Invalid("assembly.need.bad_address", err)
	}
	return kept, nil
}

// mailbox is the mailbox behind an address as large providers have it: what follows a plus,
// and dots, name the same one. It is for counting only.
func mailbox(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(local, "+")
	return strings.ReplaceAll(local, ".", "") + "@" + domain
}

func (s *mails) sealAddress(id string, k kept) []byte {
	text, err := json.Marshal(k)
	if err != nil {
		panic(err) // two texts
	}
	return s.n.Box.Seal("assembly need address "+id, text)
}

func (s *mails) openAddress(n Need) (k kept, err error) {
	text, err := s.n.Box.Open("assembly need address "+n.ID, n.address)
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(text, &k)
}

// CanMail says whether answers can be mailed.
func (s *mails) CanMail() bool {
	m, ok := s.n.Mailer()
	return ok && m.CanMail()
}

// claimLink is a link to confirm that an address is one's own, or by it a voice. It names the
// address, or the mailbox that is counted, by a hash.
func (s *mails) claimLink(kind, id, address string) string {
	who := s.keys.voice("mail", mailbox(address))
	if kind == claimAddress {
		who = s.keys.voice("address", address)
	}
	text, sig := s.keys.sign(claim{kind, id, who, s.n.Now().Add(claimTime)})
	return s.n.URL + pathConfirm + text + "/" + sig
}

// admit says whether one more question may go to an address. Voices and addresses have a bound
// each, so that no flood of the one silences the other.
func (s *mails) admit(kind, address string) bool {
	now := s.n.Now()
	return s.mailboxes.Admit(mailbox(address), perMailbox, 0, now) && s.asked[kind].Admit("", 0, perNode, now)
}

// askAddress writes the one mail that an address gets before its owner confirmed it. What is
// too much for an address is left out in silence: who typed it learns nothing of it.
func (s *mails) askAddress(ctx context.Context, q db.Querier, n Need, address string) error {
	if !s.CanMail() || !s.admit(claimAddress, address) {
		return nil
	}
	p := s.n.Words.Printer(n.Lang)
	fill := map[string]any{"Hoster": string(s.n.Self), "Link": s.claimLink(claimAddress, n.ID, address)}
	return s.put(ctx, q, n.ID, letter{address, p.T("assembly.need.mail_confirm_title", fill), p.T("assembly.need.mail_confirm_text", fill)})
}

// write mails a need's author what happened to it, when they gave an address and confirmed it.
func (s *mails) write(ctx context.Context, q db.Querier, n Need, kind mailKind, a Answer) error {
	if len(n.address) == 0 || n.Confirmed == 0 {
		return nil
	}
	k, err := s.openAddress(n)
	if err != nil {
		s.n.Log.Warn("an address of a need cannot be opened; its answer is on its private link alone", "need", n.ID, "error", err)
		return nil
	}
	p := s.n.Words.Printer(n.Lang)
	says := ""
	switch kind {
	case mailRefused:
		says = n.Reason
	case mailAnswered:
		says = s.says(p, a)
	case mailConfirm, mailVoice, mailPublished:
	}
	fill := map[string]any{"Hoster": string(s.n.Self), "Link": s.n.URL + pathMine + k.Token, "Says": says}
	return s.put(ctx, q, n.ID, letter{k.Address, p.T("assembly.need.mail_"+string(kind)+"_title", fill), p.T("assembly.need.mail_"+string(kind)+"_text", fill)})
}

// put puts a mail on its way, in the transaction that makes it due.
func (s *mails) put(ctx context.Context, q db.Querier, need string, l letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	id := rand.Text()
	return insertMail(ctx, q, mailRow{id: id, need: need, sealed: s.n.Box.Seal("assembly need mail "+id, text), made: s.now(), due: s.now()})
}

func (s *mails) openLetter(row mailRow) (l letter, err error) {
	text, err := s.n.Box.Open("assembly need mail "+row.id, row.sealed)
	if err != nil {
		return l, err
	}
	return l, json.Unmarshal(text, &l)
}

// dropLetters drops the mails about a need that wait to be sent to its author. Those that
// cannot be opened are dropped when they are due.
func (s *mails) dropLetters(ctx context.Context, q db.Querier, n Need) error {
	k, err := s.openAddress(n)
	if err != nil {
		return nil //nolint:nilerr // the key is another one: it opens no mail either
	}
	list, err := mailsOf(ctx, q, n.ID)
	for _, row := range list {
		if l, bad := s.openLetter(row); err == nil && bad == nil && l.Address == k.Address {
			err = dropMail(ctx, q, row.id)
		}
	}
	return err
}

func (s *mails) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// deliver sends what is due until ctx ends.
func (s *mails) deliver(ctx context.Context) error {
	for {
		if err := s.SendDue(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-time.After(15 * time.Second):
		}
	}
}

// SendDue sends the mails that are due, each tried eight times in about four hours.
func (s *mails) SendDue(ctx context.Context) error {
	m, ok := s.n.Mailer()
	if !ok || !m.CanMail() {
		return nil
	}
	list, err := dueMails(ctx, s.n.DB, s.now(), 50)
	if err != nil {
		return err
	}
	for _, row := range list {
		if err := s.send(ctx, m, row); err != nil {
			return err
		}
	}
	return nil
}

// send makes one try. The next one is noted before, so that no second process makes this one
// too; a mail that went out is gone from here.
func (s *mails) send(ctx context.Context, m Mailer, row mailRow) error {
	mine, err := claimMail(ctx, s.n.DB, row, s.now().Add(time.Duration(1<<row.failed)*time.Minute))
	if err != nil || !mine {
		return err
	}
	l, err := s.openLetter(row)
	if err != nil {
		s.n.Log.Warn("a mail about a need cannot be opened", "need", row.need, "error", err)
		return dropMail(ctx, s.n.DB, row.id)
	}
	if err := m.Mail(ctx, l.Address, l.Title, l.Text); err != nil {
		s.n.Log.Warn("a mail about a need was not sent", "need", row.need, "try", row.failed+1, "code", string(core.CodeOf(err)))
		if row.failed+1 < mailTries {
			return ctx.Err()
		}
	}
	return dropMail(context.WithoutCancel(ctx), s.n.DB, row.id)
}
