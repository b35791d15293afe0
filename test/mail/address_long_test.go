//go:build long

package mail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/room/succession/recipe"
)

// TestToANewAddress: the mailbox is somebody@new.test afterwards, and what comes for the old address arrives there,
// what was held too.
func TestToANewAddress(t *testing.T) {
	w := newWorld(t, "probe")
	user, now := w.people[0], "probe@new.test"
	w.fill(user, oddFolders[:3], 20)
	w.now.Table(t, w.now.Boxes, now+" x\n")
	settings := w.settings("")
	settings = strings.Replace(settings, fmt.Sprintf("through = [\"tcp:%s\"]", w.old.Doveadm), fmt.Sprintf("through = [\"env\", \"-i\", \"PATH=/usr/bin:/bin\", \"doveadm\", \"-c\", %q, \"dsync-server\", \"-u\", \"{user}\"]\nforward = %q", w.old.Dovecot, w.old.Forward), 1)
	settings += fmt.Sprintf("[addresses]\n%q = %q\n", user, now)
	text := string(mustRead(w, filepath.Join(w.old.Postfix, "main.cf")))
	text = strings.Replace(text, "default_transport = error:no mail leaves this test", "default_transport = smtp:[127.0.0.1]:"+port(w.now.SMTP), 1)
	w.must(os.WriteFile(filepath.Join(w.old.Postfix, "main.cf"), []byte(text), 0o600)) // what the DNS says of new.test
	m := w.move(settings)
	w.until(t.Context(), m, recipe.Freeze)
	w.must(send(w.old.SMTP, user, letter(7000, 10), false)) // held
	w.phases(t.Context(), m, recipe.Last, recipe.Deliver)
	if wrong := w.unequal(m); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	w.phases(t.Context(), m, recipe.Cut, recipe.After)
	w.people = []string{now}
	w.wantEach(20, map[string]int{"<7000@else.test>": 1})
}
