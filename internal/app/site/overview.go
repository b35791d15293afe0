package site

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"entrechat/internal/app/datadir"
	"entrechat/internal/app/doctor"
	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
)

// lookAgain is how old what doctor found may be on a page. It reads the whole
// logbook, so a page that is reloaded does not ask anew.
const lookAgain = 30 * time.Second

// look runs every check of doctor.
func (s *Site) look(ctx context.Context) ([]doctor.Answer, error) {
	return doctor.Ask(ctx, s.n.Checks()), nil
}

// overviewPage is what an admin sees first: how things stand, and what to do next.
type overviewPage struct {
	Made     core.Moment
	Severity web.Severity
	Next     *task // nil = nothing waits for a person
	Steps    []step
	Undone   int         // of Steps
	Problems []checkLine // all that is not well
	Troubles []checkLine // of these, what neither Next nor a step says
	Unknown  []checkLine // not yet, or cannot be known now: neither well nor not
	Fine     []checkLine
	Ring     template.HTML   // empty when it cannot be known who is around us
	Space    template.HTML   // empty while nobody stores anything for anybody, or when that cannot be known
	Alarms   []template.HTML // what cannot wait
	Panels   []template.HTML
}

// task is what to do next; Path is empty where no page does it.
type task struct{ Name, Says, Path string }

// step is one of the first hour, as a page writes it.
type step struct {
	Name, Path string
	Done       bool
}

type checkLine struct {
	Name, Says string
	check      string
}

// overviewPages shows what doctor found within the last 30 seconds.
func (s *Site) overviewPages(rooms web.Pages) http.Handler {
	page := web.NewPage[overviewPage](s.web, pages, "pages/overview.html")
	looks := &memo[[]doctor.Answer]{lives: lookAgain, make: s.look}
	around := &memo[surroundings]{lives: 5 * time.Second, make: s.surroundings}
	var undone atomic.Int64
	return page.Show(func(r *http.Request) (overviewPage, error) {
		// Whatever fails is one of the troubles: this page is needed most when much does.
		steps, failed := s.steps(r.Context())
		// Who just did a step reads what doctor says of it now.
		if left := int64(countUndone(steps)); undone.Swap(left) != left {
			looks.forget()
		}
		look, err := looks.at(r.Context(), time.Now())
		if err != nil {
			return overviewPage{}, err
		}
		p := s.web.Printer(r)
		seen, err := around.at(r.Context(), time.Now())
		if err != nil {
			return overviewPage{}, err
		}
		look.value = slices.Concat(look.value, failed, seen.value.failed)
		shown := overview(p, look, steps)
		shown.Alarms, shown.Panels = s.web.Render(r, rooms.Alarms), s.web.Render(r, rooms.Overview)
		shown.Ring, shown.Space = seen.value.ring(p, s.n.Self), seen.value.space(p)
		return shown, nil
	})
}

func countUndone(steps []fit.Step) (n int) {
	for _, s := range steps {
		if !s.Done {
			n++
		}
	}
	return n
}

// steps are all rooms' steps, in their order, and what went wrong in rooms that could not
// say theirs.
func (s *Site) steps(ctx context.Context) (all []fit.Step, failed []doctor.Answer) {
	for _, f := range s.n.Fittings {
		if f.Steps == nil {
			continue
		}
		steps, err := f.Steps(ctx)
		if err != nil {
			failed = append(failed, s.failed("app.overview_steps", err))
			continue
		}
		all = append(all, steps...)
	}
	slices.SortStableFunc(all, func(a, b fit.Step) int { return cmp.Compare(a.Order, b.Order) })
	return all, failed
}

// failed is a part of the overview that could not be made, as one more trouble.
func (s *Site) failed(part string, err error) doctor.Answer {
	s.n.Log.Error("a part of the overview failed", "part", part, "error", err)
	return doctor.Answer{Check: fit.Check{Name: part}, Err: err}
}

// overview sorts what doctor found and says what is next: the first trouble that is no
// step's, then the first step that is not done, then any trouble.
func overview(p *words.Printer, look dated[[]doctor.Answer], steps []fit.Step) overviewPage {
	page := overviewPage{Made: core.At(look.made), Severity: web.Fine}
	for _, l := range doctor.Lines(p, look.value) {
		line := checkLine{l.Name, l.Says, l.ID}
		switch l.State {
		case doctor.NotWell:
			page.Problems = append(page.Problems, line)
		case doctor.Unknown, doctor.Unused:
			page.Unknown = append(page.Unknown, line)
		case doctor.Well:
			page.Fine = append(page.Fine, line)
		}
	}
	covered := func(check string) bool {
		return slices.ContainsFunc(steps, func(s fit.Step) bool { return !s.Done && s.Check == check })
	}
	for _, s := range steps {
		page.Steps = append(page.Steps, step{p.T(s.Key, nil), s.Path, s.Done})
	}
	page.Undone = countUndone(steps)
	page.Troubles = slices.Clone(page.Problems)
	trouble := slices.IndexFunc(page.Troubles, func(l checkLine) bool { return !covered(l.check) })
	first := slices.IndexFunc(steps, func(s fit.Step) bool { return !s.Done })
	switch {
	case trouble >= 0:
		page.Severity = web.Warn
		page.Next = &task{Name: page.Troubles[trouble].Name, Says: page.Troubles[trouble].Says}
		page.Troubles = slices.Delete(page.Troubles, trouble, trouble+1)
	case first >= 0:
		page.Severity = web.None
		page.Next = &task{p.T(steps[first].Key, nil), p.T(steps[first].Why, nil), steps[first].Path}
	case len(page.Unknown) > 0:
		page.Severity = web.None
	}
	page.Troubles = slices.DeleteFunc(page.Troubles, func(l checkLine) bool { return covered(l.check) })
	return page
}

// Partner is somebody we added, for the picture.
type Partner struct {
	ID       core.MemberID
	Severity web.Severity // Fine = it answers, Trouble = suspended, all else = silent
}

// Exchange is what members store for us and we for them, in bytes.
type Exchange struct {
	ForUs, ForThem map[core.MemberID]int64
	Silent         []core.MemberID // who does not answer as a lender
	Given, Granted int64           // what we, and what they, promised
}

// Around are the members around us, and what is stored with whom.
type Around struct {
	Partners []Partner
	Exchange
}

// surroundings are the members, and how the disk stands.
type surroundings struct {
	Around
	free, total core.Size // of the disk that members' shards lie on

	unknown bool            // what is around us: nothing of it is drawn
	noDisk  bool            // how the disk stands is not known
	failed  []doctor.Answer // why
}

// surroundings never fails: what could not be learned is told by failed.
func (s *Site) surroundings(ctx context.Context) (out surroundings, _ error) {
	around, err := s.n.Around(ctx)
	if err != nil {
		out.unknown, out.failed = true, append(out.failed, s.failed("app.overview_pictures", err))
	} else {
		out.Around = around
	}
	if out.free, out.total, err = datadir.Disk(s.n.Store); err != nil {
		out.noDisk, out.failed = true, append(out.failed, s.failed("app.overview_space", err))
	}
	return out, nil
}

// ring draws them; it is empty when they are not known.
func (s surroundings) ring(p *words.Printer, us core.MemberID) template.HTML {
	if s.unknown {
		return ""
	}
	ring := web.Ring{Us: string(us)}
	silent, suspended := 0, 0
	for _, m := range s.Partners {
		if slices.Contains(s.Silent, m.ID) && m.Severity == web.Fine {
			m.Severity = web.None
		}
		switch m.Severity {
		case web.Fine:
		case web.Trouble:
			suspended++
		case web.Warn, web.None:
			silent++
		}
		ring.Members = append(ring.Members, web.RingMember{
			Name: string(m.ID), ForUs: s.ForUs[m.ID], ForIt: s.ForThem[m.ID], Severity: m.Severity,
			Says: p.T("app.ring_member", map[string]any{"Ours": core.Size(s.ForUs[m.ID]), "Theirs": core.Size(s.ForThem[m.ID])}),
		})
	}
	ring.Title = p.T("app.ring", map[string]any{"Count": len(s.Partners)})
	var says []string
	if suspended > 0 {
		says = append(says, p.T("app.ring_suspended", map[string]any{"Count": suspended}))
	}
	if silent > 0 {
		says = append(says, p.T("app.ring_words", map[string]any{"Count": silent}))
	}
	if len(says) == 0 {
		says = append(says, p.T("app.ring_well", nil))
	}
	ring.Words = strings.Join(append(says, p.T("app.ring_read", nil)), " ")
	if len(s.Partners) == 0 {
		ring.Title = p.T("app.ring_alone", nil)
		ring.Words = ring.Title
	}
	return ring.HTML()
}

// space draws what is promised, used and free.
func (s surroundings) space(p *words.Printer) template.HTML {
	if s.unknown || s.noDisk || s.Given == 0 && s.Granted == 0 && len(s.ForUs) == 0 {
		return ""
	}
	say := func(key string, n int64) string { return p.T(key, map[string]any{"Size": core.Size(n)}) }
	part := func(n int64, key string, kind web.BarKind) web.BarPart {
		return web.BarPart{Amount: n, Says: say(key, n), Kind: kind}
	}
	ours, theirs := sum(s.ForUs), sum(s.ForThem)
	due := max(s.Given-theirs, 0)
	free, other := max(int64(s.free)-due, 0), max(int64(s.total-s.free)-theirs, 0)
	disk := web.Bar{Name: p.T("app.space_disk", nil), Parts: []web.BarPart{
		part(other, "app.space_other", web.BarOther), part(theirs, "app.space_theirs", web.BarUsed),
		part(min(due, int64(s.free)), "app.space_due", web.BarPromised), part(free, "app.space_free", web.BarFree),
		part(due-int64(s.free), "app.space_over", web.BarOver),
	}}
	disk.Parts = slices.DeleteFunc(disk.Parts, func(p web.BarPart) bool { return p.Amount <= 0 })
	balance := func(name string, used, promised int64) web.Bar {
		return web.Bar{Name: p.T(name, nil), Parts: []web.BarPart{
			part(used, "app.space_used", web.BarUsed), part(max(promised-used, 0), "app.space_open", web.BarPromised),
		}}
	}
	return web.Bars{Caption: web.Caption{Title: p.T("app.space_disk_title", nil)}, Bars: []web.Bar{disk}}.HTML() +
		web.Bars{Caption: web.Caption{Title: p.T("app.space_balance", nil)}, Bars: []web.Bar{
			balance("app.space_received", ours, s.Granted), balance("app.space_given", theirs, s.Given),
		}}.HTML()
}

func sum(of map[core.MemberID]int64) (all int64) {
	for _, n := range of {
		all += n
	}
	return all
}
