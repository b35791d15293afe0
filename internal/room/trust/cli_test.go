package trust

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/trust/collective"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
	"entrechat/internal/room/trust/trusttest"
)

// run executes one command of a node as its admin would, in French.
func (n *node) run(line ...string) (string, error) {
	n.w.t.Helper()
	var out, errs bytes.Buffer
	p := trusttest.Printer(n.w.t, ".", "fr")
	screen := &console.Out{W: &out, Err: &errs, In: strings.NewReader(""), P: p}
	root := &cobra.Command{Use: "entrechat", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().BoolVar(&screen.JSON, "json", false, "")
	root.AddCommand(Commands(p, trusttest.Types(), func(*cobra.Command) (*Room, *console.Out, error) { return n.Room, screen, nil })...)
	root.SetArgs(line)
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(n.w.t.Context())
	if text := out.String() + errs.String(); strings.Contains(text, "⟦") || strings.Contains(text, "<no value>") {
		n.w.t.Errorf("%v prints\n%s", line, text)
	}
	if sentence := p.Error(err); strings.Contains(sentence, "⟦") || strings.Contains(sentence, "<no value>") {
		n.w.t.Errorf("%v fails with %q", line, sentence)
	}
	return out.String(), err
}

// say is run for a command that must succeed.
func (n *node) say(line ...string) string {
	n.w.t.Helper()
	out, err := n.run(line...)
	if err != nil {
		n.w.t.Fatalf("%v: %v", line, err)
	}
	return out
}

// ask is say with --json, read into v.
func (n *node) ask(v any, line ...string) {
	n.w.t.Helper()
	if out := n.say(append(line, "--json")...); json.Unmarshal([]byte(out), v) != nil {
		n.w.t.Fatalf("%v answers %s", line, out)
	}
}

func wantIn(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestCommandsFromInvitationToEnd(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	wantIn(t, a.say("member", "list"), "entrechat invite")
	var invite struct {
		Link string `json:"link"`
	}
	a.ask(&invite, "invite", "--for", "1")
	wantIn(t, b.say("member", "add", invite.Link), "a.test est ajouté·e")
	wantIn(t, b.say("member", "vouch", "A.test"), "parrainons a.test")
	wantIn(t, b.say("member", "show", "a.test"), "Nous parrainons\u00a0: oui")
	w.wait(time.Minute)
	wantIn(t, a.say("member", "list"), "b.test", "ajouté·e", "à jour")

	c := w.nodes["c.test"]
	if _, err := c.run("member", "add", invite.Link); keyOf(err) != "trust.used_invite" {
		t.Errorf("a used invitation: %v", err)
	}
	wantIn(t, c.say("member", "list"), "Aucun membre")

	var made pact.View
	a.ask(&made, "pact", "propose", "b.test", "--ask-store", "20GB", "--give-store", "20Go", "--rate", "20Mbit", "--watch", "60s",
		"--give-login", "pad,cloud", "--custody", "--place", "Ville A", "--notice", "30d", "--review", "2028-01-01", "--limits", "Pas de nuit.")
	if made.State != pact.Proposed || len(made.Gives) != 4 || len(made.Gets) != 3 || made.Notice != 30 {
		t.Errorf("%+v", made)
	}
	wantIn(t, a.say("pact", "list"), "attend la signature de b.test")
	wantIn(t, b.say("pact", "list"), "attend notre signature")
	wantIn(t, b.say("pact", "show", made.ID[:8]), "Convention d'entraide", "Ville A", "Pas de nuit.", "pas encore signé")
	wantIn(t, b.say("pact", "accept", made.ID[:8], "--yes", "--place", "Ville B"), "en vigueur")
	wantIn(t, a.say("pact", "show", made.ID, "--format", "html"), "Ville B", "20\u00a0Go", "</html>")
	var shown struct {
		Document struct {
			Signatures []any `json:"signatures"`
		} `json:"document"`
	}
	a.ask(&shown, "pact", "show", made.ID)
	if len(shown.Document.Signatures) != 2 {
		t.Errorf("%+v", shown)
	}
	wantIn(t, b.say("pact", "end", made.ID, "--yes"), "reprendre ses données jusqu'au")
	wantIn(t, a.say("pact", "list"), "préavis jusqu'au")
	wantIn(t, a.say("member", "refuse", "b.test"), "n'obtient plus rien")
	wantIn(t, a.say("member", "list"), "refusé·e ici")
	wantIn(t, a.say("member", "refuse", "b.test", "--undo"), "retrouve")
}

func TestCommandsRefuse(t *testing.T) {
	w := newWorld(t, "a.test", "b.test")
	a, b := w.nodes["a.test"], w.nodes["b.test"]
	if _, err := a.run("member", "add", b.url); keyOf(err) != "trust.compare_first" {
		t.Errorf("added unseen: %v", err)
	}
	if _, err := a.run("member", "add", b.url, "--fingerprint", "one-two-three-four-five-six"); keyOf(err) != "trust.fingerprint_differs" {
		t.Errorf("other words: %v", err)
	}
	var view member.View
	six := strings.ReplaceAll(seal.Fingerprint(b.address().Root), "-", "  ")
	a.ask(&view, "member", "add", b.url, "--fingerprint", strings.ToUpper(six))
	if view.Standing != member.Added {
		t.Errorf("%+v", view)
	}
	wantIn(t, b.say("member", "list"), "a.test demande à être ajouté·e")
	for key, line := range map[string][]string{
		"trust.bad_quantity":    {"pact", "propose", "b.test", "--store", "much"},
		"core.no_unit":          {"pact", "propose", "b.test", "--ask-store", "200"},
		"trust.empty_pact":      {"pact", "propose", "b.test"},
		"trust.bad_grant":       {"pact", "propose", "b.test", "--give-watch", "1s"},
		"trust.bad_text":        {"pact", "propose", "b.test", "--store", "1GB", "--place", "a\x1b[2Jb"},
		"trust.unknown_member":  {"pact", "propose", "c.test", "--store", "1GB"},
		"trust.unknown_pact":    {"pact", "accept", "abcdef"},
		"trust.no_vouch":        {"member", "unvouch", "b.test"},
		"trust.bad_invite":      {"member", "add", "entrechat:invite/1/x"},
		"trust.bad_validity":    {"invite", "--for", "0"},
		"trust.unreadable":      {"collective", "create", "--name", "x", "--text", "/nowhere"},
		"trust.unknown_charter": {"collective", "show", "abcdef"},
		"core.bad_member":       {"member", "show", "Pas un domaine"},
	} {
		if _, err := a.run(line...); keyOf(err) != key {
			t.Errorf("%v: %v, want %s", line, err, key)
		}
	}
}

func TestCommandsOfACollective(t *testing.T) {
	w := newWorld(t, "a.test", "b.test", "c.test")
	w.befriend("a.test", "b.test")
	w.befriend("a.test", "c.test")
	a, b, c := w.nodes["a.test"], w.nodes["b.test"], w.nodes["c.test"]
	path := filepath.Join(t.TempDir(), "charte.md")
	trusttest.OK(t, os.WriteFile(path, []byte("Nous nous\r\nentraidons.\n"), 0o600))
	wantIn(t, a.say("collective", "list"), "Aucun collectif")
	var made collective.View
	a.ask(&made, "collective", "create", "--name", "Les Portées", "--text", path, "--founder", "b.test", "--login", "all")
	if made.Charter.Admit != 2 || !made.We {
		t.Errorf("%+v", made)
	}
	w.wait(time.Minute)
	wantIn(t, b.say("collective", "list"), made.ID[:12], "pas encore lue", "a.test")
	if _, err := b.run("collective", "join", made.ID[:12]); keyOf(err) != "console.say_yes" {
		t.Errorf("joined unread: %v", err)
	}
	wantIn(t, b.say("collective", "join", made.ID[:12], "--yes"), "Les Portées")
	c.say("collective", "join", made.ID[:12], "--yes")
	a.say("member", "vouch", "c.test")
	w.wait(time.Minute)
	wantIn(t, a.say("collective", "admit-status", made.ID), "fonde le collectif", "1 parrainage(s) sur 2")
	wantIn(t, a.say("collective", "show", made.ID), "tous nos services")
	wantIn(t, c.say("collective", "leave", made.ID), "ne suivons plus")
}
