package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/heir"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

const theHeir = core.MemberID("heir.test")

// successors are who takes over; a heir.Successors.
type successors []core.MemberID

func (s *successors) OurSuccessors(context.Context) ([]core.MemberID, error) {
	return slices.Clone(*s), nil
}

// heirRoom is the vault of another member: with a database and keys of its own.
func (w *world) heirRoom() *Room {
	w.t.Helper()
	if _, known := w.signers[theHeir]; !known {
		w.newKey(theHeir)
	}
	n := w.needs(w.database())
	client := peer.NewClient(w.peer(theHeir))
	n.Dir, n.Signer, n.Root = w.t.TempDir(), w.signers[theHeir], core.RootKey{7}
	n.Holder = func(id core.MemberID) holder.Holder { return holder.NewRemote(client, w, id) }
	n.KeysOf = func(context.Context, core.MemberID) (core.RootKey, []ed25519.PublicKey, error) {
		return w.seed.Root(), append([]ed25519.PublicKey{w.signers[owner].Public()}, w.past...), nil
	}
	room, err := New(n)
	if err != nil {
		w.t.Fatal(err)
	}
	return room
}

// names has the owner's node tell its holders who may read.
func (w *world) names(who ...core.MemberID) {
	w.t.Helper()
	s := successors(who)
	n := w.room.n
	n.Successors = func() (heir.Successors, bool) { return &s, true }
	told := &Room{n: n, store: w.room.store, keyring: w.room.keyring}
	if err := newHeirs(told).TellReaders(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pointer(name string) []byte {
	w.t.Helper()
	text, err := w.room.Pointer(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// inherits opens a backup and answers the files there.
func (w *world) inherits(room *Room, pointer []byte) (map[string][]byte, error) {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "repo")
	_, err := room.Inherit(w.t.Context(), pointer, dir, func(int64, int64) {})
	if left, _ := filepath.Glob(filepath.Join(room.n.Dir, "heir", "heir-*")); len(left) > 0 {
		w.t.Errorf("left behind: %v", left)
	}
	if _, none := os.Stat(dir); none != nil {
		return nil, err
	}
	return readTree(w.t, dir), err
}

// twoBackups is a world with two backups, and what is in them.
func twoBackups(t *testing.T) (w *world, want map[string]map[string][]byte) {
	w, want = newWorld(t, 5), map[string]map[string][]byte{}
	for _, name := range []string{"wiki", "mail"} {
		w.create(name)
		want[name] = w.fill(name)
	}
	return w, want
}

func sayOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}

// A reader without a pointer opens nothing, whatever keys it has; with the pointer of one backup
// it opens that one and not its neighbour, with members dead and one that lies.
func TestAPointerOpensOneBackup(t *testing.T) {
	w, want := twoBackups(t)
	pointer := w.pointer("wiki")
	w.stop() // the owner is gone
	room := w.heirRoom()
	if _, err := w.inherits(room, pointer); sayOf(err) != "vault.nobody_answers" {
		t.Errorf("no reader: %v", err)
	}
	w.open()
	w.names(theHeir)
	w.members[0].set(away)
	w.members[1].set(flipping)
	got, err := w.inherits(room, pointer)
	if err != nil {
		t.Fatal(err)
	}
	for path, body := range want["wiki"] {
		if !bytes.Equal(got[path], body) {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if len(got) != len(want["wiki"]) {
		t.Errorf("%v", slices.Sorted(maps.Keys(got)))
	}
	// The same secret for the other backup, and keys of its own.
	p, err := heir.Read(pointer)
	if err != nil {
		t.Fatal(err)
	}
	other := p
	other.Backup = "mail"
	text, err := other.Encode()
	if err != nil {
		t.Fatal(err)
	}
	w.members[0].set(honest)
	if files, err := w.inherits(room, text); sayOf(err) != "vault.heir_nothing" || len(files) > 0 {
		t.Errorf("the key of wiki opens %d files of mail: %v", len(files), err)
	}
	// By hand, with age and Python alone.
	for path := range w.byHand(p.Identity) {
		if !strings.HasPrefix(path, "wiki/") {
			t.Errorf("the key of wiki opens %s", path)
		}
	}
	// Nothing of it came into the heir's own catalogue, and no member was written to.
	repos, err := room.store.Repos.All(t.Context())
	if err != nil || len(repos) > 0 {
		t.Errorf("%v, %v", repos, err)
	}
}

// A reader tries every key that it has, and opens no label and no file.
func TestAReaderOpensNothing(t *testing.T) {
	w, _ := twoBackups(t)
	pointer := w.pointer("wiki")
	w.names(theHeir)
	p, err := heir.Read(pointer)
	if err != nil {
		t.Fatal(err)
	}
	room := w.heirRoom()
	made, err := room.backups.Create(t.Context(), "own", nil)
	if err != nil || made.Name != "own" {
		t.Fatal(err)
	}
	own, err := room.keyring.Secret("own", "identity")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"wiki", "mail"} {
		p.Identity, p.Backup = own, name
		text, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if files, err := w.inherits(room, text); sayOf(err) != "vault.heir_nothing" || len(files) > 0 {
			t.Errorf("%s: %d files, %v", name, len(files), err)
		}
	}
	keys, err := room.keyring.LabelKeys()
	if err != nil || len(keys) == 0 {
		t.Fatal(err)
	}
	labels := 0
	for _, m := range w.members {
		page, err := room.n.Holder(m.id).List(t.Context(), owner, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Shards {
			labels++
			if l, err := keyring.OpenLabel(s.Label, keys); core.CodeOf(err) != core.CodeDenied {
				t.Errorf("%+v, %v", l, err)
			}
		}
	}
	if labels == 0 {
		t.Error("a reader sees nothing at all")
	}
}

// Who is taken off the list reads no more; a member that was away is told later.
func TestReadersAreToldUntilTheyAcknowledge(t *testing.T) {
	w, _ := twoBackups(t)
	pointer := w.pointer("wiki")
	room := w.heirRoom()
	w.members[0].set(away)
	w.names(theHeir)
	r, err := w.room.Reading(t.Context())
	if err != nil || !slices.Equal(r.Members, []core.MemberID{theHeir}) || !slices.Equal(r.Untold, []core.MemberID{"m0.test"}) {
		t.Fatalf("%+v, %v", r, err)
	}
	w.members[0].set(honest)
	late := w.addMember("m9.test")
	w.names(theHeir)
	if r, err = w.room.Reading(t.Context()); err != nil || len(r.Untold) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := late.local.For(theHeir).List(t.Context(), owner, "", 1); err != nil {
		t.Errorf("a new holder: %v", err)
	}
	report, err := w.room.doctor.Status(t.Context(), "")
	if err != nil || !slices.Equal(report.Readers, []core.MemberID{theHeir}) {
		t.Errorf("status: %v, %v", report.Readers, err)
	}
	before, err := w.room.Reading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.names(theHeir)
	if r, err = w.room.Reading(t.Context()); err != nil || r.Made != before.Made {
		t.Errorf("the same list was made anew: %v", err)
	}
	was := w.room.n.Signer
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w.room.n.Signer = seal.NewSigner(owner, key)
	w.names(theHeir)
	if r, err = w.room.Reading(t.Context()); err != nil || r.Made <= before.Made {
		t.Errorf("another key, and the old list: %v", err)
	}
	w.room.n.Signer = was
	w.names()
	if _, err := w.inherits(room, pointer); sayOf(err) != "vault.heir_silent" {
		t.Errorf("a name taken back: %v", err)
	}
}

// An inheritance that was cut off goes on; the folder takes no other backup; a wrong root key is
// refused.
func TestInheritGoesOn(t *testing.T) {
	w, want := twoBackups(t)
	w.names(theHeir)
	room, pointer := w.heirRoom(), w.pointer("wiki")
	dir := filepath.Join(t.TempDir(), "repo")
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := room.Inherit(ctx, pointer, dir, func(int64, int64) { cancel() }); err == nil {
		t.Fatal("not cut off")
	}
	path := rest.Handle{Type: rest.Data, Name: nameOf([]byte("data of wiki"))}.Path()
	if err := os.WriteFile(filepath.Join(dir, path), []byte("changed meanwhile"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := room.Inherit(t.Context(), pointer, dir, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	got := readTree(t, dir)
	for path, body := range want["wiki"] {
		if !bytes.Equal(got[path], body) {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if _, err := room.Inherit(t.Context(), w.pointer("mail"), dir, func(int64, int64) {}); core.CodeOf(err) != core.CodeConflict {
		t.Errorf("another backup in the folder: %v", err)
	}
	p, err := heir.Read(pointer)
	if err != nil {
		t.Fatal(err)
	}
	p.Root = core.RootKey{3}
	text, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.inherits(room, text); sayOf(err) != "vault.heir_other_root" {
		t.Errorf("%v", err)
	}
}

// What is sealed to the key that all backups shared stays shut, and is said.
func TestOlderFilesAreSaid(t *testing.T) {
	w := oldWorld(t)
	w.start()
	<-w.room.started
	w.client("mail", "").put(rest.Snapshots, []byte("saved with its own key"))
	w.settled()
	if n, err := w.room.Older(t.Context(), "mail"); err != nil || n != 5 {
		t.Errorf("%d older files, %v", n, err)
	}
	w.names(theHeir)
	got, err := w.inherits(w.heirRoom(), w.pointer("mail"))
	for path, body := range got {
		if string(body) != "saved with its own key" {
			t.Errorf("%s was opened", path)
		}
	}
	if len(got) != 1 || sayOf(err) != "vault.heir_unopened" {
		t.Errorf("%d files: %v", len(got), err)
	}
	// What restic copy does: the same in a backup that had its own key from the start.
	w.create("copy")
	want := w.fill("copy")
	if n, err := w.room.Older(t.Context(), "copy"); err != nil || n != 0 {
		t.Errorf("%d older files in a copy, %v", n, err)
	}
	got, err = w.inherits(w.heirRoom(), w.pointer("copy"))
	if err != nil || len(got) != len(want) {
		t.Errorf("%d of %d files: %v", len(got), len(want), err)
	}
}

// inventor is a member that adds a file of its own to what it holds: it knows the backup's
// recipient, which a pack names.
type inventor struct {
	holder.Holder

	head shard.Head
	data []byte
}

func (i *inventor) List(ctx context.Context, owner core.MemberID, after string, limit int) (holder.Page, error) {
	page, err := i.Holder.List(ctx, owner, after, limit)
	page.Shards = append(page.Shards, holder.Entry{Head: i.head, Received: 1})
	return page, err
}

func (i *inventor) Get(ctx context.Context, ref holder.Ref, off, n int64) (io.ReadCloser, error) {
	if ref.Object == i.head.Object {
		return io.NopCloser(bytes.NewReader(i.data)), nil
	}
	return i.Holder.Get(ctx, ref, off, n)
}

// A member cannot slip a snapshot of its own in, which would be the latest.
func TestNobodyElseAddsASnapshot(t *testing.T) {
	w, want := twoBackups(t)
	w.names(theHeir)
	room, pointer := w.heirRoom(), w.pointer("wiki")
	p, err := heir.Read(pointer)
	if err != nil {
		t.Fatal(err)
	}
	to, err := age.ParseX25519Identity(p.Identity)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte("invented")
	label, err := keyring.SealBytes([]byte(`{"repo":"wiki","type":"snapshots","name":"`+nameOf(body)+`","size":8,"to":"`+to.Recipient().String()+`"}`), to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	data, err := keyring.SealBytes(body, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	h := shard.Header{Owner: owner, OwnerRoot: w.seed.Root(), K: 1, N: 1, Sealed: int64(len(data)), Label: label, Made: core.At(time.Now().Add(time.Hour))}.Of(0, data)
	h.Object = h.Root
	head, err := shard.Sign(h, w.signers["m0.test"])
	if err != nil {
		t.Fatal(err)
	}
	honest := room.n.Holder
	room.n.Holder = func(id core.MemberID) holder.Holder {
		if id == "m0.test" {
			return &inventor{honest(id), head, data}
		}
		return honest(id)
	}
	got, err := w.inherits(room, pointer)
	if err != nil || len(got) != len(want["wiki"]) {
		t.Errorf("%v, %v", slices.Sorted(maps.Keys(got)), err)
	}
}

// What a process that was killed left, restic's password among it, goes at the next inheritance and
// when the node starts; what another one uses stays.
func TestWhatAKilledOneLeftIsRemoved(t *testing.T) {
	w, _ := twoBackups(t)
	w.names(theHeir)
	room, pointer := w.heirRoom(), w.pointer("wiki")
	dead, alive := filepath.Join(room.n.Dir, "heir", "heir-1"), filepath.Join(room.n.Dir, "heir", "heir-2")
	if err := room.Sweep(t.Context()); err != nil {
		t.Errorf("where nothing was inherited: %v", err)
	}
	for _, dir := range []string{dead, alive} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	inUse, err := os.Open(filepath.Join(alive, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	if err := disk.TryLock(inUse); err != nil {
		t.Fatal(err)
	}
	for name, run := range map[string]func() error{
		"the start": func() error { return room.Sweep(t.Context()) },
		"the next one": func() error {
			_, err := room.Inherit(t.Context(), pointer, filepath.Join(t.TempDir(), "repo"), func(int64, int64) {})
			return err
		},
	} {
		if err := errors.Join(os.MkdirAll(dead, 0o700), os.WriteFile(filepath.Join(dead, "lock"), nil, 0o600), run()); err != nil {
			t.Fatal(err)
		}
		left, err := filepath.Glob(filepath.Join(room.n.Dir, "heir", "heir-*"))
		if err != nil || !slices.Equal(left, []string{alive}) {
			t.Errorf("%s: %v, %v", name, left, err)
		}
	}
}

// A member that holds something of ours can be the heir: it reads its own disk too.
func TestAHeirReadsItsOwnDisk(t *testing.T) {
	w, want := twoBackups(t)
	pointer := w.pointer("wiki")
	w.names("m2.test")
	m := w.members[2]
	n := w.needs(w.database())
	n.Dir, n.Signer, n.Lending = t.TempDir(), w.signers[m.id], m.local
	client := peer.NewClient(w.peer(m.id))
	n.Holder = func(id core.MemberID) holder.Holder {
		if id == m.id {
			t.Error("asks itself over the wire")
		}
		return holder.NewRemote(client, w, id)
	}
	n.KeysOf = func(context.Context, core.MemberID) (core.RootKey, []ed25519.PublicKey, error) {
		return core.RootKey{}, nil, core.NotFound("logbook.unknown_member", errors.New("unknown"))
	}
	room, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	w.members[0].set(away)
	w.members[1].set(away)
	got, err := w.inherits(room, pointer)
	if err != nil || len(got) != len(want["wiki"]) {
		t.Errorf("%d files, %v", len(got), err)
	}
}
