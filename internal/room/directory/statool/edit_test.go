package statool_test

import (
	"errors"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

func TestSet(t *testing.T) {
	for name, x := range map[string]struct{ before, key, value, after string }{
		"in place":              {"# a\norganization.name = A\nx.y=1\n", "organization.name", "B", "# a\norganization.name = B\nx.y=1\n"},
		"style of the line":     {"organization.name:=\n", "organization.name", "B", "organization.name = B\n"},
		"tight":                 {"organization.name=A\r\n", "organization.name", "B", "organization.name=B\r\n"},
		"indented":              {"  organization.name\t=\tA", "organization.name", "B", "  organization.name\t=\tB"},
		"the same":              {"organization.name =  A  \n", "organization.name", "A", "organization.name =  A  \n"},
		"case of the key":       {"Organization.startDate = 2018-01-01\n", "organization.startdate", "2018-01-01", "organization.startdate = 2018-01-01\n"},
		"old key":               {"organization.geography = Nantes\n", "organization.geolocation.address", "Rezé", "organization.geolocation.address = Rezé\n"},
		"duplicates":            {"a.b = 1\nA.B = 2\na.c = 3\n", "a.b", "4", "a.b = 4\na.c = 3\n"},
		"beside relatives":      {"a.b.c=1\na.x=2\n\nz.z=3\n", "a.b.d", "4", "a.b.c=1\na.b.d=4\na.x=2\n\nz.z=3\n"},
		"no newline at the end": {"a.b = 1", "a.c", "2", "a.b = 1\na.c = 2\n"},
		"new section":           {"a.b=1\r\n", "subs.x", "https://x.test/", "a.b=1\r\n\r\n# [Subs]\r\nsubs.x = https://x.test/\r\n"},
		"empty file":            {"", "subs.x", "https://x.test/", "# [Subs]\nsubs.x = https://x.test/\n"},
		"dangling":              {"a.b = 1\\", "a.c", "2", "a.c = 2\na.b = 1\\"},
		"dangling newline":      {"a.b = 1\\\n", "a.c", "2", "a.c = 2\na.b = 1\\\n"},
		"continuation":          {"a.b = 1 \\\n  2\na.c = 3\n", "a.b", "4", "a.b = 4\na.c = 3\n"},
		"lines":                 {"a.b =\n", "a.b", "1\n\\2\t3", `a.b =1\n\\2\t3` + "\n"},
		"latin-1 stays ascii":   {"# \xe9\na.b =\n", "a.b", "é🐱", "# \xe9\na.b =" + `\u00e9\ud83d\udc31` + "\n"},
		"key alone":             {"a.b\n", "a.b", "=x", "a.b = =x\n"},
		"emptied":               {"a.b = 1\n", "a.b", "", "a.b = \n"},
		"bare CR":               {"# a\r", "a.b", "1", "# a\r\r# [A]\ra.b = 1\r"},
	} {
		d := parse(t, []byte(x.before))
		if err := d.Set(x.key, x.value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(d.Bytes()); got != x.after {
			t.Errorf("%s: %q, want %q", name, got, x.after)
		}
	}
}

func TestSetRefuses(t *testing.T) {
	d := parse(t, []byte("a.b = 1\n"))
	for _, x := range []struct{ key, value string }{
		{"name", "x"},
		{"a b.c", "x"},
		{"a.b=c", "x"},
		{"A.b", "x"},
		{"", "x"},
		{"a..b", "x"},
		{"#a.b", "x"},
		{"a.b", "x\x00"},
		{"a.b", "\x1b[2J"},
		{"a.b", "\xff"},
		{"a.b", " x"},
		{"a.b", "x\n"},
		{"a.b", "x\u202ey"},
		{"a.b", "x\r\ny"},
	} {
		if err := d.Set(x.key, x.value); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q = %q: %v", x.key, x.value, err)
		}
	}
	if string(d.Bytes()) != "a.b = 1\n" {
		t.Errorf("%q", d.Bytes())
	}
}

func TestDelete(t *testing.T) {
	d := parse(t, []byte("# a\norganization.geography = x\norganization.geolocation.address = y\na.b = 1\n"))
	if !d.Delete("organization.geolocation.address") || d.Delete("organization.geolocation.address") {
		t.Error("deleted is not deleted")
	}
	if got := string(d.Bytes()); got != "# a\na.b = 1\n" || d.Line("a.b") != 2 {
		t.Errorf("%q", got)
	}
}

func TestSetSeries(t *testing.T) {
	d := fixture(t, "metrics-forum")
	all := d.Series()
	if len(all) != 4 || all[1].Path != "http.visits.humans" || all[1].Year != 2021 || all[1].Span != statool.Months ||
		all[1].Points[0].Known || all[1].Points[1] != (statool.Point{Value: 73, Known: true}) {
		t.Fatalf("%+v", all)
	}
	if got := d.Labels()["http.hits"]; got.Name != "Requêtes HTTP" || got.Description != "Requêtes HTTP reçues" {
		t.Errorf("%+v", got)
	}
	s := all[1]
	s.Points = append(s.Points, statool.Point{Value: 2.5, Known: true}, statool.Point{})
	s2 := statool.Series{Path: "service.users", Year: 2027, Span: statool.Weeks, Points: []statool.Point{{}, {Value: 4, Known: true}}}
	if err := errors.Join(d.SetSeries(s), d.SetSeries(s2)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"metrics.http.visits.humans.2021.months=,73,33,10,2.5,\n", "metrics.service.users.2027.weeks = ;4\n"} {
		if !strings.Contains(string(d.Bytes()), want) {
			t.Errorf("no %q in\n%s", want, d.Bytes())
		}
	}
	for _, wrong := range []statool.Series{
		{Path: "x", Year: 26, Span: statool.Days},
		{Path: "x", Year: 2026, Span: "hours"},
		{Path: "x y", Year: 2026, Span: statool.Days, Points: []statool.Point{{}}},
		{Path: "x", Year: 2026, Span: statool.Months, Points: make([]statool.Point, 13)},
		{Path: "x", Year: 2026, Span: statool.Months, Points: []statool.Point{{Value: 1e300, Known: true}}},
	} {
		if err := d.SetSeries(wrong); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}

func TestDecimalCommas(t *testing.T) {
	var got []float64
	for _, p := range fixture(t, "metrics-decimal").Series()[2].Points {
		got = append(got, p.Value)
	}
	if len(got) != 4 || got[0] != 1.5 || got[1] != 2.25 || got[2] != 3 {
		t.Errorf("%v", got)
	}
}
