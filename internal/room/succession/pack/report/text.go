package report

import (
	"strconv"
	"strings"
	"time"

	"entrechat/internal/room/succession/pack"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// What the lines of a pack say to people.

func itemText(p *words.Printer, n pack.Name) string {
	return p.T("succession.pack.item_"+string(n), nil)
}

func itemTexts(p *words.Printer, all []pack.Name) string {
	out := make([]string, 0, len(all))
	for _, n := range all {
		out = append(out, itemText(p, n))
	}
	return strings.Join(out, ", ")
}

func stateText(p *words.Printer, l pack.Line) string {
	switch {
	case l.State != pack.There:
		return p.T("succession.pack.state_missing", nil)
	case l.Proved == 0:
		return p.T("succession.pack.state_unproved", nil)
	case l.Red:
		return p.T("succession.pack.state_old", nil)
	}
	return p.T("succession.pack.state_fine", nil)
}

func proofText(p *words.Printer, l pack.Line) string {
	if l.Proved == 0 {
		return "—"
	}
	how := l.How
	if how == "" {
		how = pack.BySaid
	}
	text := p.T("succession.pack.how_"+how, args{"Day": p.Day(l.Proved)})
	if l.TookS > 0 {
		text += ", " + p.Span(time.Duration(l.TookS)*time.Second)
	}
	if l.Note != "" {
		text += " (" + l.Note + ")"
	}
	return text
}

func kindText(p *words.Printer, k pack.Kind, until core.Moment) string {
	if k == "" {
		return p.T("succession.pack.kind_none", nil)
	}
	return p.T("succession.pack.kind_"+string(k), args{"Day": p.Day(until)})
}

func gapText(p *words.Printer, v pack.View, g pack.Gap) string {
	switch {
	case g.File == "":
		return g.Text
	case g.Line > 0:
		return g.File + ":" + strconv.Itoa(g.Line) + "  " + g.Text
	case g.Text == "":
		return p.T("succession.pack.gap_file", args{"File": g.File, "Dir": v.Dir})
	}
	return p.T("succession.pack.gap_line", args{"File": g.File, "Line": g.Text})
}

// weekendText says whether two volunteers do it in a weekend, and what lacks; why is empty where
// they do.
func weekendText(p *words.Printer, v pack.View) (says, why string) {
	effort := p.Span(time.Duration(v.Effort) * time.Second)
	if v.Weekend {
		return p.T("succession.pack.weekend", args{"Time": effort}), ""
	}
	var lacks []string
	var red []pack.Name
	for _, l := range v.Items {
		if l.Red {
			red = append(red, l.Name)
		}
	}
	if len(red) > 0 {
		lacks = append(lacks, p.T("succession.pack.weekend_red", args{"Items": itemTexts(p, red)}))
	}
	if len(v.Unmeasured) > 0 {
		lacks = append(lacks, p.T("succession.pack.weekend_unmeasured", args{"Items": itemTexts(p, v.Unmeasured)}))
	}
	if time.Duration(v.Effort)*time.Second > pack.Weekend {
		lacks = append(lacks, p.T("succession.pack.weekend_long", args{"Time": effort}))
	}
	return p.T("succession.pack.weekend_not", nil), strings.Join(lacks, "; ")
}

func successorText(p *words.Printer, v pack.View, s pack.Successor) string {
	fill := args{"Member": string(s.Member), "Rank": s.Rank, "Number": s.Number, "Day": p.Day(s.Receipt), "Kind": kindText(p, s.Kind, s.Until)}
	switch {
	case s.Trouble != "":
		fill["Why"] = p.T(s.Trouble, args{"Member": string(s.Member), "Service": v.Service})
		return p.T("succession.pack.to_trouble", fill)
	case s.Number == 0:
		return p.T("succession.pack.to_none", fill)
	case s.Number < v.Number:
		return p.T("succession.pack.to_old", fill)
	}
	return p.T("succession.pack.to_there", fill)
}
