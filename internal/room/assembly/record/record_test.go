package record

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

var opened = core.At(time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC))

const oneDay = 24 * time.Hour

func catalogue(t testing.TB) *words.Catalogue {
	t.Helper()
	c, err := words.New(words.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func member(i int) core.MemberID { return core.MemberID("chaton-" + string(rune('a'+i)) + ".test") }

// example is a decision of seven, with one of everything that can be shown.
func example(kind string) Record {
	r := Record{
		ID: strings.Repeat("ab", 32), Collective: "Les chatons de l'Ouest", By: member(0), Kind: kind, Lang: "fr", Title: "Une sauvegarde de plus chez chacun",
		Text:    "Chacun garde **une copie** de plus.\n\n- coût : 200 Go\n- fin : [voir](https://chaton-a.test/x)\n",
		Times:   Times{Opened: opened, TalkUntil: opened.Add(7 * oneDay), CommitUntil: opened.Add(14 * oneDay), RevealUntil: opened.Add(17 * oneDay), Grace: 6 * time.Hour},
		Version: 2, Review: "2027-11-30", Page: "https://chaton-a.test/decisions/" + strings.Repeat("ab", 32),
		Versions: []Version{{ID: "cd", Number: 1, Opened: opened.Add(-7 * oneDay), Title: "Une sauvegarde", Page: "/decisions/cd"}, {ID: strings.Repeat("ab", 32), Number: 2, Opened: opened, Title: "Une sauvegarde de plus chez chacun"}},
		Origins:  []Origin{{Says: "Vient d'un besoin.", Page: "/needs#need-x"}, {Says: "Vient d'une panne."}},
		Warnings: []string{"Nous n'aurions pas la même liste."},
		Absent:   []Absent{{Member: "jeune.test", Why: "Admis depuis trop peu de temps, jusqu'au 30/12/2026."}, {Member: "seul.test", Why: "Aucun parrainage d'une autre branche."}},
		Remarks:  []Remark{{By: member(3), At: opened.Add(oneDay), Lang: "fr", Text: "Et pour les *petits* disques ?"}, {By: member(4), At: opened, Withdrawn: true}},
		Objections: []Objection{
			{By: member(2), At: opened.Add(2 * oneDay), Lang: "fr", Harm: "Nos disques sont pleins à 90 %.", Whom: "Les petits hébergeurs du collectif", Lift: "Un plafond de cent gigaoctets", Lifted: opened.Add(8 * oneDay)},
		},
		Count: &Count{Result: Passed, N: 7, Quorum: 4, Turnout: 6, Hash: strings.Repeat("0f", 32), Alike: []core.MemberID{member(0), member(1), member(2)}, Differ: []Differ{{Member: member(3), Its: "chaton-c.test open agree", Ours: "chaton-c.test open aside"}}},
	}
	if kind == Lazy {
		r.Times.CommitUntil, r.Times.RevealUntil = r.Times.TalkUntil, r.Times.TalkUntil
	}
	statuses := []Line{{Status: "open", Stance: "agree"}, {Status: "open", Stance: "agree"}, {Status: "open", Stance: "concern"}, {Status: "open", Stance: "aside"}, {Status: "open", Stance: "object"}, {Status: "unopened", Why: "Rien ne l'ouvre."}, {Status: "none"}}
	if kind == Choice || kind == Poll {
		r.Options = []string{"Garder la liste", "Passer au forum", "Les deux | et <b>"}
		r.Count.Result, r.Count.Order = Chosen, []int{1, 2, 0}
		for i := range 5 {
			statuses[i] = Line{Status: "open", Grades: []int{i % 3, 5 - i%2, i}}
		}
	}
	for i, l := range statuses {
		l.Member = member(i)
		r.Count.Lines = append(r.Count.Lines, l)
		r.Electorate = append(r.Electorate, Elector{Member: member(i), Sleeping: i == 6, Note: []string{"", "", "", "", "", "Un seul parrainage extérieur.", ""}[i], Ballot: []Ballot{Sealed, Opened, NoBallot}[i%3]})
	}
	return r
}

// moments are one in each phase.
func moments(r Record) map[Phase]core.Moment {
	all := map[Phase]core.Moment{Talk: r.Times.TalkUntil, Counted: r.Times.Due() + 1}
	if r.Kind != Lazy {
		all[Commit], all[Reveal] = r.Times.TalkUntil+1, r.Times.Due()
	}
	return all
}

func kinds() []string { return []string{Consent, Choice, Lazy, Poll} }

func langs() []string { return []string{words.French, words.English} }

// everything is all that can be written of a record, by name.
func everything(t testing.TB, w *Writer, r Record, lang string, now core.Moment) map[string]string {
	t.Helper()
	article, err := w.Article(r, lang, now)
	if err != nil {
		t.Fatal(err)
	}
	minutes, err := w.Minutes(r, lang, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := w.Markdown(r, lang, now)
	if err != nil {
		t.Fatal(err)
	}
	site := Site{Self: "chaton-a.test", Page: "https://chaton-a.test/decisions", Feed: "https://chaton-a.test/decisions/feed.atom"}
	atom, err := w.Atom(site, []Record{r, r}, lang, now)
	if err != nil {
		t.Fatal(err)
	}
	p := w.printer(lang)
	return map[string]string{
		"article": string(article), "minutes": string(minutes), "markdown": text, "atom": string(atom),
		"calendar": string(w.Calendar(site, []Record{r, r}, lang, now)), "line": r.Line(p, now), "state": r.State(p, now).Says,
	}
}

// TestEveryKindInEveryPhase: whatever is shown is said in the reader's language, in sound HTML.
func TestEveryKindInEveryPhase(t *testing.T) {
	w := New(catalogue(t))
	for _, kind := range kinds() {
		for _, lang := range langs() {
			r := example(kind)
			for phase, now := range moments(r) {
				if got := r.Times.Phase(now); got != phase {
					t.Errorf("%s at %d: %s, want %s", kind, now, got, phase)
				}
				for name, text := range everything(t, w, r, lang, now) {
					if strings.Contains(text, "⟦") || text == "" {
						t.Errorf("%s %s %s %s:\n%s", kind, lang, phase, name, text)
					}
					if name == "article" || name == "minutes" {
						sound(t, text)
					}
				}
			}
		}
	}
}

// TestResults: each result is said, and those that can be got have their own sentence.
func TestResults(t *testing.T) {
	w := New(catalogue(t))
	for _, result := range []string{Passed, Blocked, NoQuorum, Nobody, Failed, Objected, Chosen, Rejected, Advice, Replaced} {
		for _, lang := range langs() {
			r := example(Choice)
			r.Count.Result = result
			for name, text := range everything(t, w, r, lang, r.Times.Due()+1) {
				if strings.Contains(text, "⟦") {
					t.Errorf("%s %s: %s", result, name, text)
				}
			}
		}
	}
	r := example(Choice)
	if got := r.Line(w.printer("fr"), r.Times.Due()+1); got != "Choisi\u00a0: Passer au forum (compté le 17/12/2026)." {
		t.Errorf("%q", got)
	}
}

// TestNothingBeforeTheCount: no stance, grade or result is in anything before the count is due,
// though the record holds it all.
func TestNothingBeforeTheCount(t *testing.T) {
	w := New(catalogue(t))
	for _, kind := range kinds() {
		for _, lang := range langs() {
			r, empty := example(kind), example(kind)
			empty.Count = nil
			for phase, now := range moments(r) {
				with, without := everything(t, w, r, lang, now), everything(t, w, empty, lang, now)
				for name := range with {
					if same := with[name] == without[name]; same != (phase != Counted) && name != "calendar" {
						t.Errorf("%s %s %s %s: the same as without a count: %v", kind, lang, phase, name, same)
					}
				}
			}
		}
	}
}

func TestReview(t *testing.T) {
	w := New(catalogue(t))
	p := w.printer("en")
	day := core.At(time.Date(2027, 11, 30, 0, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		name  string
		words []string
		at    core.Moment
		want  string
	}{
		{"before", nil, day - 1, ""},
		{"on the day", nil, day, "It is time"},
		{"one keeps", []string{"keep"}, day, "It is time"},
		{"two keep", []string{"keep", "keep"}, day, "and kept"},
		{"two keep, one does not", []string{"keep", "drop", "keep"}, day, "It is time"},
		{"nobody for long", nil, day.Add(after), "Not reviewed"},
	} {
		r := example(Consent)
		for i, word := range c.words {
			r.Reviews = append(r.Reviews, Review{member(i), word})
		}
		if got, _ := r.reviewed(p, c.at); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

func TestMedianIsTheLowerOfTwo(t *testing.T) {
	for _, c := range []struct {
		given []int
		want  int
	}{{[]int{3}, 3}, {[]int{5, 0}, 0}, {[]int{5, 0, 4}, 4}, {[]int{1, 5, 2, 5}, 2}} {
		if got, ok := median(c.given); !ok || got != c.want {
			t.Errorf("%v: %d", c.given, got)
		}
	}
	if _, ok := median(nil); ok {
		t.Error("a grade from nobody")
	}
}
