package web_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/kit/web"
)

var update = flag.Bool("update", false, "write testdata/picture anew")

func pictures() map[string]template.HTML {
	days := make([]web.StripDay, 30)
	points := make([]web.CurvePoint, 30)
	for i := range days {
		days[i] = web.StripDay{Says: "day " + strconv.Itoa(i), Severity: []web.Severity{web.Fine, web.Fine, web.Warn, web.Trouble, web.None}[i%5]}
		points[i] = web.CurvePoint{Value: float64(i % 7), Known: i%9 != 4}
	}
	parts, months := make([]web.DayParts, 30), make([]web.CalendarMonth, 17)
	for i := range parts {
		parts[i] = []web.DayParts{{Up: 86400}, {Up: 86400}, {Up: 80000, Down: 6400}, {Up: 50000, Partial: 36400}, {Unknown: 86400}, {Up: 80000, Maint: 6400}, {Down: 86400}, {}}[i%8]
	}
	for i := range months {
		months[i] = web.CalendarMonth{Year: 2025 + (i+7)/12, Month: (i+7)%12 + 1, Says: "month " + strconv.Itoa(i), Severity: []web.Severity{web.Fine, web.Trouble, web.None, web.Warn}[i%4]}
	}
	behind := web.Table{Summary: "In numbers", Head: []string{"Day", "Down"}, Rows: [][]string{{"2 March", "3 h"}, {"5 March", "a day"}}}
	return map[string]template.HTML{
		"days":      web.DayBars{Caption: web.Caption{Title: "30 days"}, Days: parts, From: "1 March", To: "30 March", Behind: behind}.HTML(),
		"days_none": web.DayBars{Caption: web.Caption{Title: "Today only"}, Days: []web.DayParts{{}}, Behind: web.Table{None: "Nothing yet."}}.HTML(),
		"calendar":  web.Calendar{Caption: web.Caption{Title: "Kept 4 of 17 months"}, Months: months, Letters: strings.Split("J F M A M J J A S O N D", " "), Behind: behind}.HTML(),
		"curve_two": web.Curve{Caption: web.Caption{Title: "Answers"}, Points: points, Above: []web.CurvePoint{{9, true}, {Known: false}, {7, true}}, Top: "9 ms", Behind: behind}.HTML(),
		"grid": web.Grid{Caption: web.Caption{Title: "Who can do what"}, Columns: []string{"Ana", "A very long name"}, Behind: behind, Rows: []web.GridRow{
			{"root", []web.GridCell{{web.Fine, "Ana, 3 days ago"}, {web.Warn, "ends soon"}}}, {"a registrar of a very long domain", []web.GridCell{{web.Trouble, "over"}, {web.None, "never"}}},
		}}.HTML(),
		"grid_none": web.Grid{Caption: web.Caption{Title: "Nobody yet"}}.HTML(),
		"table":     behind.HTML(),
		"ring": web.Ring{
			Caption: web.Caption{Title: "Three members", Words: "Two are well, one is silent."}, Us: "chaton-a.test",
			Members: []web.RingMember{
				{"chaton-b.test", 200e9, 100e9, web.Fine, "stores 200 GB for us"},
				{"chaton-c-with-a-very-long-name.test", 50e9, 0, web.Warn, ""},
				{"chaton-d.test", 0, 400e9, web.None, "silent"},
			},
		}.HTML(),
		"ring_alone":      web.Ring{Caption: web.Caption{Title: "Nobody yet"}, Us: "a.test"}.HTML(),
		"circles":         web.Circles{Caption: web.Caption{Title: "5 of 6 parts, 4 are needed"}, Total: 6, Needed: 4, Lost: 1}.HTML(),
		"circles_trouble": web.Circles{Caption: web.Caption{Title: "3 of 6 parts, 4 are needed"}, Total: 6, Needed: 4, Lost: 3}.HTML(),
		"stages":          web.Stages{Caption: web.Caption{Title: "Stage 3 of 7: adopted"}, Names: []string{"closing", "offered", "adopted", "frozen", "cut", "kept", "erased"}, Here: 2}.HTML(),
		"strip":           web.Strip{Caption: web.Caption{Title: "30 days"}, Days: days, From: "1 March", To: "30 March"}.HTML(),
		"bars": web.Bars{Caption: web.Caption{Title: "Disk"}, Bars: []web.Bar{
			{"srv", []web.BarPart{{30, "30 GB used", web.BarUsed}, {50, "50 GB promised", web.BarPromised}, {20, "20 GB free", web.BarFree}}},
			{"home", []web.BarPart{{40, "40 GB of others", web.BarOther}, {30, "30 GB too much", web.BarOver}}},
		}}.HTML(),
		"curve": web.Curve{Caption: web.Caption{Title: "Age"}, Points: points, Limit: 4, Top: "6 days", LimitIs: "limit: 4 days", From: "a month ago", To: "today"}.HTML(),
	}
}

// TestPictures: what pictures look like, as files to be looked at.
func TestPictures(t *testing.T) {
	t.Parallel()
	for name, got := range pictures() {
		golden := filepath.Join("testdata", "picture", name+".html")
		text := strings.ReplaceAll(string(got), "><", ">\n<") + "\n"
		if *update {
			if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s changed (go test -update when meant):\n%s", name, diff)
		}
		sound(t, got)
	}
}

func TestCirclesSeverity(t *testing.T) {
	t.Parallel()
	for lost, want := range []web.Severity{web.Fine, web.Fine, web.Warn, web.Trouble} {
		if got := (web.Circles{Total: 6, Needed: 4, Lost: lost}).Severity(); got != want {
			t.Errorf("%d lost of 6 with 4 needed: %s, not %s", lost, got, want)
		}
	}
	if got := (web.Circles{}).Severity(); got != web.None {
		t.Errorf("nothing at all is %s", got)
	}
}

// sound fails when a picture is not XML, has no name, carries what the page's policy
// refuses, or a number that is none.
func sound(t *testing.T, picture template.HTML) {
	t.Helper()
	allowed := " figure svg title line circle text rect path figcaption p span ul li details summary div table thead tbody tr th td "
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	titles := 0
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, picture)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if !strings.Contains(allowed, " "+start.Name.Local+" ") {
			t.Fatalf("element %s in %s", start.Name.Local, picture)
		}
		if start.Name.Local == "svg" {
			titles--
		}
		if start.Name.Local == "title" {
			titles++
		}
		for _, a := range start.Attr {
			if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
				t.Fatalf("attribute %s in %s", a.Name.Local, picture)
			}
			if a.Name.Local == "role" && a.Value != "img" && (a.Value != "region" || start.Name.Local != "div") {
				t.Fatalf("role %q", a.Value)
			}
			if strings.Contains(" x y x1 x2 y1 y2 cx cy r width height stroke-width ", " "+a.Name.Local+" ") {
				if v, err := strconv.ParseFloat(a.Value, 64); err != nil || math.Abs(v) > 1e6 {
					t.Fatalf("%s=%q in %s", a.Name.Local, a.Value, picture)
				}
			}
		}
	}
	if titles < 0 {
		t.Fatalf("an image without a name: %s", picture)
	}
}

// FuzzPictures: whatever names and numbers come from other members, a picture is sound.
func FuzzPictures(f *testing.F) {
	f.Add("chaton-b.test", int64(1), int64(2), 3.0, 6, 4, 1)
	f.Add("</title><script>alert(1)</script>", int64(-1), int64(math.MaxInt64), math.NaN(), -1, 70, 1<<30)
	f.Add("\x00\xff\ufffe\"'&", int64(math.MinInt64), int64(0), math.Inf(-1), 1000, -5, -5)
	f.Fuzz(func(t *testing.T, name string, a, b int64, v float64, total, needed, lost int) {
		c := web.Caption{Title: name, Words: name}
		s := web.Severity(name)
		n := max(min(total, 40), 0)
		members, days, points := make([]web.RingMember, n), make([]web.StripDay, n), make([]web.CurvePoint, n)
		for i := range n {
			members[i] = web.RingMember{Name: name, ForUs: a, ForIt: b, Severity: s, Says: name}
			days[i] = web.StripDay{Says: name, Severity: s}
			points[i] = web.CurvePoint{Value: v * float64(i), Known: i%3 > 0}
		}
		sound(t, web.Ring{c, name, members}.HTML())
		sound(t, web.Circles{c, total, needed, lost}.HTML())
		sound(t, web.Strip{c, days, name, name}.HTML())
		sound(t, web.Bars{c, []web.Bar{{name, []web.BarPart{{a, name, web.BarKind(total)}, {b, name, web.BarPromised}, {b, name, web.BarUsed}}}}}.HTML())
		table := web.Table{Summary: name, Head: []string{name}, Rows: [][]string{{name, name}, {}}, None: name}
		sound(t, web.Curve{Caption: c, Points: points, Above: points, Limit: v, Top: name, LimitIs: name, From: name, To: name, Behind: table}.HTML())
		parts, months := make([]web.DayParts, n), make([]web.CalendarMonth, n)
		for i := range n {
			parts[i] = web.DayParts{Up: a, Partial: b, Down: a - int64(i), Maint: b + int64(i), Unknown: a}
			months[i] = web.CalendarMonth{Year: total + i, Month: needed + i, Severity: s, Says: name}
		}
		cells := make([]web.GridCell, n)
		for i := range cells {
			cells[i] = web.GridCell{Severity: s, Says: name}
		}
		sound(t, web.Grid{c, []string{name, name}, []web.GridRow{{name, cells}, {}}, table}.HTML())
		sound(t, web.DayBars{c, parts, name, name, table}.HTML())
		sound(t, web.Calendar{c, months, []string{name, name}, table}.HTML())
	})
}
