package farewell

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/atom"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
	"entrechat/internal/room/succession/recipe"
)

//go:embed pages/*.html
var pages embed.FS

// Where people read, and choose.
const (
	Path       = "/succession"
	ChoicePath = "/succession/choice"
	feedPath   = "/succession/feed.atom"
	inFeed     = 50
)

// views are the pages.
type views struct {
	Needs
	site *web.Site
}

// Pages are those of the users, and what stands on every other page while a service of ours ends.
func (n Needs) Pages(site *web.Site) web.Pages {
	v := views{n, site}
	index := web.NewPage[indexPage](site, pages, "pages/index.html")
	one := web.NewPage[hosterPage](site, pages, "pages/hoster.html")
	return web.Pages{
		Routes: append(v.choiceRoutes(),
			web.Route{Pattern: "GET " + Path, Handler: index.Show(v.index)},
			web.Route{Pattern: "GET " + Path + "/{origin}", Handler: one.Show(v.hoster)},
			v.feedRoute(),
		),
		Menu:    []web.Entry{{Path: Path, Key: "succession.farewell.menu", Order: 70}},
		Feeds:   []web.Feed{{Path: feedPath, Type: atom.Type}},
		Banners: []web.Panel{web.NewPanel(site, pages, "pages/banner.html", v.banner)},
	}
}

func pageOf(id core.MemberID) string { return Path + "/" + url.PathEscape(string(id)) }

// line is a hoster in the index.
type line struct {
	ID       core.MemberID
	Page     string
	State    string
	Severity web.Severity
	Services []string
}

type indexPage struct{ Hosters []line }

func (v views) index(r *http.Request) (page indexPage, err error) {
	all, err := v.Known(r.Context())
	p := v.site.Printer(r)
	for _, h := range all {
		l := line{ID: h.ID, Page: pageOf(h.ID), State: p.T("succession.farewell.state_"+string(h.State()), nil), Severity: h.State().severity()}
		for _, s := range h.Services {
			l.Services = append(l.Services, s.Service)
		}
		page.Hosters = append(page.Hosters, l)
	}
	return page, err
}

// hosterPage is the page of the users of one hoster.
type hosterPage struct {
	ID       core.MemberID
	Severity web.Severity
	State    string // one sentence: what happened
	Cards    []card
}

// card is one service.
type card struct {
	ID         string // of its heading
	Name       string
	Severity   web.Severity
	State      string
	Picture    template.HTML // of the stages; empty = it goes on
	Notice     string
	Facts      []fact
	Do         string // the one thing to do
	Link       string // where to do it; empty = there is nothing to follow
	LinkSays   string
	Kept       []string
	Archived   []string
	Lost       []string
	Contract   string // the whole text; empty = there is none
	ContractID string
	Steps      []step
}

type fact struct{ Name, Says string }

type step struct {
	Day  string
	Says string
}

func (v views) hoster(r *http.Request) (page hosterPage, err error) {
	id, err := core.ParseMemberID(r.PathValue("origin"))
	if err != nil {
		return page, err
	}
	h, err := v.Hoster(r.Context(), id)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page = hosterPage{ID: id, Severity: h.State().severity(), State: v.happened(p, h)}
	for _, s := range h.Services {
		page.Cards = append(page.Cards, v.card(p, h, s))
	}
	return page, nil
}

// happened is what happened to a hoster, in one sentence.
func (v views) happened(p *words.Printer, h Hoster) string {
	fill := args{"Hoster": string(h.ID)}
	if h.Silent {
		fill["Day"] = p.Day(h.Since)
	}
	return p.T("succession.farewell.says_"+string(h.State()), fill)
}

type args = map[string]any

func (v views) card(p *words.Printer, h Hoster, s Service) card {
	c := card{ID: "service-" + s.Service, Name: nameOf(p, s.Service), Severity: s.State.severity(), State: p.T("succession.farewell.state_"+string(s.State), nil)}
	if s.Told {
		c.Notice = s.Notice.Text(p.Lang)
	}
	if s.Open() {
		c.Picture = picture(p, s)
	}
	c.Facts = v.facts(p, s)
	c.Do, c.Link, c.LinkSays = v.do(p, h, s)
	if s.Adopted {
		for _, row := range s.Handover.Table {
			text := closing.Plain(p, row)
			switch row.Fate {
			case recipe.Kept:
				c.Kept = append(c.Kept, text)
			case recipe.Archived:
				c.Archived = append(c.Archived, text)
			case recipe.Lost:
				c.Lost = append(c.Lost, text)
			}
		}
		c.Contract, c.ContractID = s.Handover.TextFR, s.Handover.ID
		if p.Lang == words.English {
			c.Contract = s.Handover.TextEN
		}
	}
	for _, one := range slices.Backward(s.Steps) {
		c.Steps = append(c.Steps, step{p.Day(one.At), p.T("succession.farewell.step_"+string(one.Stage), args{"Day": p.Day(one.LastDay.Start())})})
	}
	return c
}

// nameOf is a service as people call it.
func nameOf(p *words.Printer, service string) string {
	if service == promise.Accounts {
		return p.T("succession.farewell.accounts", nil)
	}
	return service
}

// picture is the line of stages: those that were, the one that is, those to come.
func picture(p *words.Printer, s Service) template.HTML {
	all := stage.Stages()
	all = all[:len(all)-1] // Withdrawn is no way
	if !s.Adopted && s.Handover.ID == "" && s.Late() {
		all = slices.DeleteFunc(slices.Clone(all), func(x stage.Stage) bool {
			return !slices.ContainsFunc(s.Steps, func(one stage.Step) bool { return one.Stage == x }) && (x == stage.Offered || x == stage.Adopted)
		})
	}
	here := slices.Index(all, s.Stage)
	names := make([]string, 0, len(all))
	for _, x := range all {
		names = append(names, p.T("succession.farewell.stage_"+string(x), nil))
	}
	says := p.T("succession.farewell.stage_of", args{"Number": here + 1, "Of": len(all), "Stage": names[here]})
	return web.Stages{Caption: web.Caption{Title: says}, Names: names, Here: here}.HTML()
}

// facts are what is known of a service, and what is not.
func (v views) facts(p *words.Printer, s Service) (out []fact) {
	add := func(name string, fill args, key string) {
		out = append(out, fact{p.T("succession.farewell.fact_"+name, nil), p.T("succession.farewell."+key, fill)})
	}
	if s.Open() {
		days := stage.DayOf(core.At(v.site.Now())).Until(s.LastDay)
		key := "last_day"
		switch {
		case days < 0:
			key = "last_day_over"
		case days == 0:
			key = "last_day_today"
		}
		add("until", args{"Day": p.Day(s.LastDay.Start()), "Count": max(days, 0)}, key)
	}
	switch {
	case s.Save.Newest > 0:
		add("saved", args{"Day": p.Date(s.Save.Newest)}, "saved")
	case s.Save.Proved > 0:
		add("saved", args{"Day": p.Day(s.Save.Proved)}, "proved")
	default:
		add("saved", nil, "not_known")
	}
	switch {
	case s.Rescue.Address != "":
		add("takes", args{"Member": string(s.Rescue.By), "Day": p.Day(s.Rescue.Until)}, "takes_rescue")
	case s.Adopted:
		add("takes", args{"Member": string(s.Handover.To), "Day": p.Day(s.Handover.Day.Start())}, "takes_adopter")
	case s.Handover.ID != "" || s.Standing.Handover != "":
		add("takes", nil, "takes_unread")
	case s.Late():
		add("takes", nil, "takes_nobody")
	case len(s.Successors) > 0:
		add("takes", args{"Member": list(s.Successors)}, "takes_named")
	default:
		add("takes", nil, "not_known")
	}
	if s.Counted {
		add("moved", args{"Kept": s.Moved.Kept, "Archived": s.Moved.Archived, "Lost": s.Moved.Lost}, "moved")
	}
	if s.Chosen {
		add("choices", args{"Handover": s.Choices.Handover, "Archive": s.Choices.Archive, "Erase": s.Choices.Erase}, "choices")
	}
	if s.Gone {
		add("erased", args{"Day": p.Day(s.Erased.At)}, "erased")
	}
	return out
}

func list(all []core.MemberID) (text string) {
	for i, m := range all {
		if i > 0 {
			text += ", "
		}
		text += string(m)
	}
	return text
}

// do is the one thing to do about a service, and where.
func (v views) do(p *words.Printer, h Hoster, s Service) (says, link, linkSays string) {
	t := func(key string) string {
		return p.T("succession.farewell."+key, args{"Day": p.Day(s.LastDay.Start()), "Hoster": string(h.ID), "Adopter": string(s.Handover.To)})
	}
	choose := ChoicePath
	if h.ID != v.Self {
		choose = ""
		if h.Address != "" {
			choose = h.Address + ChoicePath
		}
	}
	switch s.State {
	case Rescued:
		return t("do_rescued"), s.Rescue.Address, t("link_rescued")
	case Silent:
		return t("do_silent"), "", ""
	case Ends:
		return t("do_ends"), choose, t("link_choose")
	case Frozen:
		return t("do_frozen"), "", ""
	case Taken:
		return t("do_taken"), "https://" + string(s.Handover.To) + "/", t("link_taken")
	case Ended:
		return t("do_ended"), "", ""
	case GoesOn:
	}
	return t("do_nothing"), "", ""
}

// bannerPanel is what all our pages say while a service of ours ends.
type bannerPanel struct {
	Lines []bannerLine
	Page  string
}

type bannerLine struct {
	Service string
	Day     core.Moment
	Frozen  bool
}

func (v views) banner(r *http.Request) (b bannerPanel, ok bool, err error) {
	if r.URL.Path == pageOf(v.Self) {
		return b, false, nil // it says all of it
	}
	p := v.site.Printer(r)
	all, err := v.Closings.Ending(r.Context())
	for _, st := range all {
		if st.Stage != stage.Cut && st.Stage != stage.Kept {
			b.Lines = append(b.Lines, bannerLine{nameOf(p, st.Service), st.LastDay.Start(), st.Late()})
		}
	}
	b.Page = pageOf(v.Self)
	return b, len(b.Lines) > 0, err
}

// feedRoute is RFC 4287: what each hoster said of services that end, the newest first.
func (v views) feedRoute() web.Route {
	return web.Route{Pattern: "GET " + feedPath, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.site.Answer(w, r, atom.Type, "public, max-age=60", func(p *words.Printer) ([]byte, error) { return v.feed(r, p) })
	})}
}

func (v views) feed(r *http.Request, p *words.Printer) ([]byte, error) {
	all, err := v.Closings.Of(r.Context(), "")
	if err != nil {
		return nil, err
	}
	home := v.URL + Path
	f := atom.Feed{ID: home, Lang: p.Lang, Title: p.T("succession.farewell.feed_title", args{"Hoster": string(v.Self)}), Author: string(v.Self), Home: home, Self: v.URL + feedPath + "?lang=" + p.Lang}
	for _, st := range all {
		for _, one := range st.Steps {
			at := one.At.Time().UTC().Truncate(time.Second)
			link := v.URL + pageOf(st.Owner) + "#service-" + st.Service
			f.Entries = append(f.Entries, atom.Entry{
				ID: link + "-" + string(one.Stage) + "-" + string(one.LastDay) + "-" + string(stage.DayOf(one.At)), URL: link, Updated: at,
				Title: string(st.Owner) + " · " + st.Service + " · " + p.T("succession.farewell.step_"+string(one.Stage), args{"Day": p.Day(one.LastDay.Start())}),
			})
		}
	}
	slices.SortStableFunc(f.Entries, func(a, b atom.Entry) int { return b.Updated.Compare(a.Updated) })
	f.Entries = f.Entries[:min(len(f.Entries), inFeed)]
	return f.Encode()
}
