package vault

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// fill saves one file of each type into a backup and answers them by restic's path.
func (w *world) fill(name string) map[string][]byte {
	w.t.Helper()
	c := w.client(name, "")
	files := map[string][]byte{"config": []byte("config of " + name)}
	if status, text := c.do("POST", "/config", files["config"]); status != 200 {
		w.t.Fatalf("config: %d %s", status, text)
	}
	for _, t := range []rest.Type{rest.Keys, rest.Data, rest.Index, rest.Snapshots} {
		body := []byte(string(t) + " of " + name)
		c.put(t, body)
		files[rest.Handle{Type: t, Name: nameOf(body)}.Path()] = body
	}
	w.settled()
	return files
}

// byHand runs docs/spec/recover.py over the members' stores with one age identity and
// answers the files it wrote, by path.
func (w *world) byHand(identity string) map[string][]byte {
	w.t.Helper()
	dir := w.t.TempDir()
	key, out := filepath.Join(dir, "identity"), filepath.Join(dir, "out")
	if err := os.WriteFile(key, []byte(identity+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	words := []string{"../../../docs/spec/recover.py", key, out}
	for _, m := range w.members {
		words = append(words, m.store)
	}
	if text, err := exec.CommandContext(w.t.Context(), "python3", words...).CombinedOutput(); err != nil {
		w.t.Fatalf("recover.py: %v\n%s", err, text)
	}
	return readTree(w.t, out)
}

// recordOf is the newest record of a backup among files that byHand wrote.
func recordOf(t *testing.T, files map[string][]byte, name string) (newest backup.Record) {
	t.Helper()
	for path, text := range files {
		if !strings.HasPrefix(path, name+"/record-") {
			continue
		}
		var rec backup.Record
		if err := json.Unmarshal(text, &rec); err != nil {
			t.Fatal(err)
		}
		if rec.V >= newest.V {
			newest = rec
		}
	}
	if newest.Name != name {
		t.Fatalf("no record of %s", name)
	}
	return newest
}

// Who is handed one backup's record opens that backup, with age and Python alone, and
// no other.
func TestOneRecordOpensOneBackup(t *testing.T) {
	w := newWorld(t, 2)
	want := map[string]map[string][]byte{}
	for _, name := range []string{"files", "mail"} {
		w.create(name)
		want[name] = w.fill(name)
	}
	words, err := w.seed.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	all := w.byHand(words.String())
	for name, files := range want {
		got := w.byHand(recordOf(t, all, name).Identity)
		for path, body := range files {
			if !bytes.Equal(got[name+"/"+path], body) {
				t.Errorf("%s/%s is not opened by its own key", name, path)
			}
		}
		for path := range got {
			if !strings.HasPrefix(path, name+"/") {
				t.Errorf("the key of %s opens %s", name, path)
			}
		}
	}
}

// oldWorld is a node of before each backup had a key of its own: its data directory
// and its two members' stores, written by the commit "docs: a track record of faults".
func oldWorld(t *testing.T) *world {
	t.Helper()
	w := emptyWorld(t)
	dir := t.TempDir()
	if text, err := exec.CommandContext(t.Context(), "tar", "-C", dir, "-xzf", "testdata/shared-key.tar.gz").CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v %s", err, text)
	}
	seed, err := os.ReadFile(filepath.Join(dir, "seed"))
	if err != nil {
		t.Fatal(err)
	}
	copy(w.seed[:], seed)
	w.dir = filepath.Join(dir, "owner")
	if w.shared, err = keyring.ReadIdentity(filepath.Join(w.dir, "daily.agekey")); err != nil {
		t.Fatal(err)
	}
	for _, id := range []core.MemberID{"m0.test", "m1.test"} {
		w.addMemberWith(id, filepath.Join(dir, string(id), "store"))
	}
	t.Cleanup(func() { w.stop() })
	return w
}

// sees fails unless a backup of oldWorld is all there, its data read from the members.
func (w *world) sees(name string) {
	w.t.Helper()
	c := w.client(name, "")
	body := []byte("config of " + name)
	if status, got := c.do("GET", "/config", nil); status != 200 || !bytes.Equal(got, body) {
		w.t.Errorf("config of %s: %d %s", name, status, got)
	}
	for _, t := range []rest.Type{rest.Keys, rest.Data, rest.Index, rest.Snapshots} {
		body := []byte(strings.TrimSuffix(string(t), "s") + " of " + name)
		if status, got := c.do("GET", "/"+string(t)+"/"+nameOf(body), nil); status != 200 || !bytes.Equal(got, body) {
			w.t.Errorf("%s of %s: %d %s", t, name, status, got)
		}
	}
}

// What was saved with the key that all backups shared stays readable and is counted;
// what is saved from now on has its own key; and all of it comes back from the words.
func TestOldBackupsGetTheirOwnKeys(t *testing.T) {
	w := oldWorld(t)
	w.start()
	<-w.room.started
	w.sees("files")
	if s := w.status("mail"); s.SharedKey != 5 {
		t.Errorf("%d files sealed with the shared key, want 5", s.SharedKey)
	}
	fresh := []byte("saved with its own key")
	path := w.client("mail", "").put(rest.Snapshots, fresh)
	w.settled()
	if s := w.status("mail"); s.SharedKey != 5 {
		t.Errorf("a new file is sealed with the shared key: %d", s.SharedKey)
	}
	words, err := w.seed.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	own := recordOf(t, w.byHand(words.String()), "mail").Identity
	if _, err := age.ParseX25519Identity(own); err != nil || own == w.shared.String() {
		t.Fatalf("the record of mail holds the shared key, or none: %v", err)
	}
	if got := w.byHand(own); !bytes.Equal(got["mail"+path], fresh) {
		t.Errorf("the key of mail opens %d files, not the new one", len(got))
	}

	w.stop()
	w.dir, w.shared = t.TempDir(), nil
	w.newKey(owner)
	w.open()
	if found := w.recovered(); len(found.Backups) != 2 || !found.Backups[0].Password || !found.Backups[1].Password {
		t.Fatalf("%+v", found)
	}
	if err := w.room.n.DB.Close(); err != nil {
		t.Fatal(err)
	}
	w.start()
	<-w.room.started
	w.sees("files")
	w.sees("mail")
	if status, got := w.client("mail", "").do("GET", path, nil); status != 200 || !bytes.Equal(got, fresh) {
		t.Errorf("the new file: %d %s", status, got)
	}
	repo, err := w.room.store.Repos.Get(t.Context(), "mail")
	if err != nil {
		t.Fatal(err)
	}
	if key, err := w.room.keyring.Own(repo); err != nil || key.String() != own {
		t.Errorf("the key of mail did not come back: %v", err)
	}
	if s := w.status("mail"); s.SharedKey != 5 {
		t.Errorf("after the recovery %d files are sealed with the shared key, want 5", s.SharedKey)
	}
}

// A key file that is gone, or another backup's, is said and nothing is sealed to what
// the record does not have.
func TestMissingKeyIsSaid(t *testing.T) {
	w := newWorld(t, 2)
	w.create("files")
	w.create("mail")
	w.settled()
	other, err := os.ReadFile(w.room.keyring.Path("mail", keyring.Identity))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.room.keyring.Write("files", keyring.Identity, strings.TrimSpace(string(other))); err != nil {
		t.Fatal(err)
	}
	if err := w.room.doctor.CheckKeys(t.Context()); core.CodeOf(err) != core.CodeInternal {
		t.Errorf("doctor says %v", err)
	}
	body := []byte("x")
	if status, text := w.client("files", "").do("POST", "/data/"+nameOf(body), body); status != 503 || !bytes.Contains(text, []byte("files.identity")) {
		t.Errorf("%d %s", status, text)
	}
}

// A bit flips in the row that names a backup's key: the file beside the database says which
// it is. Another backup's file is not taken for it.
func TestADamagedRecipientIsNamedAgain(t *testing.T) {
	w := newWorld(t, 2)
	w.create("mail")
	w.create("files")
	body := []byte("data")
	path := w.client("files", "").put(rest.Data, body)
	w.settled()
	repo, err := w.room.store.Repos.Get(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	right := repo.Recipient
	flipped := []byte(right)
	flipped[20] ^= 1
	restart := func() catalogue.Repo {
		t.Helper()
		if err := w.room.store.Repos.SetRecipient(t.Context(), "files", string(flipped)); err != nil {
			t.Fatal(err)
		}
		w.stop()
		w.start()
		<-w.room.started
		repo, err := w.room.store.Repos.Get(t.Context(), "files")
		if err != nil {
			t.Fatal(err)
		}
		return repo
	}
	if now := restart(); now.Recipient != right {
		t.Errorf("%s became %s", right, now.Recipient)
	}
	if status, got := w.client("files", "").do("GET", path, nil); status != 200 || !bytes.Equal(got, body) {
		t.Errorf("status %d", status)
	}
	other, err := w.room.keyring.Secret("mail", keyring.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.room.keyring.Write("files", keyring.Identity, other); err != nil {
		t.Fatal(err)
	}
	if now := restart(); now.Recipient != string(flipped) {
		t.Errorf("the key of mail is taken for that of files: %s", now.Recipient)
	}
}
