package subscribe

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

// The bounds of what strangers may cause.
const (
	askTime     = 48 * time.Hour // how long a question to confirm is good for
	day         = 24 * time.Hour
	perAddress  = 4   // mails a day that somebody's typing an address can cause
	perHour     = 300 // of such mails, for all addresses together
	maxPerOne   = 50  // subscriptions of one address
	maxTotal    = 200_000
	maxServices = 50
)

// Hosters says of whom people can ask news here.
type Hosters interface {
	// Hoster is its name for people and its services; false: we show nothing of it.
	Hoster(ctx context.Context, id core.MemberID) (name string, services []string, ok bool, err error)
}

// Needs is what subscriptions are made of; all of it is required but Topics and Visitor.
type Needs struct {
	DB      *db.DB
	Signer  seal.Signer
	Hosters Hosters
	Sender  channel.Sender
	Words   *words.Catalogue
	URL     string // where browsers reach this node
	// Topics are written to of our own events.
	Topics []contact.Channel
	Now    func() time.Time
	Log    *slog.Logger
}

// Service is the subscriptions. Safe for concurrent use.
type Service struct {
	n    Needs
	wake chan struct{}
	// By where requests come from, by the mailbox they have written to, and by its domain.
	visitors, mailboxes, domains gate
}

// New makes the service; its Jobs send.
func New(n Needs) *Service { return &Service{n: n, wake: make(chan struct{}, 1)} }

func (s *Service) now() core.Moment { return core.At(s.n.Now()) }

// Request is what a visitor asks for.
type Request struct {
	Hoster  core.MemberID
	Service string // empty = all
	Address string
	Lang    string
	// From is where the visitor comes from, an address or a network: for counting in
	// memory only. Empty = nobody is counted.
	From string
}

// Ask takes a request and has a mail written that asks to confirm. What it answers is the
// same whether the address is subscribed or not. Returns CodeInvalid for what is no
// address, CodeNotFound for a hoster or service we do not show, CodeUnsure for too many.
func (s *Service) Ask(ctx context.Context, r Request) error {
	address, ok := contact.Mailbox(strings.TrimSpace(r.Address))
	if !ok {
		return core.Invalid("watch.subscribe.bad_address", errors.New("no mail address"))
	}
	_, services, ok, err := s.n.Hosters.Hoster(ctx, r.Hoster)
	if err != nil {
		return err
	}
	known := r.Service == ""
	for _, name := range services {
		known = known || name == r.Service
	}
	if !ok || !known {
		return core.NotFound("watch.subscribe.no_hoster", errors.New("nothing of it is shown here"))
	}
	if !s.visitors.admit(r.From, allowance{perVisitor, time.Hour}, s.n.Now()) {
		return core.Unsure("watch.subscribe.too_many", errors.New("too many requests"))
	}
	if r.Lang != words.English {
		r.Lang = words.French
	}
	// Host names have no case, and mail servers that tell letters' cases apart are gone.
	r.Address = strings.ToLower(address)
	if err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return s.note(ctx, q, r) }); err != nil {
		return err
	}
	s.poke()
	return nil
}

// note keeps a request and its mail, within bounds; over them it does nothing, and does
// not say so.
func (s *Service) note(ctx context.Context, q db.Querier, r Request) error {
	now := s.now()
	mails, err := askedMails(ctx, q, r.Address, now.Add(-day))
	if err != nil || mails >= perAddress {
		return err
	}
	all, err := askedMails(ctx, q, "", now.Add(-time.Hour))
	if err != nil || all >= perHour {
		return err
	}
	// Somebody's mailbox has many addresses.
	mailbox, domain := mailboxOf(r.Address)
	if !s.domains.admit(domain, allowance{perDomain, time.Hour}, s.n.Now()) || !s.mailboxes.admit(mailbox, allowance{perAddress, day}, s.n.Now()) {
		return nil
	}
	one, found, err := find(ctx, q, r)
	if err != nil {
		return err
	}
	if !found {
		count, total, err := counts(ctx, q, r.Address)
		if err != nil || count >= maxPerOne || total >= maxTotal {
			return err
		}
		one = Subscriber{ID: newID(), Hoster: r.Hoster, Service: r.Service, Address: r.Address, Lang: r.Lang, Made: now}
		if err := add(ctx, q, one); err != nil {
			return err
		}
	}
	event := fmt.Sprintf("confirm/%s-%d", now.Time().Format("20060102"), mails)
	if one.Confirmed != 0 {
		event = "known/" + now.Time().Format("20060102")
	} else if err := renew(ctx, q, one.ID, now); err != nil {
		return err
	}
	return addMail(ctx, q, mail{subscriber: one.ID, event: event, address: r.Address, made: now, next: now})
}

func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Subscriber is one address that asked for one hoster or service.
type Subscriber struct {
	ID        string
	Hoster    core.MemberID
	Service   string
	Address   string
	Lang      string
	Made      core.Moment
	Confirmed core.Moment // zero = not yet
}

// sign makes the secret part of a link: only this node can make it, and nothing of it is
// kept.
func (s *Service) sign(what, id string) string {
	return base64.RawURLEncoding.EncodeToString(s.n.Signer.Sign([]byte("entrechat/watch-" + what + "/1\n" + id)))
}

func (s *Service) holds(what, id, sig string) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil || !seal.Holds(s.n.Signer.Public(), []byte("entrechat/watch-"+what+"/1\n"+id), raw) {
		return core.Denied("watch.subscribe.bad_link", errors.New("not our signature"))
	}
	return nil
}

// The paths of the links.
const (
	PathAsk     = "/watch/subscribe"
	pathConfirm = "/watch/confirm/"
	pathOut     = "/watch/out/"
)

func (s *Service) link(path, what, id string) string {
	return s.n.URL + path + id + "/" + s.sign(what, id)
}

// Confirm says that the reader of the mail is who asked. Returns CodeDenied for a link
// that is not ours, CodeNotFound for one that is too old.
func (s *Service) Confirm(ctx context.Context, id, sig string) error {
	if err := s.holds("confirm", id, sig); err != nil {
		return err
	}
	done, err := confirm(ctx, s.n.DB, id, s.now(), s.now().Add(-askTime))
	if err == nil && !done {
		return core.NotFound("watch.subscribe.too_old", errors.New("no such request any more"))
	}
	return err
}

// Out ends a subscription; one that is gone already is well. Returns CodeDenied for a link
// that is not ours.
func (s *Service) Out(ctx context.Context, id, sig string) error {
	if err := s.holds("out", id, sig); err != nil {
		return err
	}
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return remove(ctx, q, id) })
}

// Count is how many confirmed subscribers a hoster has.
func (s *Service) Count(ctx context.Context, hoster core.MemberID) (int64, error) {
	return confirmed(ctx, s.n.DB, hoster)
}
