package record

import (
	"html/template"
	"math"
	"slices"
	"strconv"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Pictures carry their colours themselves, as a printed page has no other style: each is legible
// on light and on dark, and none says a thing alone.
const (
	darkInk, lightInk = "#1d1916", "#ffffff"
	accent            = "#c2643c"
)

// paint is a colour, and that of what is written on it.
type paint struct{ Fill, Ink string }

// gradePaint goes from reject to excellent; a digit stands in each.
func gradePaint(g int) paint {
	return []paint{{"#a3241b", lightInk}, {"#e58a4a", darkInk}, {"#f2d27a", darkInk}, {"#9cc97f", darkInk}, {"#2f7d42", lightInk}, {"#14532d", lightInk}}[g]
}

// stancePaint is the colour of a stance, and the sign that stands in it.
func stancePaint(stance string) (paint, string) {
	switch stance {
	case "agree":
		return gradePaint(4), "✓"
	case "concern":
		return gradePaint(2), "~"
	case "object":
		return gradePaint(0), "✕"
	}
	return paint{"#8a7d72", darkInk}, "–"
}

// part is a piece of a bar, with places in percent of its width.
type part struct {
	X, W, Middle string
	Paint        paint
	Sign, Says   string
	Shown        bool // the sign has room
	Median       bool
	count        int
}

// split is a bar of parts: how many gave which grade, or took which stance.
type split struct {
	ID, Title, Desc string
	Parts           []part
	Half            bool // the middle is marked
}

// least is the share of a bar in which a sign has room at 320 pixels.
const least = 0.06

func (s *split) spread() {
	total := 0
	for _, one := range s.Parts {
		total += one.count
	}
	s.Parts = slices.DeleteFunc(s.Parts, func(p part) bool { return p.count == 0 })
	x := 0.0
	for i := range s.Parts {
		w := float64(s.Parts[i].count) / float64(total)
		s.Parts[i].X, s.Parts[i].W, s.Parts[i].Middle, s.Parts[i].Shown = percent(x), percent(w), percent(x+w/2), w >= least
		x += w
	}
}

// percent is a share as SVG takes it.
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/100, 'f', -1, 64) + "%"
}

// bars are the pictures of a count: one of all stances, or one for each option.
func (w *Writer) bars(r *Record, c *Count, p *words.Printer) ([]bar, error) {
	if len(c.open()) == 0 {
		return nil, nil
	}
	if r.isChoice() {
		return w.judgments(r, c, p)
	}
	s := split{ID: "stances", Title: p.T("assembly.record.stances_title", nil)}
	for _, name := range stances() {
		one := part{Says: p.T("assembly.record.stance_"+name, nil)}
		one.Paint, one.Sign = stancePaint(name)
		for _, l := range c.open() {
			if l.Stance == name {
				one.count++
			}
		}
		one.Says = pair(p, one.Says, strconv.Itoa(one.count))
		s.Parts = append(s.Parts, one)
	}
	s.spread()
	picture, err := w.split(p, s)
	return []bar{{Picture: picture}}, err
}

// judgments are the bars of the options, the best first.
func (w *Writer) judgments(r *Record, c *Count, p *words.Printer) (out []bar, err error) {
	order := c.Order
	for i := range r.Options {
		if !slices.Contains(order, i) {
			order = append(slices.Clone(order), i)
		}
	}
	for place, option := range order {
		if option < 0 || option >= len(r.Options) || slices.Contains(order[:place], option) {
			continue
		}
		given := c.gradesOf(option)
		middle, ok := median(given)
		if !ok {
			continue
		}
		name := Clean(r.Options[option])
		says := p.T("assembly.record.median", args{"Grade": p.T("assembly.record.grade_"+strconv.Itoa(middle), nil)})
		s := gradeSplit(p, given, middle)
		s.ID, s.Title, s.Desc = "option-"+strconv.Itoa(option), p.T("assembly.record.option_title", args{"Option": name}), says+"."
		b := bar{Name: Letter(option) + " · " + name, Says: says}
		if len(c.Order) > 0 {
			b.Place = place + 1
		}
		if b.Picture, err = w.split(p, s); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// gradeSplit is the bar of the grades that one option was given, the best first.
func gradeSplit(p *words.Printer, given []int, middle int) split {
	s := split{Half: true}
	for g := grades - 1; g >= 0; g-- {
		one := part{Paint: gradePaint(g), Sign: strconv.Itoa(g), Median: g == middle}
		for _, each := range given {
			if each == g {
				one.count++
			}
		}
		one.Says = pair(p, gradeShort(p, g), strconv.Itoa(one.count))
		s.Parts = append(s.Parts, one)
	}
	s.spread()
	return s
}

func (w *Writer) split(p *words.Printer, s split) (template.HTML, error) {
	for i, one := range s.Parts {
		if i > 0 || s.Desc != "" {
			s.Desc += " "
		}
		s.Desc += one.Says + "."
	}
	return w.fill(p, "split", s)
}

// stretch is one phase of the timeline.
type stretch struct {
	X, W       string
	Name, Says string
	Until      core.Moment
	When       string // past, now or next
}

// phases is the timeline; Now is where we are on it, empty when it is over.
type phases struct {
	Title, Desc, Now, Accent string
	Parts                    []stretch
}

func (w *Writer) timeline(r *Record, p *words.Printer, now core.Moment) (template.HTML, error) {
	t := r.Times
	parts := []struct {
		phase Phase
		from  core.Moment
		until core.Moment
	}{{Talk, t.Opened, t.TalkUntil}, {Commit, t.TalkUntil, t.CommitUntil}, {Reveal, t.CommitUntil, t.Due()}}
	if r.Kind == Lazy {
		parts = parts[:1]
		parts[0].until = t.Due()
	}
	// Each phase is as wide as it is long, none too narrow to be seen.
	const narrow = 0.12
	whole, x := 0.0, 0.0
	wide := make([]float64, len(parts))
	for i, one := range parts {
		wide[i] = math.Max(float64(one.until-one.from), 1)
		whole += wide[i]
	}
	sum := 0.0
	for i := range wide {
		wide[i] = math.Max(wide[i]/whole, narrow)
		sum += wide[i]
	}
	out := phases{Title: p.T("assembly.record.timeline", nil), Desc: r.Line(p, now), Accent: accent}
	for i, one := range parts {
		share := wide[i] / sum
		s := stretch{X: percent(x), W: percent(share), Name: p.T("assembly.record.name_"+r.phaseName(one.phase), nil), Until: one.until, When: "next"}
		switch {
		case now > one.until:
			s.When = "past"
		case now >= one.from || i == 0:
			s.When = "now"
			gone := math.Max(float64(now-one.from), 0) / math.Max(float64(one.until-one.from), 1)
			out.Now = percent(x + share*math.Min(gone, 1))
		}
		s.Says = p.T("assembly.record.when_"+s.When, args{"Date": p.Date(one.until), "From": p.Date(one.from)})
		out.Parts, x = append(out.Parts, s), x+share
	}
	return w.fill(p, "phases", out)
}

// phaseName: a lazy decision is talked about, and passes where nobody objects.
func (r *Record) phaseName(phase Phase) string {
	if r.Kind == Lazy {
		return Lazy
	}
	return string(phase)
}

// tile is one member in the row of those who vote.
type tile struct {
	X, Y, SignX, SignY int
	Paint              paint
	Empty              bool // an outline
	Sign, Says         string
}

// row is who votes, as signs in a row.
type row struct {
	Title, Desc   string
	Width, Height int
	Tiles         []tile
}

// A tile is 24 pixels wide with its gap; 13 of them stand side by side on a small telephone.
const tileStep, tilesWide = 24, 13

func (w *Writer) voters(r *Record, p *words.Printer, now core.Moment) (template.HTML, error) {
	if len(r.Electorate) == 0 || r.Times.Phase(now) == Talk || r.Kind == Lazy {
		return "", nil
	}
	c := r.counted(now)
	out := row{Title: p.T("assembly.record.voters_title", nil)}
	voted := 0
	for i, e := range r.Electorate {
		one := tile{X: i%tilesWide*tileStep + 1, Y: i/tilesWide*tileStep + 1, Empty: true, Says: pair(p, string(e.Member), p.T("assembly.record.ballot_"+e.Ballot.name(), nil))}
		one.SignX, one.SignY = one.X+10, one.Y+15
		if e.Ballot != NoBallot {
			one.Empty, one.Paint, one.Sign = false, paint{"#5b6b8c", lightInk}, "✉"
			voted++
		}
		if c != nil {
			one = c.tile(p, one, e.Member)
		}
		out.Tiles = append(out.Tiles, one)
	}
	out.Width = min(len(out.Tiles), tilesWide)*tileStep + 1
	out.Height = (len(out.Tiles)+tilesWide-1)/tilesWide*tileStep + 1
	out.Desc = p.T("assembly.record.voters", args{"Voted": voted, "All": len(r.Electorate)})
	if c != nil {
		out.Desc = p.T("assembly.record.voters", args{"Voted": c.Turnout, "All": len(r.Electorate)})
	}
	return w.fill(p, "row", out)
}

// tile is that of a member after the count.
func (c *Count) tile(p *words.Printer, one tile, m core.MemberID) tile {
	one.Empty, one.Sign = true, ""
	i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.Member == m })
	if i < 0 {
		return one
	}
	l := c.Lines[i]
	one.Says = pair(p, string(m), l.what(p))
	switch l.Status {
	case "open":
		one.Empty = false
		one.Paint, one.Sign = gradePaint(4), "✓"
		if l.Stance != "" {
			one.Paint, one.Sign = stancePaint(l.Stance)
		}
	case "unopened":
		one.Sign = "✉"
	case "void", "bad":
		one.Sign = "!"
	}
	return one
}
