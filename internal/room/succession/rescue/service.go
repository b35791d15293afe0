package rescue

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/rescue/letin"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/site"
)

// Kinds of entries in our logbook.
const (
	TypeRescue = "entrechat/rescue/1"
	TypeEnd    = "entrechat/rescue-end/1"
)

// Book is what is needed of the logbooks.
type Book interface {
	Append(ctx context.Context, typ string, aud []core.MemberID, exp core.Moment, body any) (logbook.Entry, error)
	Member(ctx context.Context, id core.MemberID) (logbook.Member, error)
}

// Vault fetches another's backup.
type Vault interface {
	Inherit(ctx context.Context, pointer []byte, dir string, say func(files, bytes int64)) (password string, err error)
}

// Named says what others name us for.
type Named interface {
	Ours(ctx context.Context) ([]promise.Successor, error)
}

// Packs are those that owners sent us.
type Packs interface {
	Held(ctx context.Context, owner core.MemberID, service string) (pack.Pack, string, error)
	Restored(ctx context.Context, r pack.Restored) (pack.Restored, error)
}

// Ask is what is asked of other rooms, when there is somebody to ask.
type Ask struct {
	Vault    func() (Vault, bool)
	Mailer   func() (letin.Mailer, bool)
	Accounts func() (site.Accounts, bool)
}

// Needs is what rescues are made of; what Ask finds may be missing, all else is required.
type Needs struct {
	DB     *db.DB
	Dir    string // where rescued data lie
	Box    seal.Box
	Words  *words.Catalogue
	Signer seal.Signer
	Book   Book
	Named  Named
	Packs  Packs
	// Silent says whether nothing is heard of an owner any more, and since when.
	Silent func(ctx context.Context, owner core.MemberID) (since core.Moment, silent bool, err error)
	// Pointer reads the pointer that a person typed: a file, or MEMBER/NAME of one sent to this node.
	Pointer func(ctx context.Context, typed string) ([]byte, error)
	// Private is a network of tests: nobody waits 30 days.
	Private bool
	URL     string // where browsers reach this node, without a slash at its end
	Ask     Ask
	Now     func() time.Time
	Log     *slog.Logger
}

// Service is all rescues of this node. Safe for concurrent use.
type Service struct {
	n       Needs
	Records *record.Records
	Doors   *letin.Doors
}

// New makes it.
func New(n Needs) *Service {
	s := &Service{n: n}
	s.Records = record.New(record.Needs{DB: n.DB, Dir: n.Dir, Key: n.Box.Key("succession rescue who"), Now: n.Now})
	s.Doors = letin.New(letin.Needs{DB: n.DB, URL: n.URL, Mailer: n.Ask.Mailer, Find: s.find, Now: n.Now, Log: n.Log})
	return s
}

func (s *Service) now() core.Moment { return core.At(s.n.Now()) }

func (s *Service) self() core.MemberID { return s.n.Signer.ID() }

// find is who has an address, and the letter to them. It goes to the address that the pack has,
// never to what was typed.
func (s *Service) find(ctx context.Context, owner core.MemberID, mail, lang string, link func(string) string) (string, func(string) letin.Letter, error) {
	if s.Back(ctx, owner) != nil {
		return "", nil, nil //nolint:nilerr // nobody is written to
	}
	who := s.Records.WhoMail(owner, mail)
	p, ok, err := s.Records.Person(ctx, owner, who)
	if err != nil || !ok || p.Mail == "" {
		return "", nil, err
	}
	if p.Lang == words.French || p.Lang == words.English {
		lang = p.Lang
	}
	say := s.n.Words.Printer(lang)
	return who, func(token string) letin.Letter {
		fill := map[string]any{"Member": string(owner), "Self": string(s.self()), "Link": link(token)}
		return letin.Letter{To: p.Mail, Title: say.T("succession.rescue.letter_title", fill), Text: say.T("succession.rescue.letter_text", fill)}
	}, nil
}

// Back is CodeConflict "succession.rescue.owner_back" once a head of the owner came that is newer
// than its oldest rescue here: nobody new comes in, and our admins are asked to end it.
func (s *Service) Back(ctx context.Context, owner core.MemberID) error {
	all, err := s.Records.List(ctx, owner)
	if err != nil {
		return err
	}
	var since core.Moment
	for _, one := range all {
		if one.State == record.Open && (since == 0 || one.Since < since) {
			since = one.Since
		}
	}
	if since == 0 {
		return nil
	}
	m, err := s.n.Book.Member(ctx, owner)
	if core.CodeOf(err) == core.CodeNotFound {
		return nil
	}
	if err == nil && m.Heard > since {
		err = core.Conflict("succession.rescue.owner_back", errors.New("the owner is heard")).With("Member", string(owner))
	}
	return err
}

func (s *Service) siteNeeds() site.Needs {
	return site.Needs{
		Records: s.Records, Doors: s.Doors, Back: s.Back, Accounts: s.n.Ask.Accounts, Receipt: s.receipt,
		Changed: s.refresh, Self: s.self(), Log: s.n.Log,
	}
}

// Pages are what people see.
func (s *Service) Pages(w *web.Site) web.Pages { return site.Pages(w, s.siteNeeds()) }

// Programs are the routes for WebDAV and git.
func (s *Service) Programs() []web.Route { return site.Programs(s.siteNeeds()) }

// Jobs mail links and end what is over.
func (s *Service) Jobs() []jobs.Job {
	return append(s.Doors.Jobs(), jobs.Job{Name: "succession-rescue-end", Every: time.Hour, Jitter: 10 * time.Minute, Run: s.EndDue})
}

// Standing is a rescue as the page of the users says it.
type Standing struct {
	Service           string
	Since, AsOf       core.Moment
	Until             core.Moment
	Page              string // where people of the service come in, a whole address
	Shown, OwnerHeard bool
}

// Rescues lists those of an owner's services that are or were readable here.
func (s *Service) Rescues(ctx context.Context, owner core.MemberID) (out []Standing, err error) {
	all, err := s.Records.List(ctx, owner)
	if err != nil {
		return nil, err
	}
	back := s.Back(ctx, owner)
	if back != nil && core.CodeOf(back) != core.CodeConflict {
		return nil, back
	}
	for _, one := range all {
		if one.State != record.Restoring {
			out = append(out, Standing{one.Service, one.Since, one.AsOf, one.Until, s.n.URL + site.Path + "/" + string(owner) + "/", one.Shown(s.now()), back != nil})
		}
	}
	return out, nil
}

// place is where a rescue, or a drill, lies.
func (s *Service) place(owner core.MemberID, service string, drill bool) string {
	if drill {
		return filepath.Join(s.n.Dir, ".drill", string(owner), service)
	}
	return s.Records.Folder(owner, service)
}

// Invite makes a link for a person whom our admins know, good once and for three days: for who has no
// address that still works. Returns CodeNotFound "succession.rescue.no_user".
func (s *Service) Invite(ctx context.Context, owner core.MemberID, service, user string) (string, error) {
	one, err := s.Records.Get(ctx, owner, service)
	if err != nil {
		return "", err
	}
	who := s.Records.WhoUser(owner, service, user)
	_, ok, err := s.Records.Person(ctx, owner, who)
	if err == nil && (!ok || !one.Shown(s.now())) {
		err = core.NotFound("succession.rescue.no_user", errors.New("nobody")).With("Service", service)
	}
	if err == nil {
		err = s.Back(ctx, owner)
	}
	if err != nil {
		return "", err
	}
	return s.Doors.Give(ctx, owner, who)
}
