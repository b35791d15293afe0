package mail

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/room/succession/recipe"
)

// unequal are the counts of everybody that differ.
func (w *world) unequal(m recipe.Move) (list []string) {
	w.Helper()
	units, err := m.Units(w.Context())
	w.must(err)
	for _, u := range units {
		rows, err := m.Count(w.Context(), u)
		w.must(err)
		much := int64(0)
		for _, c := range rows {
			much += c.From
			if !c.Equal() {
				list = append(list, fmt.Sprintf("%s %s %s %d/%d", u, c.What, c.Of, c.From, c.To))
			}
		}
		if much == 0 {
			w.Fatalf("nothing of %s was counted", u)
		}
	}
	return list
}

// ways are settings of a move of which only IMAP, or a backup, is left.
func (w *world) ways(how, from, old string) string {
	return fmt.Sprintf(`how = %q
mailboxes = [%q]
probe = %q
probe_password = %q
[from]
%s
[old]
%s
[new]
doveadm = ["doveadm", "-c", %q]
imap = %q
`, how, strings.Join(w.people, `","`), w.people[0], w.password, from, old, w.now.Dovecot, w.now.IMAP)
}

// TestOnlyIMAP: with a master user everything that IMAP shows is the same, UIDs too, also run twice.
func TestOnlyIMAP(t *testing.T) {
	w := newWorld(t, "probe")
	w.fill(w.people[0], oddFolders[:4], 40)
	w.now.People(t, w.people...)
	master := filepath.Join(t.TempDir(), "master")
	w.must(os.WriteFile(master, []byte("master\n"), 0o600))
	m := w.move(w.ways("imap", "", fmt.Sprintf("imap = %q\nmaster = \"admin\"\nmaster_password = %q", w.old.IMAP, master)))
	w.until(t.Context(), m, recipe.Copy)
	w.old.Admin(t, letter(9000, 10), "save", "-u", w.people[0])
	w.until(t.Context(), m, recipe.Login)
	w.until(t.Context(), m, recipe.Login)
	if wrong := w.unequal(m); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}

// TestFromABackup: the old server is dead; its home folders were restored. What the names of the files and
// dovecot-uidlist say is kept, and the backup is not written to.
func TestFromABackup(t *testing.T) {
	w := newWorld(t, "probe")
	w.fill(w.people[0], oddFolders[:5], 40)
	w.now.People(t, w.people...)
	restored := filepath.Join(w.now.Dir, "restored")
	if said, err := exec.CommandContext(t.Context(), "cp", "-a", filepath.Join(w.old.Dir, "mail"), restored).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, said)
	}
	m := w.move(w.ways("maildir", fmt.Sprintf("snapshot = %q", restored), `maildir = "/{user}/Maildir"`+"\n"+`home = "/{user}"`))
	w.until(t.Context(), m, recipe.Login)
	if wrong := w.unequal(m); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	// Against the server that lived, too.
	if wrong := w.unequal(w.move(w.settings(""))); len(wrong) > 0 {
		t.Errorf("not as it lived: %q", wrong)
	}
}
