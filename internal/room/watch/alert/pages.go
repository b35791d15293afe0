package alert

import (
	"context"
	"embed"
	"errors"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

//go:embed pages/*.html
var pages embed.FS

// Path is where the page "who is told" is.
const Path = "/admin/alerts"

// views are the pages about alerts.
type views struct {
	*Service
	site *web.Site
}

// Pages are who is told, for admins, and where a link of an alert leads, for everybody.
func (s *Service) Pages(site *web.Site) web.Pages {
	v := views{s, site}
	list := web.NewPage[listPage](site, pages, "pages/alerts.html")
	add := web.NewPage[newPage](site, pages, "pages/new.html")
	one := web.NewPage[personPage](site, pages, "pages/person.html")
	ack := web.NewPage[ackPage](site, pages, "pages/ack.html")
	return web.Pages{
		Routes: []web.Route{
			{Pattern: Path, Handler: list.Form(v.list, v.act)},
			{Pattern: Path + "/new", Handler: add.Form(v.askPerson, v.addPerson)},
			{Pattern: Path + "/people/{person}", Handler: one.Form(v.person, v.changePerson)},
			{Pattern: PathAck + "{key}/{person}/{sig}", Handler: web.NoStore(ack.Form(v.askAck, v.ack))},
		},
		Menu: []web.Entry{{Path: Path, Key: "watch.alert.menu", Group: web.GroupWatch, Order: 24}},
	}
}

type listPage struct {
	Tested bool
	Open   []openNotice
	People []listedPerson
	Rota   []rotaLine
}

type openNotice struct {
	Key, Title string
	Severity   web.Severity
	At         core.Moment
	By         string
}

type listedPerson struct {
	ID, Name, Quiet string
	Asleep          bool
	Channels        []listedChannel
}

type listedChannel struct {
	ID, Kind, Address string
	Severity          web.Severity
	Says, Why         string // how the last delivery over it ended, and why it failed
	Below             bool   // it hangs on our own services
}

type rotaLine struct{ From, To, Person, Place string }

func (v views) list(r *http.Request) (page listPage, err error) {
	ctx, p := r.Context(), v.site.Printer(r)
	plan, _, err := v.Plan(ctx, v.self())
	if err != nil {
		return page, err
	}
	page.Tested = r.URL.Query().Get("tested") != ""
	recent, err := v.Recent(ctx, v.now().Add(-30*day), 200)
	if err != nil {
		return page, err
	}
	for _, n := range recent {
		if n.Over == 0 && n.Owner == v.self() && n.Kind != delivery.Test {
			page.Open = append(page.Open, openNotice{n.Key, says(p, n), severity(n), n.At, n.By})
		}
	}
	channels, err := v.channels(ctx, p)
	if err != nil {
		return page, err
	}
	for _, person := range plan.People {
		page.People = append(page.People, listedPerson{
			person.ID, person.Name, quietText(p, person), person.Asleep(v.n.Now()), channels(person),
		})
	}
	for _, d := range plan.Rota.Occurrences(v.n.Now(), v.n.Now().Add(14*day)) {
		name := d.Person
		if person, ok := plan.Person(d.Person); ok {
			name = person.Name
		}
		page.Rota = append(page.Rota, rotaLine{clock(p, d.From), clock(p, d.To), name, place(p, d)})
	}
	return page, nil
}

// says is what a notice is about, in the reader's language.
func says(p *words.Printer, n delivery.Standing) string {
	services := strings.Join(n.Services, ", ")
	if services == "" {
		services = string(n.Owner)
	}
	return p.T("watch.alert.title_"+string(n.Kind), args{"Services": services})
}

func severity(n delivery.Standing) web.Severity {
	if n.Level == contact.Page {
		return web.Trouble
	}
	return web.Warn
}

// channels says of each channel of a person how its last delivery ended.
func (v views) channels(ctx context.Context, p *words.Printer) (func(contact.Person) []listedChannel, error) {
	last, err := v.queue.Deliveries(ctx, v.self(), v.now().Add(-62*day))
	if err != nil {
		return nil, err
	}
	domains, err := v.n.Watch.Domains(ctx, v.self())
	if err != nil {
		return nil, err
	}
	return func(person contact.Person) []listedChannel {
		out := make([]listedChannel, 0, len(person.Channels))
		for _, c := range person.Channels {
			one := listedChannel{
				ID: c.ID, Kind: p.T("watch.alert.channel_"+string(c.Kind), nil), Address: c.Address, Severity: web.None,
				Says: p.T("watch.alert.never_used", nil), Below: c.Below(domains),
			}
			i := slices.IndexFunc(last, func(d delivery.Delivery) bool {
				return d.Person == person.ID && d.Channel == c.ID && d.State != delivery.Told && d.State != delivery.Dropped
			})
			if i >= 0 {
				one.Severity, one.Says, one.Why = v.outcome(p, last[i])
			}
			out = append(out, one)
		}
		return out
	}, nil
}

func (v views) outcome(p *words.Printer, d delivery.Delivery) (web.Severity, string, string) {
	switch d.State {
	case delivery.Sent, delivery.Summary:
		return web.Fine, p.T("watch.alert.worked", args{"When": p.Ago(d.Done, v.n.Now())}), ""
	case delivery.Unsure:
		return web.Warn, p.T("watch.alert.maybe", nil), why(p, d.Error)
	case delivery.Open, delivery.Failed, delivery.Told, delivery.Dropped:
	}
	if d.Error == "" {
		return web.None, p.T("watch.alert.on_its_way", nil), ""
	}
	return web.Trouble, p.T("watch.alert.did_not_work", nil), why(p, d.Error)
}

// act sends a test, or acknowledges.
func (v views) act(r *http.Request) (string, error) {
	switch r.PostForm.Get("do") {
	case "test":
		return Path + "?tested=1", v.Test(r.Context(), r.PostForm.Get("person"))
	case "ack":
		_, err := v.Acknowledge(r.Context(), r.PostForm.Get("key"), "")
		return Path, err
	}
	return "", core.Invalid("web.bad_form", errors.New("no such button"))
}

type ackPage struct {
	Title    string
	At, Over core.Moment
	By       string
	Test     bool
}

func (v views) askAck(r *http.Request) (page ackPage, err error) {
	n, err := v.linked(r.Context(), r.PathValue("key"), r.PathValue("person"), r.PathValue("sig"))
	if err != nil {
		return page, err
	}
	page = ackPage{says(v.site.Printer(r), n), n.At, n.Over, n.By, n.Kind == delivery.Test}
	if n.Kind == delivery.Test {
		page.Over = 0
	}
	return page, nil
}

// ack takes the button only: programs that follow every link of a mail press none.
func (v views) ack(r *http.Request) (string, error) {
	key, person := r.PathValue("key"), r.PathValue("person")
	if _, err := v.linked(r.Context(), key, person, r.PathValue("sig")); err != nil {
		return "", err
	}
	_, err := v.Acknowledge(r.Context(), key, person)
	return r.URL.Path, err
}
