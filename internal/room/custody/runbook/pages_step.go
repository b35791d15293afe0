package runbook

import (
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

// stepPage is a rehearsal: the step to be read, then the question whether it is done, then
// how it ended. Exactly one of Reading, Asking and Over is true.
type stepPage struct {
	Reading, Asking, Over bool

	Title    string // of the runbook
	Runbook  string // its page
	Step     string // number and heading
	Number   int
	HTML     template.HTML
	Defect   web.Field
	Outcome  string // words key
	Severity web.Severity
	Minutes  int64
	Defects  int
}

func (v views) step(r *http.Request) (page stepPage, err error) {
	h, err := v.Rehearsal(r.Context(), r.PathValue("id"))
	if err != nil {
		return page, err
	}
	page = stepPage{Runbook: Path + "/" + string(h.Runbook), Number: len(h.Done), Defects: h.Defects(), Defect: web.Field{
		Name: "defect", Label: "custody.runbook.ask_defect", Hint: "custody.runbook.ask_defect_hint", Value: r.PostForm.Get("defect"), Rows: 2,
	}}
	if h.Outcome != Open {
		page.Over, page.Outcome, page.Minutes, page.Severity = true, "custody.runbook.result_"+string(h.Outcome), minutes(h.Took()), web.Trouble
		if h.Outcome == Reached {
			page.Severity = web.Fine
		}
		if h.Outcome == Dropped {
			page.Outcome = "custody.runbook.result_" + string(Missed)
		}
		return page, nil
	}
	text, err := Parse(h.Text)
	if err != nil {
		return page, err
	}
	page.Title = text.Title
	step, ok := h.next(text)
	if !ok {
		page.Asking = true
		return page, nil
	}
	page.Reading, page.HTML = true, step.HTML
	page.Step = stepName(v.site.Printer(r), len(h.Done), len(text.Steps), step.Heading)
	return page, nil
}

func (v views) act(r *http.Request) (string, error) {
	id, typed := r.PathValue("id"), r.PostForm.Get
	var err error
	switch typed("do") {
	case "next":
		number, bad := strconv.Atoi(typed("number"))
		if bad != nil {
			number = -1 // no step
		}
		_, err = v.Note(r.Context(), id, number, typed("defect"))
	case "yes", "no":
		_, err = v.Finish(r.Context(), id, typed("do") == "yes")
	case "stop":
		_, err = v.GiveUp(r.Context(), id)
	default:
		err = core.Conflict("custody.runbook.other_step", errButton)
	}
	return rehearsePath + id, err
}

type playPage struct {
	Card     *Card
	Parts    []cardPart
	After    []cardPart
	None     bool // there is no card
	Minutes  web.Field
	Defects  web.Field
	Drills   []Drill
	DrawPath string
}

// drill shows what was played, and a card where one is asked for: drawing changes nothing.
func (v views) drill(r *http.Request) (page playPage, err error) {
	page = playPage{
		DrawPath: drillPath + "?card=draw",
		Minutes:  web.Field{Name: "minutes", Label: "custody.runbook.ask_minutes", Kind: "number", Value: r.PostForm.Get("minutes"), Required: true},
		Defects:  web.Field{Name: "defects", Label: "custody.runbook.ask_defects", Value: r.PostForm.Get("defects"), Rows: 4},
	}
	if page.Drills, err = v.Drills(r.Context()); err != nil {
		return page, err
	}
	if r.URL.Query().Get("card") == "" {
		return page, nil
	}
	card, err := v.Draw(r.Context())
	if core.CodeOf(err) == core.CodeNotFound {
		page.None = true
		return page, nil
	}
	page.Card, page.Parts, page.After = &card, card.parts(), card.after()
	return page, err
}

func (v views) play(r *http.Request) (string, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(r.PostForm.Get("minutes")), 10, 32)
	if err != nil {
		n = 0 // refused below
	}
	_, err = v.Played(r.Context(), n, strings.Split(r.PostForm.Get("defects"), "\n"))
	return drillPath, err
}
