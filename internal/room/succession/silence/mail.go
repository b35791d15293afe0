package silence

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/succession/promise"
)

const (
	// keptCalls is how long it is kept who called whom.
	keptCalls = 400 * day
	// newNaming is how long a naming is news.
	newNaming = 7 * day
	maxMails  = 10
	// maxNamings is how many mails about one owner's namings go out in a week, to whomever: an
	// owner writes the sheet and the namings itself, and shall not have us write without end.
	maxNamings = 100
)

// Jobs mail our people about members that are silent and about new successors.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "succession-silence", Every: time.Hour, Jitter: 10 * time.Minute, Later: true, Run: s.Run}}
}

// Run sends the mails that are due, each once.
func (s *Service) Run(ctx context.Context) error {
	if err := forgetCalls(ctx, s.n.DB, s.now().Add(-keptCalls)); err != nil {
		return err
	}
	all, err := s.Find(ctx)
	if err != nil {
		return err
	}
	for _, f := range all {
		switch f.State {
		case Well:
			err = forgetDays(ctx, s.n.DB, f.Member)
		case Silent:
			err = s.mailDay(ctx, f)
		case Quiet, OwnLine:
		}
		if err != nil {
			return err
		}
	}
	return s.mailNamings(ctx)
}

// mailDay tells our people what a day of silence asks of them.
func (s *Service) mailDay(ctx context.Context, f Finding) error {
	mark := 0
	for _, d := range []int{callDay, closeDay, askDay} {
		if f.Days >= d {
			mark = d
		}
	}
	v, err := s.view(ctx, f)
	if err != nil || mark == 0 || !v.Tied() {
		return err
	}
	custody, ok := s.n.Custody()
	if !ok {
		return nil
	}
	to, err := custody.AdminMails(ctx)
	if err != nil {
		return err
	}
	args := map[string]any{
		"Member": string(f.Member), "Days": f.Days, "Since": f.Since, "URL": s.n.URL + Path + "/" + string(f.Member), "Self": string(s.n.Self),
		"Next": s.n.Say.T("succession.silence.next_"+v.Next, v.args()),
	}
	return s.mailAll(ctx, letter{f.Member, fmt.Sprintf("day/%d", mark), to, s.n.Say.T("succession.silence.mail_title", args), s.n.Say.T("succession.silence.mail_text", args)})
}

// mailNamings tells whoever may know better that an owner named somebody new: our people where it
// concerns us, and the people on the owner's contact sheet where we hold one. Who took an owner's
// key would name itself.
func (s *Service) mailNamings(ctx context.Context) error {
	all, err := s.n.Named.Of(ctx, "")
	if err != nil {
		return err
	}
	custody, ok := s.n.Custody()
	if !ok {
		return nil
	}
	for _, n := range all {
		if s.now().Sub(n.Newest()) > newNaming {
			continue
		}
		if many, err := toldNamings(ctx, s.n.DB, n.Owner, s.now().Add(-newNaming)); err != nil {
			return err
		} else if many >= maxNamings {
			continue
		}
		sheet, err := custody.CallList(ctx, n.Owner)
		if err != nil {
			return err
		}
		var own []string
		if s.concerns(ctx, n.Owner) {
			if own, err = custody.AdminMails(ctx); err != nil {
				return err
			}
		}
		args := map[string]any{"Owner": string(n.Owner), "Member": string(n.Member), "Service": n.Service, "Self": string(s.n.Self), "Day": n.Newest().Add(promise.Settled)}
		l := letter{about: n.Owner, title: s.n.Say.T("succession.silence.naming_title", args), text: s.n.Say.T("succession.silence.naming_text", args)}
		// Two letters: however many we are, the owner's people are written to.
		what := fmt.Sprintf("naming/%s/%s/%d", n.Service, n.Member, n.Newest())
		l.what, l.to = what+"/own", own
		err = s.mailAll(ctx, l)
		l.what, l.to = what, addresses(sheet)
		err = errors.Join(err, s.mailAll(ctx, l))
		if err != nil {
			return err
		}
	}
	return nil
}

// concerns says whether our own people have to hear of a naming: it is our own logbook's, or its
// owner named us at some time.
func (s *Service) concerns(ctx context.Context, owner core.MemberID) bool {
	if owner == s.n.Self {
		return true
	}
	ever, err := s.n.Named.Ever(ctx, owner, s.n.Self)
	return err == nil && ever
}

// letter is one text to several addresses.
type letter struct {
	about       core.MemberID
	what        string
	to          []string
	title, text string
}

// mailAll sends it to each address once. An address that fails is tried again by the next run.
func (s *Service) mailAll(ctx context.Context, l letter) error {
	mailer, ok := s.n.Mailer()
	if !ok || !mailer.CanMail() {
		return nil
	}
	for i, address := range l.to[:min(len(l.to), maxMails)] {
		what := fmt.Sprintf("%s/%d", l.what, i)
		done, err := told(ctx, s.n.DB, l.about, what)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		if err := mailer.Mail(ctx, address, l.title, l.text); err != nil {
			s.n.Log.Info("a mail about a member was not sent yet", "about", l.about, "code", string(core.CodeOf(err)))
			continue
		}
		if err := setTold(ctx, s.n.DB, l.about, what, s.now()); err != nil {
			return err
		}
	}
	return nil
}

var addressForm = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+`)

// addresses finds what can be written to on a contact sheet.
func addresses(text string) []string {
	found := addressForm.FindAllString(text, maxMails)
	slices.Sort(found)
	return slices.Compact(found)
}

// args are what the sentence of what to do next names.
func (v View) args() map[string]any {
	services := make([]string, 0, len(v.Ours))
	for _, n := range v.Ours {
		services = append(services, n.Service)
	}
	others := []string{}
	for _, n := range v.Others {
		if !slices.Contains(others, string(n.Member)) {
			others = append(others, string(n.Member))
		}
	}
	service, ask := "SERVICE", "ID"
	if len(services) > 0 {
		service = services[0]
	}
	if len(v.Asks) > 0 {
		ask = v.Asks[0].Ask[:min(12, len(v.Asks[0].Ask))]
	}
	return map[string]any{
		"Member": string(v.Member), "Service": service, "Day": v.Since.Add(askDay * day), "Others": strings.Join(others, ", "), "Ask": ask,
		"Watchers": v.Watchers, "Networks": v.Networks,
	}
}
