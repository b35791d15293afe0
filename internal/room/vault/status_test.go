package vault

import (
	"os"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// A lender that was not heard for long is named, and neither well nor failing.
func TestUnheardLendersAreNamed(t *testing.T) {
	w := newWorld(t, 3)
	w.create("files")
	w.settled()
	if err := w.room.doctor.CheckLenders(t.Context()); err != nil {
		t.Fatal(err)
	}
	long := core.At(time.Now().Add(-2 * catalogue.HeardFor))
	for _, m := range w.members[:2] {
		state := catalogue.LenderState{Good: long}
		if m == w.members[1] {
			state.Bad = long
		}
		if err := w.room.store.Lenders.SetState(t.Context(), m.id, state); err != nil {
			t.Fatal(err)
		}
	}
	report, err := w.room.doctor.Status(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	if s := report.Silent; len(s) != 2 || s[0] != (health.Silent{Member: "m0.test", Heard: long}) || s[1] != (health.Silent{Member: "m1.test", Since: long, Heard: long}) {
		t.Errorf("silent: %+v", s)
	}
	for _, m := range report.Backups[0].Members {
		if m.Well != (m.Member == "m2.test") {
			t.Errorf("%s is well: %v", m.Member, m.Well)
		}
	}
	if err := w.room.doctor.CheckLenders(t.Context()); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("doctor says %v", err)
	}
}

// What cannot be read is never called safe or empty: no key, lost shards before the
// first snapshot, no password.
func TestUnreadableIsNotSafeNorEmpty(t *testing.T) {
	w := newWorld(t, 2)
	for _, name := range []string{"files", "mail"} {
		w.create(name)
		w.client(name, "").put(rest.Data, []byte("data of "+name))
	}
	w.client("mail", "").put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	if s := w.status("files"); s.Level != health.LevelEmpty {
		t.Fatalf("%+v", s)
	}
	w.exec(`UPDATE vault_placement SET state = 'lost' WHERE object IN (SELECT object FROM vault_object WHERE repo = 'files' AND kind = 'data')`)
	if s := w.status("files"); s.Level != health.LevelLost {
		t.Errorf("shards of all files are lost, and it is %s", s.Level)
	}
	if err := os.Remove(w.room.keyring.Path("mail", keyring.Identity)); err != nil {
		t.Fatal(err)
	}
	if s := w.status("mail"); s.Level != health.LevelLost || s.Keyless == nil {
		t.Errorf("its key is gone, and it is %s", s.Level)
	}
	if err := w.room.store.Repos.SetPassword(t.Context(), "files", catalogue.PasswordOpens); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(w.room.keyring.Path("files", keyring.Password)); err != nil {
		t.Fatal(err)
	}
	if err := w.room.backups.CheckPassword(t.Context(), "files"); err == nil {
		t.Error("a password file that is gone is no trouble")
	}
	if s := w.status("files"); s.Password != catalogue.PasswordUnknown {
		t.Errorf("the password file is gone, and the password %s", s.Password)
	}
}

// Visitors are not told that a backup survives anything while it cannot be read, or nobody
// knows.
func TestLimitsOfADoubtedBackup(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.client("files", "").put(rest.Snapshots, []byte("a snapshot"))
	w.settled()
	says := func(keys ...string) {
		t.Helper()
		w.room.doctor.Cached.Made = time.Time{}
		all, err := w.room.limits(t.Context())
		var got []string
		for _, l := range all {
			got = append(got, l.Key)
		}
		if err != nil || !slices.Equal(got, keys) {
			t.Errorf("%v, %v; want %v", got, err, keys)
		}
	}
	says("vault.limit_away", "vault.limit_losses")
	for undo, harm := range map[string]string{
		`UPDATE vault_placement SET state = 'stored'`:  `UPDATE vault_placement SET state = 'lost'`,
		`UPDATE vault_repo SET password = ''`:          `UPDATE vault_repo SET password = 'wrong'`,
		`DELETE FROM vault_note WHERE name = 'behind'`: `INSERT INTO vault_note (name, value) VALUES ('behind', 'members')`,
	} {
		w.exec(harm)
		says("vault.limit_doubt")
		w.exec(undo)
	}
}

// What strangers see is made by a job, never by their requests, and no oftener than it is
// cheap.
func TestStrangersReadTheLastReport(t *testing.T) {
	w := newWorld(t, 2)
	w.stop()
	w.open()
	defer w.room.n.DB.Close()
	now := time.Now()
	w.room.n.Now = func() time.Time { return now }
	count := func() int {
		t.Helper()
		report, err := w.room.doctor.Public(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(report.Backups)
	}
	keep := func() {
		t.Helper()
		if err := w.room.doctor.KeepPublic(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := count(); n != 0 {
		t.Fatalf("%d backups", n)
	}
	w.create("files")
	if n := count(); n != 0 {
		t.Error("a stranger's request makes the report")
	}
	w.room.doctor.Cached.Took = time.Second
	now = now.Add(health.PublicEvery)
	if keep(); count() != 0 {
		t.Error("a report that takes a second is made every fifteen")
	}
	now = now.Add(health.PublicShare * time.Second)
	if keep(); count() != 1 {
		t.Error("the job makes none")
	}
	w.create("mail")
	now = now.Add(health.PublicFor)
	if count() != 2 {
		t.Error("a report that no job keeps is shown for ever")
	}
}
