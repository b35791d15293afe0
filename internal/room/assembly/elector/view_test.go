package elector

import (
	"slices"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Every member is told in both languages whether it decides, and why.
func TestEverybodyIsToldWhy(t *testing.T) {
	c, err := words.New(Words, words.Words)
	if err != nil {
		t.Fatal(err)
	}
	w := found(2, "abc")
	w.join(300, "d")
	w.vouch(300, "ad", "bd", "cd")
	w.join(200, "e")
	w.vouch(200, "ae", "be")
	w.join(200, "f")
	w.vouch(200, "df")
	w.vouch(199, "af")
	w.join(40, "g")
	w.vouch(40, "dg", "ag")
	w.join(-3, "h")
	w.vouch(40, "ah", "bh")
	w.join(40, "i")
	w.vouch(40, "ai")
	w.forked[id("c")] = true
	w.join(300, "c")
	view := w.draw().View([]Part{{id("b"): Nothing}, {id("b"): Nothing}, {id("b"): Nothing}})
	if view.Name != "us" || view.Charter != charter || view.Opened != "2027-06-01" {
		t.Errorf("%+v", view)
	}
	for lang, want := range map[string][]string{
		words.English: {
			"a: decides: founded the collective",
			"b: decides: founded the collective; asleep: it does not count for the quorum until it votes again",
			"c: does not decide: it is suspended, as its logbook says different things to different members",
			"d: decides, by a single vouch from outside its branch: b.test; first vouched for by a.test; branch of a.test",
			"e: decides, by a single vouch from outside its branch: b.test; first vouched for by a.test; branch of a.test",
			"f: does not decide: only members of its own branch (a.test) vouch for it. One vouch of an admitted member of another branch is needed; first vouched for by d.test; branch of a.test",
			"g: does not decide yet: it has not been admitted for 90 days. If nothing changes it will have been on 2027-07-22; first vouched for by a.test; branch of a.test; it will also need a vouch of an admitted member of another branch",
			"h: does not decide yet: vouches for it, or its joining, are dated in the future. The clock of a node is wrong; first vouched for by a.test; branch of a.test",
			"i: does not decide: it is not admitted. 1 admitted member vouches for it, 2 are needed",
		},
		words.French: {
			"a: décide : a fondé le collectif",
			"b: décide : a fondé le collectif; endormi : il ne compte pas dans le quorum avant de voter à nouveau",
			"c: ne décide pas : il est suspendu, car son journal de bord ne dit pas la même chose à tout le monde",
			"d: décide, grâce à un seul parrainage hors de sa branche : b.test; parrainé d'abord par a.test ; branche de a.test",
			"e: décide, grâce à un seul parrainage hors de sa branche : b.test; parrainé d'abord par a.test ; branche de a.test",
			"f: ne décide pas : seuls des membres de sa propre branche (a.test) le parrainent. Il faut le parrainage d'un membre admis d'une autre branche; parrainé d'abord par d.test ; branche de a.test",
			"g: ne décide pas encore : il n'est pas admis depuis 90 jours. Si rien ne change, il le sera le 22/07/2027; parrainé d'abord par a.test ; branche de a.test; il lui faudra aussi le parrainage d'un membre admis d'une autre branche",
			"h: ne décide pas encore : des parrainages reçus, ou son adhésion, portent une date à venir. L'horloge d'un nœud est fausse; parrainé d'abord par a.test ; branche de a.test",
			"i: ne décide pas : il n'est pas admis. 1 membre admis le parraine, il en faut 2",
		},
	} {
		p := c.Printer(lang)
		var got []string
		for _, l := range view.Lines {
			got = append(got, name(l.Member)+": "+strings.Join(append([]string{l.Say(p)}, l.Notes(p)...), "; "))
		}
		for i, line := range got {
			got[i] = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "’", "'").Replace(line)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", lang, strings.Join(got, "\n"))
		}
		ids := []core.MemberID{id("a"), id("b")}
		says := Check{ids, ids, ids, ids, ids}.Say(p)
		if len(says) != 5 || len(Check{}.Say(p)) != 0 {
			t.Errorf("%v", says)
		}
		for _, s := range says {
			if !strings.Contains(s, "a.test, b.test") || strings.Contains(s, "⟦") {
				t.Errorf("%s: %s", lang, s)
			}
		}
	}
}
