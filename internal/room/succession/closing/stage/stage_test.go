package stage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

const id = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// said makes entries of lines "DAY STAGE LASTDAY [HANDOVER]".
func said(lines ...string) (all []Heard) {
	for i, line := range lines {
		f := append(strings.Fields(line), "")
		all = append(all, Heard{Say: Say{"mail", Day(f[2]), Stage(f[1]), f[3]}, Owner: "a.test", Index: int64(i), At: Day(f[0]).Start().Add(time.Hour)})
	}
	return all
}

func TestFold(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string // stage, last day, number of entries that counted
	}{
		"nothing":                          {nil, ""},
		"too short a notice":               {[]string{"2026-01-01 closing 2026-03-31"}, ""},
		"ninety days":                      {[]string{"2026-01-01 closing 2026-04-01"}, "closing 2026-04-01 1"},
		"the first word is no closing":     {[]string{"2026-01-01 offered 2026-06-01"}, ""},
		"later":                            {[]string{"2026-01-01 closing 2026-04-01", "2026-03-31 closing 2026-05-01"}, "closing 2026-05-01 2"},
		"never earlier":                    {[]string{"2026-01-01 closing 2026-05-01", "2026-01-02 closing 2026-04-30", "2026-01-02 offered 2026-04-30"}, "closing 2026-05-01 1"},
		"with a stage the day moves later": {[]string{"2026-01-01 closing 2026-05-01", "2026-01-02 offered 2026-06-30"}, "offered 2026-06-30 2"},
		"all stages": {[]string{
			"2026-01-01 closing 2026-04-01", "2026-01-02 offered 2026-04-01", "2026-02-02 adopted 2026-04-01 " + id, "2026-04-01 frozen 2026-04-01 " + id,
			"2026-04-02 cut 2026-04-01 " + id, "2026-04-02 kept 2026-04-01 " + id, "2026-05-02 erased 2026-04-01 " + id,
		}, "erased 2026-04-01 7"},
		"nobody takes it over": {[]string{
			"2026-01-01 closing 2026-04-01", "2026-04-01 frozen 2026-04-01", "2026-04-02 cut 2026-04-01", "2026-04-02 kept 2026-04-01", "2026-05-02 erased 2026-04-01",
		}, "erased 2026-04-01 5"},
		"offered, and taken by nobody":    {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 offered 2026-04-01", "2026-04-01 frozen 2026-04-01"}, "frozen 2026-04-01 3"},
		"adopted without an offer":        {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 adopted 2026-04-01 " + id}, "closing 2026-04-01 1"},
		"adopted without a handover":      {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 offered 2026-04-01", "2026-01-03 adopted 2026-04-01"}, "offered 2026-04-01 2"},
		"a handover too early":            {[]string{"2026-01-01 closing 2026-04-01 " + id}, ""},
		"another handover":                {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 offered 2026-04-01", "2026-02-02 adopted 2026-04-01 " + id, "2026-04-01 frozen 2026-04-01 " + strings.Repeat("0", 64)}, "adopted 2026-04-01 3"},
		"back":                            {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 offered 2026-04-01", "2026-01-03 closing 2026-04-01"}, "offered 2026-04-01 2"},
		"frozen before the last day":      {[]string{"2026-01-01 closing 2026-04-01", "2026-03-31 frozen 2026-04-01"}, "closing 2026-04-01 1"},
		"a clock that goes back":          {[]string{"2026-01-01 closing 2026-04-01", "2025-01-02 offered 2026-04-01", "2026-04-01 frozen 2026-04-01"}, "frozen 2026-04-01 3"},
		"a stage left out":                {[]string{"2026-01-01 closing 2026-04-01", "2026-04-01 frozen 2026-04-01", "2026-04-02 kept 2026-04-01"}, "frozen 2026-04-01 2"},
		"the day moves while frozen":      {[]string{"2026-01-01 closing 2026-04-01", "2026-04-01 frozen 2026-04-01", "2026-04-02 frozen 2026-06-01"}, "frozen 2026-04-01 2"},
		"erased too early":                {[]string{"2026-01-01 closing 2026-04-01", "2026-04-01 frozen 2026-04-01", "2026-04-02 cut 2026-04-01", "2026-04-02 kept 2026-04-01", "2026-05-01 erased 2026-04-01"}, "kept 2026-04-01 4"},
		"withdrawn":                       {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 withdrawn 2026-04-01"}, "withdrawn 2026-04-01 2"},
		"withdrawn when frozen":           {[]string{"2026-01-01 closing 2026-04-01", "2026-04-01 frozen 2026-04-01", "2026-04-02 withdrawn 2026-04-01"}, "frozen 2026-04-01 2"},
		"again, with a notice of its own": {[]string{"2026-01-01 closing 2026-04-01", "2026-01-02 withdrawn 2026-04-01", "2026-03-01 closing 2026-04-01", "2026-03-01 closing 2026-06-01"}, "closing 2026-06-01 1"},
		"no day":                          {[]string{"2026-01-01 closing 2026-02-30"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			for _, s := range Fold(Usual(), said(c.lines...)) {
				got = fmt.Sprint(s.Stage, " ", s.LastDay, " ", len(s.Steps))
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestPactsAskForLongerNotice(t *testing.T) {
	e := said("2026-01-01 closing 2026-06-01", "2026-01-01 closing 2026-06-30")
	e[0].Notice, e[1].Notice = 180, 180
	if got := Fold(Usual(), e); len(got) != 1 || got[0].LastDay != "2026-06-30" {
		t.Errorf("180 days: %+v", got)
	}
	if got := Fold(Private(), said("2026-01-01 closing 2026-01-01")); len(got) != 1 {
		t.Errorf("nobody waits in a network of tests: %+v", got)
	}
}

// drawn is any logbook of two services, hostile ones too.
func drawn(t *rapid.T) (all []Heard) {
	n := rapid.IntRange(0, 25).Draw(t, "entries")
	for i := range n {
		all = append(all, Heard{
			Say: Say{
				rapid.SampledFrom([]string{"mail", "wiki", "no/name"}).Draw(t, "service"), Day("2026-04-01").Add(int64(rapid.IntRange(-40, 100).Draw(t, "last day"))),
				rapid.SampledFrom(append(Stages(), "gone")).Draw(t, "stage"), rapid.SampledFrom([]string{"", id}).Draw(t, "handover"),
			},
			Owner: "a.test", Index: int64(i), At: Day("2026-01-01").Add(int64(i * rapid.IntRange(0, 20).Draw(t, "step"))).Start(), Notice: int64(rapid.IntRange(0, 100).Draw(t, "notice")),
		})
	}
	return all
}

func TestNothingGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawn(t)
		for _, s := range Fold(Usual(), all) {
			for i, step := range s.Steps {
				if i == 0 {
					if step.Stage != Closing || DayOf(step.At).Until(step.LastDay) < 90 {
						t.Fatalf("begins with %+v", step)
					}
					continue
				}
				before := s.Steps[i-1]
				if step.LastDay < before.LastDay || step.At < before.At || slices.Index(Stages(), step.Stage) < slices.Index(Stages(), before.Stage) {
					t.Fatalf("%+v after %+v", step, before)
				}
				if step.Stage == Frozen && step.At < step.LastDay.Start() {
					t.Fatalf("frozen before its last day: %+v", step)
				}
			}
		}
	})
}

// TestWhatDoesNotCountIsAsIfNotThere: so nodes agree, whichever bad entries they passed over.
func TestWhatDoesNotCountIsAsIfNotThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawn(t)
		whole := Fold(Usual(), all)
		counted := map[int64]bool{}
		for n := range len(all) + 1 { // every prefix: what counted once counts for ever
			for _, s := range Fold(Usual(), all[:n]) {
				for _, step := range s.Steps {
					counted[step.Index] = true
				}
			}
		}
		good := slices.DeleteFunc(slices.Clone(all), func(e Heard) bool { return !counted[e.Index] })
		if diff := cmp.Diff(whole, Fold(Usual(), good)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func FuzzSay(f *testing.F) {
	f.Add([]byte(`{"service":"mail","last_day":"2026-12-24","stage":"closing"}`), int64(1767225600000000))
	f.Add([]byte(`{"service":"mail","last_day":"9999-12-24","stage":"adopted","handover":"`+id+`"}`), int64(-1))
	f.Fuzz(func(t *testing.T, text []byte, at int64) {
		var s Say
		if wire.Peek(text, &s) != nil || s.Check() != nil {
			return
		}
		got := Fold(Usual(), []Heard{{Say: s, At: core.Moment(at)}})
		if len(got) > 0 && (s.Stage != Closing || s.LastDay.Start() < core.Moment(at)) {
			t.Errorf("taken: %+v", s)
		}
	})
}
