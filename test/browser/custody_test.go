package browser

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestWhoCanAct looks at the pages of who can do what while they have something to show, and
// notes an ability with the keyboard alone.
func TestWhoCanAct(t *testing.T) {
	w := newWorld(t, 8*time.Minute)
	axe := w.axe()
	dir := t.TempDir()
	var cards []string
	for _, name := range []string{"Ana", "Béa", "Célestine-Marguerite"} {
		key := filepath.Join(dir, name)
		if out, err := exec.CommandContext(w.ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var card struct {
			ID string `json:"id"`
		}
		w.must(w.node.RunJSON(w.ctx, &card, "custody", "person", "add", name, "--key", key+".pub", "--household", "rue du Port"))
		cards = append(cards, card.ID)
	}
	w.run(w.node, "custody", "person", "role", "Ana", "mail", "responsible")
	w.proved(dir, w.noted("mail", "bank"), "Ana", "Béa")
	zone := w.noted("*", "dns", "chaton-a.test")
	w.noted("*", "registrar", "chaton-a.test")
	w.noted("pads", "premises")

	w.signIn()
	for _, path := range []string{"people", "people/" + cards[0], "people/add", "ability/add", "prove"} {
		w.inspect(axe, "/admin/custody/"+path)
	}
	var begun struct {
		ID string `json:"id"`
	}
	w.must(w.node.RunJSON(w.ctx, &begun, "custody", "ability", "prove", zone, "Ana"))
	w.inspect(axe, "/admin/custody/proof/"+begun.ID)
	w.inspect(axe, "/admin/custody/proof/"+begun.ID+"?witness="+cards[1])

	w.do(chromedp.Navigate(w.node.URL()+"/admin/custody/ability/add?lang=fr"), chromedp.WaitVisible("#kind"))
	w.tabTo("kind")
	w.do(chromedp.KeyEvent("r"), chromedp.KeyEvent("o")) // root
	w.tabTo("service")
	w.do(chromedp.KeyEvent("wiki\r"), chromedp.WaitVisible(".picture"))
	var said string
	w.do(chromedp.Text("main", &said))
	for _, want := range []string{"wiki", "personne ne l'a prouvé"} {
		if !strings.Contains(strings.ReplaceAll(said, "\u00a0", " "), want) {
			t.Errorf("the page does not say %q: %s", want, said)
		}
	}
}

// noted notes an ability.
func (w *world) noted(words ...string) string {
	w.Helper()
	var a struct {
		ID string `json:"id"`
	}
	w.must(w.node.RunJSON(w.ctx, &a, append([]string{"custody", "ability", "add"}, words...)...))
	return a.ID
}

// proved proves an ability by two signatures, of keys that lie in dir.
func (w *world) proved(dir, ability, who, witness string) {
	w.Helper()
	var begun struct {
		ID      string `json:"id"`
		Line    string `json:"line"`
		Witness string `json:"witness_line"`
	}
	w.must(w.node.RunJSON(w.ctx, &begun, "custody", "ability", "prove", ability, who, "--witness", witness))
	files := make([]string, 0, 2)
	for _, s := range []struct{ key, line string }{{who, begun.Line}, {witness, begun.Witness}} {
		c := exec.CommandContext(w.ctx, "ssh-keygen", "-Y", "sign", "-q", "-n", "entrechat-proof", "-f", filepath.Join(dir, s.key))
		c.Stdin = strings.NewReader(s.line)
		signature, err := c.Output()
		w.must(err)
		file := filepath.Join(dir, fmt.Sprintf("%d.sig", len(files)))
		w.must(os.WriteFile(file, signature, 0o600))
		files = append(files, file)
	}
	w.run(w.node, "custody", "ability", "confirm", begun.ID, "--signature", files[0], "--witness", witness, "--witness-signature", files[1])
}
