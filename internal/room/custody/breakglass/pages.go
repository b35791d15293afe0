package breakglass

import (
	"embed"
	"errors"
	"net/http"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/share"
)

//go:embed pages/*.html
var pages embed.FS

// Where admins see asks, and what has to be changed since a box was opened.
const (
	Path         = "/admin/custody/asks"
	RotationPath = "/admin/custody/rotation"
)

// views are the pages. Each decides one thing.
type views struct {
	*Asks
	site *web.Site
}

// Pages are where people at a holder decide, and the owner's people object.
func (a *Asks) Pages(site *web.Site) web.Pages {
	v := views{a, site}
	list := web.NewPage[listPage](site, pages, "pages/list.html")
	one := web.NewPage[onePage](site, pages, "pages/one.html")
	release := web.NewPage[releasePage](site, pages, "pages/release.html")
	step := web.NewPage[stepPage](site, pages, "pages/step.html")
	rotation := web.NewPage[rotationPage](site, pages, "pages/rotation.html")
	routes := []web.Route{
		{Pattern: "GET " + Path, Handler: list.Show(v.list)},
		{Pattern: "GET " + Path + "/{id}", Handler: web.NoStore(one.Show(v.one))},
		{Pattern: Path + "/{id}/release", Handler: web.NoStore(release.Form(v.askRelease, v.release))},
		{Pattern: Path + "/{id}/decline", Handler: step.Form(v.askStep("decline"), v.step("decline"))},
		{Pattern: Path + "/{id}/sooner", Handler: step.Form(v.askStep("sooner"), v.step("sooner"))},
		{Pattern: Path + "/{id}/overrule", Handler: step.Form(v.askStep("overrule"), v.step("overrule"))},
		{Pattern: Path + "/{id}/veto", Handler: step.Form(v.askStep("veto"), v.step("veto"))},
		{Pattern: RotationPath, Handler: rotation.Form(v.rotation, v.rotated)},
	}
	return web.Pages{
		Routes: routes, Menu: []web.Entry{{Path: Path, Key: "custody.breakglass.menu", Group: web.GroupPartners, Order: 64}},
		Alarms: []web.Panel{web.NewPanel(site, pages, "pages/panel.html", v.alarm)},
	}
}

// line is an ask in a list.
type line struct {
	View
	Stands   string // its state, in words
	Severity web.Severity
	Asker    string
	For      string // its reason, in words
}

type listPage struct {
	Asks          []line
	Due, Late     int
	ClockDoubtful bool
}

func (v views) list(r *http.Request) (page listPage, err error) {
	all, err := v.Views(r.Context())
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	for _, a := range all {
		page.Asks = append(page.Asks, lineOf(p, a))
		page.ClockDoubtful = page.ClockDoubtful || a.Clock
	}
	page.Due, page.Late, err = v.Due(r.Context())
	return page, err
}

func lineOf(p *words.Printer, a View) line {
	return line{a, stateText(p, a.Status), severity(a), asker(p, a), p.T("custody.breakglass.reason_"+string(a.Reason), nil)}
}

// severity says what needs somebody: one to be decided, or against our own box.
func severity(a View) web.Severity {
	if a.State == ask.Ready {
		return web.Trouble
	}
	if a.open() {
		return web.Warn
	}
	return web.None
}

type onePage struct {
	line
	Said   []string
	Expiry core.Moment
	// What may be done: one link for each.
	Release, Decline, Sooner, Overrule, Veto bool
}

func (v views) one(r *http.Request) (page onePage, err error) {
	a, err := v.View(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.line, page.Expiry = lineOf(p, a), a.Expires
	for _, s := range a.Said {
		page.Said = append(page.Said, p.T("custody.breakglass.said_"+string(s.Kind), args{"By": s.By, "Strength": p.T("custody.breakglass.strength_"+string(s.Strength), nil), "At": s.At}))
	}
	open := a.open()
	page.Release = a.Held && a.State == ask.Ready
	page.Decline = a.Held && open
	page.Sooner = a.Held && a.State == ask.Waiting
	page.Overrule = a.Held && a.State == ask.Vetoed && a.Why == ask.WhyCard
	page.Veto = a.Owner == v.self() && open
	return page, nil
}

type releasePage struct {
	line
	Heard web.Field
}

func (v views) askRelease(r *http.Request) (page releasePage, err error) {
	a, err := v.View(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	page.line = lineOf(v.site.Printer(r), a)
	page.Heard = web.Field{Name: "heard", Label: "custody.breakglass.heard", Hint: "custody.breakglass.heard_hint", Required: true, Value: r.PostFormValue("heard")}
	return page, nil
}

func (v views) release(r *http.Request) (string, error) {
	a, err := v.View(r.Context(), r.PathValue("id"))
	if err != nil {
		return "", err
	}
	switch {
	case !SameWords(r.PostForm.Get("heard"), a.Words):
		return "", core.Invalid("custody.breakglass.other_words", errors.New("other words"))
	case r.PostForm.Get("called") != "1":
		return "", core.Invalid("custody.breakglass.call_first", errors.New("nobody called"))
	}
	return Path + "/" + a.ID, v.Release(r.Context(), a.ID, r.PostForm.Get("clock") == "1")
}

// stepPage is a question with one button.
type stepPage struct {
	line
	What string // decline, sooner, overrule, veto
}

func (v views) askStep(what string) func(r *http.Request) (stepPage, error) {
	return func(r *http.Request) (stepPage, error) {
		a, err := v.View(r.Context(), r.PathValue("id"))
		return stepPage{lineOf(v.site.Printer(r), a), what}, err
	}
}

func (v views) step(what string) func(r *http.Request) (string, error) {
	return func(r *http.Request) (string, error) {
		id, err := v.Find(r.Context(), r.PathValue("id"))
		if err != nil {
			return "", err
		}
		switch what {
		case "decline":
			err = v.Decline(r.Context(), id)
		case "veto":
			err = v.Object(r.Context(), id, nil)
		default:
			err = v.Agree(r.Context(), id, ask.Kind(what))
		}
		return Path + "/" + id, err
	}
}

// rotationLine is one thing to change.
type rotationLine struct {
	Rotation
	Text, State string
	Severity    web.Severity
}

type rotationPage struct{ Lines []rotationLine }

func (v views) rotation(r *http.Request) (page rotationPage, err error) {
	all, err := v.Rotations(r.Context())
	p := v.site.Printer(r)
	for _, one := range all {
		l := rotationLine{one, one.text(p), one.state(p, v.now()), web.Warn}
		if one.Done != 0 {
			l.Severity = web.Fine
		} else if one.Late(v.now()) {
			l.Severity = web.Trouble
		}
		page.Lines = append(page.Lines, l)
	}
	return page, err
}

func (v views) rotated(r *http.Request) (string, error) {
	id, err := share.ParseID(r.PostForm.Get("deal"))
	if err != nil {
		return "", err
	}
	n, err := strconv.ParseInt(r.PostForm.Get("line"), 10, 64)
	if err != nil {
		return "", core.Invalid("custody.breakglass.no_rotation", err)
	}
	return RotationPath, v.Rotated(r.Context(), id, n)
}

// alarmView is what cannot wait: an ask about our own box that others made, one that somebody
// here has to decide, things that should have been changed.
type alarmView struct {
	Asks []line
	Late int
}

func (v views) alarm(r *http.Request) (out alarmView, ok bool, err error) {
	all, err := v.Views(r.Context())
	if err != nil {
		return out, false, err
	}
	p := v.site.Printer(r)
	for _, a := range all {
		if against(a, v.self()) || a.Held && a.State == ask.Ready {
			out.Asks = append(out.Asks, lineOf(p, a))
		}
	}
	_, out.Late, err = v.Due(r.Context())
	return out, len(out.Asks) > 0 || out.Late > 0, err
}
