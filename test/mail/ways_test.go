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
