package ability

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/person"
)

func TestWhatMayBeNoted(t *testing.T) {
	for name, tc := range map[string]struct{ service, kind, subject, want string }{
		"a zone":       {"*", "DNS", "Chaton-A.test", ""},
		"root":         {"mail", "root", "", ""},
		"no kind":      {"*", "sorcery", "", "custody.ability.bad_kind"},
		"no domain":    {"*", "dns", "", "custody.ability.bad_subject"},
		"a port":       {"*", "registrar", "chaton-a.test:53", "custody.ability.bad_subject"},
		"no dot":       {"*", "dns", "localhost", "custody.ability.bad_subject"},
		"no address":   {"*", "mailbox", "abuse", "custody.ability.bad_subject"},
		"a header":     {"*", "mailbox", "a@chaton-a.test\r\nBcc: b@c.test", "custody.ability.bad_subject"},
		"a name in it": {"*", "mailbox", "Ana <a@chaton-a.test>", "custody.ability.bad_subject"},
		"long":         {strings.Repeat("s", 200), "root", "", "custody.person.bad_text"},
	} {
		a, err := parse(tc.service, tc.kind, tc.subject)
		if tc.want != "" {
			t.Run(name, func(t *testing.T) { wants(t, err, tc.want) })
		} else if err != nil || a.Subject != strings.ToLower(tc.subject) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
}

func TestProofs(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		ana, bea := w.person("Ana"), w.person("Bea")
		byTXT(w, ana, bea)
		byRegistry(w, ana)
		bySecond(w, ana, bea)
		byWords(w, ana)
		byMail(w, ana)
		tooLate(w, ana)
	})
}

func byTXT(w *world, ana, bea person.Card) {
	a := w.add("*", DNS, "chaton-a.test")
	if _, err := w.Add(w.t.Context(), "*", "dns", "chaton-a.test"); core.CodeOf(err) != core.CodeConflict {
		w.t.Errorf("twice: %v", err)
	}
	task, g := w.prove(a, ana)
	if task.Name != "_entrechat-proof.chaton-a.test" || !strings.Contains(task.TXT, task.ID) {
		w.t.Errorf("%+v", task)
	}
	w.refused(task.ID, g, "custody.ability.not_seen_dns")
	w.out.texts = []string{"v=spf1 -all", task.TXT}
	w.refused(task.ID, Given{Signature: w.sign(bea.ID, task.Line)}, "custody.person.other_signature")
	w.refused(task.ID, Given{Signature: w.sign(ana.ID, strings.Replace(task.Line, "chaton-a", "chaton-b", 1))}, "custody.person.other_signature")
	w.refused(task.ID, Given{}, "custody.person.bad_signature")
	w.refused("", g, "custody.ability.no_challenge")
	w.out.err = core.Unsure("custody.ability.dns_silent", nil)
	w.refused(task.ID, g, "custody.ability.dns_silent")
	w.out.err = nil
	w.confirmed(task.ID, g)
}

func byRegistry(w *world, ana person.Card) {
	a := w.add("*", Registrar, "chaton-a.test")
	w.out.reg = Registration{Changed: "2026-01-01T00:00:00Z", Status: []string{"client transfer prohibited", "active"}}
	task, g := w.prove(a, ana)
	w.refused(task.ID, g, "custody.ability.not_seen_rdap")
	w.out.reg.Status = []string{"active", "client transfer prohibited"} // the same in another order
	w.refused(task.ID, g, "custody.ability.not_seen_rdap")
	w.out.reg.Status = []string{"active"}
	w.confirmed(task.ID, g)
	// A registry that is silent when the proof begins proves nothing later.
	w.out.err = core.Unsure("custody.ability.rdap_silent", nil)
	task, g = w.prove(a, ana)
	w.out.err = nil
	w.refused(task.ID, g, "custody.ability.not_seen_rdap")
}

func bySecond(w *world, ana, bea person.Card) {
	a := w.add("*", Bank, "")
	task, g := w.prove(a, ana)
	w.refused(task.ID, g, "custody.ability.needs_witness")
	g.Witness, g.WitnessSignature = ana.ID, w.sign(ana.ID, task.WitnessLine(w.Node, ana.ID))
	w.refused(task.ID, g, "custody.ability.own_witness")
	g.Witness, g.WitnessSignature = bea.ID, w.sign(bea.ID, task.Line)
	w.refused(task.ID, g, "custody.person.other_signature") // she signed as if she were Ana
	g.WitnessSignature = w.sign(bea.ID, task.WitnessLine(w.Node, bea.ID))
	w.confirmed(task.ID, g)
}

func byWords(w *world, ana person.Card) {
	task, g := w.prove(w.add("*", Seed, ""), ana)
	g.Words = "abandon"
	if _, err := w.Confirm(w.t.Context(), task.ID, g); core.CodeOf(err) != core.CodeInvalid {
		w.t.Errorf("no words: %v", err)
	}
	other := w.seed
	other[0] ^= 1
	g.Words = other.Words()
	w.refused(task.ID, g, "custody.ability.other_words")
	g.Words = w.seed.Words()
	w.confirmed(task.ID, g)
}

func byMail(w *world, ana person.Card) {
	ctx := w.t.Context()
	task, g := w.prove(w.add("*", Mailbox, "abuse@chaton-a.test"), ana)
	w.refused(task.ID, g, "custody.ability.answer_mail")
	if len(w.post.to) != 1 || w.post.to[0] != "abuse@chaton-a.test" || strings.Contains(w.post.text[0], "Ana") {
		w.t.Fatalf("mailed %v %v", w.post.to, w.post.text)
	}
	_, token, _ := strings.Cut(w.post.text[0], AnswerPath)
	wants(w.t, w.Answer(ctx, "0123456789abcdef0123456789abcdef"), "custody.ability.no_challenge")
	wants(w.t, w.Answer(ctx, task.ID), "custody.ability.no_challenge") // who begins it cannot answer
	wants(w.t, w.Answer(ctx, ""), "custody.ability.no_challenge")
	if err := w.Answer(ctx, token); err != nil {
		w.t.Error(err)
	}
	wants(w.t, w.Answer(ctx, token), "custody.ability.no_challenge")
}

func tooLate(w *world, ana person.Card) {
	task, g := w.prove(w.add("*", Premises, "the cellar"), ana)
	w.now = w.now.Add(open)
	w.refused(task.ID, g, "custody.ability.no_challenge")
}

// TestRootProof: only a plain file of root that nobody else may write counts.
func TestRootProof(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	ana := w.person("Ana")
	task, g := w.prove(w.add("*", Root, ""), ana)
	if task.File != w.RootFile {
		t.Errorf("%+v", task)
	}
	const key = "custody.ability.not_seen_root"
	w.refused(task.ID, g, key)
	write := func(text string, mode os.FileMode, uid int) {
		t.Helper()
		if err := os.RemoveAll(w.RootFile); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.RootFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(w.RootFile, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(w.RootFile, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
	if os.Getuid() == 0 {
		write(g.Signature, 0o644, 65534)
		w.refused(task.ID, g, key)
		write(g.Signature, 0o666, 0)
		w.refused(task.ID, g, key)
		write(strings.Replace(g.Signature, "A", "B", 1), 0o644, 0)
		w.refused(task.ID, g, key)
		write(g.Signature, 0o644, 0)
		link := w.RootFile + "-link"
		if err := os.Symlink(w.RootFile, link); err != nil {
			t.Fatal(err)
		}
		plain := w.RootFile
		w.RootFile = link
		w.refused(task.ID, g, key)
		w.RootFile = plain
		w.confirmed(task.ID, g)
		return
	}
	write(g.Signature, 0o644, os.Getuid()) // of a user who is not root
	w.refused(task.ID, g, key)
}

// TestFiguresOverTime: one person is 1, two are 2; after six months without a proof nobody
// is left; a box counts while it was rehearsed and its shares are proved.
func TestFiguresOverTime(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	ana, bea := w.person("Ana"), w.person("Bea")
	zone := w.add("*", DNS, "chaton-a.test")
	if s := w.figure(); s.People.Count != 0 {
		t.Errorf("nobody proved: %+v", s)
	}
	proves := func(who person.Card) {
		t.Helper()
		task, g := w.prove(zone, who)
		w.out.texts = []string{task.TXT}
		w.confirmed(task.ID, g)
	}
	proves(ana)
	if s := w.figure(); s.People.Count != 1 || s.Weakest.Kind != DNS || len(s.People.Lost) != 1 || string(s.People.Lost[0]) != string(ana.ID) {
		t.Errorf("Ana alone: %+v", s)
	}
	w.now = w.now.Add(100 * 24 * time.Hour)
	proves(bea)
	if s := w.figure(); s.People.Count != 2 || s.Places.Count != 2 {
		t.Errorf("both: %+v", s)
	}
	w.now = w.now.Add(Valid - 100*24*time.Hour)
	if s := w.figure(); s.People.Count != 1 {
		t.Errorf("Ana's is over: %+v", s)
	}
	now := core.At(w.now)
	w.boxes.all = []Dealt{{Scope: "serve", Needed: 2, Rehearsed: now, Shares: []Held{{Person: ana.ID, Good: true}, {Member: "chaton-b.test", Good: true}, {Member: "chaton-c.test", Good: true, Place: "lyon"}}}}
	if s := w.figure(); s.People.Count != 3 || s.Places.Count != 3 {
		t.Errorf("Bea, and a box of three: %+v", s)
	}
	w.boxes.all[0].Shares = append(w.boxes.all[0].Shares, Held{Good: true})
	if s := w.figure(); s.People.Count != 4 {
		t.Errorf("a share on paper more: %+v", s)
	}
	w.boxes.all[0].Shares = w.boxes.all[0].Shares[:3]
	w.boxes.all[0].Shares[2].Good = false
	if s := w.figure(); s.People.Count != 2 {
		t.Errorf("one share is not proved any more: %+v", s)
	}
	w.boxes.all[0].Shares[1].Good = false
	if s := w.figure(); s.People.Count != 1 {
		t.Errorf("too few shares are proved: %+v", s)
	}
	w.now = w.now.Add(Valid)
	if s := w.figure(); s.People.Count != 0 {
		t.Errorf("nothing counts any more: %+v", s)
	}
}

func TestLeaving(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	ctx := t.Context()
	ana, bea := w.person("Ana"), w.person("Bea")
	zone := w.add("*", DNS, "chaton-a.test")
	for _, who := range []person.Card{ana, bea} {
		task, g := w.prove(zone, who)
		w.out.texts = []string{task.TXT}
		w.confirmed(task.ID, g)
	}
	if err := w.Persons.SetRole(ctx, person.Duty{Service: "mail", Person: ana.ID, Role: person.Responsible}); err != nil {
		t.Fatal(err)
	}
	now := core.At(w.now)
	w.boxes.all = []Dealt{
		{Scope: "serve", Needed: 2, Rehearsed: now, Shares: []Held{{Person: bea.ID, Good: true}, {Member: "chaton-b.test", Good: true}}},
		{Scope: "root", Needed: 2, Shares: []Held{{Person: ana.ID, Good: true}, {Person: bea.ID, Good: true}}},
	}
	l, err := w.Leaving(ctx, ana)
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Duties) != 1 || len(l.Proved) != 1 || !slices.Equal(l.Shares, []string{"root"}) || !slices.Equal(l.Knew, []string{"serve"}) {
		t.Errorf("%+v", l)
	}
	before, _ := l.Before.Least()
	after, _ := l.After.Least()
	if before.People.Count != 2 || after.People.Count != 1 {
		t.Errorf("before %+v, after %+v", before.People, after.People)
	}
	if err := w.Leave(ctx, ana.ID); err != nil {
		t.Fatal(err)
	}
	if s := w.figure(); s.People.Count != 1 {
		t.Errorf("after she left: %+v", s)
	}
	if _, err := w.Prove(ctx, zone.ID, ana.ID); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("who left proves: %v", err)
	}
	again, err := leaver(ctx, w.Abilities, "ana")
	if err != nil || again.ID != ana.ID {
		t.Errorf("the list again: %v, %v", again, err)
	}
	w.now = w.now.Add(400 * 24 * time.Hour)
	if err := w.Forget(ctx); err != nil {
		t.Fatal(err)
	}
	all, err := holdings(ctx, w.DB)
	if err != nil || len(all) != 1 || all[0].Person != bea.ID {
		t.Errorf("a year later: %v, %v", all, err)
	}
}
