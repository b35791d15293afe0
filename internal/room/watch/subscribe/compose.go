package subscribe

import (
	"context"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/channel"
	"entrechat/internal/room/watch/alert/contact"
)

type args = map[string]any

// compose writes a mail. It returns db.ErrNoRow when its reader left.
func (s *Service) compose(ctx context.Context, m mail) (contact.Channel, channel.Message, error) {
	if n, ok := strings.CutPrefix(m.subscriber, "topic/"); ok {
		return s.topic(ctx, m, n)
	}
	one, err := get(ctx, s.n.DB, m.subscriber)
	if err != nil {
		return contact.Channel{}, channel.Message{}, err
	}
	to := contact.Channel{ID: "mail", Kind: contact.Mail, Address: one.Address}
	p := s.n.Words.Printer(one.Lang)
	name, err := s.name(ctx, one.Hoster, one.Service)
	if err != nil {
		return to, channel.Message{}, err
	}
	out := channel.Message{Key: m.subscriber + "/" + m.event, Owner: one.Hoster, At: m.made, Lang: one.Lang}
	leave := s.link(pathOut, "out", one.ID)
	switch {
	case strings.HasPrefix(m.event, "confirm/"):
		out.Kind, out.Title = "confirm", p.T("watch.subscribe.confirm_title", args{"Name": name})
		out.Text, out.Link = p.T("watch.subscribe.confirm_text", args{"Name": name}), s.link(pathConfirm, "confirm", one.ID)
		return to, out, nil
	case strings.HasPrefix(m.event, "known/"):
		out.Kind, out.Title = "known", p.T("watch.subscribe.known_title", args{"Name": name})
		out.Text, out.Link, out.Out = p.T("watch.subscribe.known_text", args{"Name": name}), leave, leave
		return to, out, nil
	}
	e, err := getEvent(ctx, s.n.DB, m.event)
	if err != nil {
		return to, out, err
	}
	title, text, err := s.say(ctx, p, e)
	out.Kind, out.Services, out.At = string(e.Kind), e.Services, e.At
	out.Title, out.Text, out.Out = title, text+"\n\n-- \n"+p.T("watch.subscribe.leave", args{"Link": leave}), leave
	return to, out, err
}

func (s *Service) topic(ctx context.Context, m mail, n string) (contact.Channel, channel.Message, error) {
	e, err := getEvent(ctx, s.n.DB, m.event)
	i, bad := strconv.Atoi(n)
	if err != nil || bad != nil || i >= len(s.n.Topics) {
		return contact.Channel{}, channel.Message{}, err
	}
	p := s.n.Words.Printer(words.French)
	title, text, err := s.say(ctx, p, e)
	return s.n.Topics[i], channel.Message{
		Key: m.subscriber + "/" + m.event, Title: title, Text: text, Link: e.Link, Kind: string(e.Kind), Owner: e.Hoster, Services: e.Services, At: e.At, Lang: p.Lang,
	}, err
}

// name is what a subscription is for.
func (s *Service) name(ctx context.Context, hoster core.MemberID, service string) (string, error) {
	name, _, ok, err := s.n.Hosters.Hoster(ctx, hoster)
	if !ok || name == "" {
		name = string(hoster)
	}
	if service != "" {
		name = service + " (" + name + ")"
	}
	return contact.Short(name, 120), err
}

// say writes of an event: our sentence first, then what the hoster wrote.
func (s *Service) say(ctx context.Context, p *words.Printer, e Event) (title, text string, err error) {
	name, err := s.name(ctx, e.Hoster, "")
	if err != nil {
		return "", "", err
	}
	services := name
	if len(e.Services) > 0 {
		services = contact.Short(strings.Join(e.Services, ", "), 200) + " (" + name + ")"
	}
	lines := []string{p.T("watch.subscribe.text_"+string(e.Kind), args{"Services": services, "At": p.Date(e.At)})}
	if e.Note != "" {
		lines = append(lines, "", e.Note)
	}
	if e.Link != "" {
		lines = append(lines, "", e.Link)
	}
	return p.T("watch.subscribe.title_"+string(e.Kind), args{"Services": services}), strings.Join(lines, "\n"), nil
}
