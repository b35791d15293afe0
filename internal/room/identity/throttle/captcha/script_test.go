package captcha

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"entrechat/internal/kit/seal"
)

// The script of the page, in a real browser, finds what the node takes; and sends a form that was
// sent too early.
func TestScriptInABrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: apt-get install chromium")
	}
	script, err := Files.ReadFile("captcha.js")
	if err != nil {
		t.Fatal(err)
	}
	if len(script) > 4<<10 {
		t.Errorf("%d bytes", len(script))
	}
	c := New(Needs{Box: seal.NewBox([32]byte{1}), Bits: 9, Now: time.Now})
	challenge := c.Challenge("sign-up")
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	// The form is sent at once; what is sent lands in the title.
	text := fmt.Sprintf(`<!doctype html><form data-captcha="%s"><input name="captcha_solution"><progress max="1" value="0"></progress><button>x</button></form>
<script>const f = document.forms[0];
f.addEventListener("submit", (e) => { if (e.defaultPrevented) return; e.preventDefault(); document.title = "sent:" + f.elements.captcha_solution.value + ":" + f.querySelector("progress").value; });
setTimeout(() => f.querySelector("button").click());</script>
<script>%s</script>`, challenge, script)
	// The script's own listener comes first, as it does where it is the only one.
	text = regexp.MustCompile(`(?s)(<script>const f.*?</script>\n)(<script>.*</script>)$`).ReplaceAllString(text, "$2\n$1")
	if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
		"--virtual-time-budget=600000", "--dump-dom", "file://"+page).Output()
	if err != nil {
		t.Fatal(err)
	}
	sent := regexp.MustCompile(`<title>sent:([0-9,]+):1</title>`).FindSubmatch(out)
	if sent == nil {
		t.Fatalf("nothing was sent: %s", out)
	}
	if _, _, err := c.verify("sign-up", challenge, string(sent[1])); err != nil {
		t.Error(err)
	}
}
