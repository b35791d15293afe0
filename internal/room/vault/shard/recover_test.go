package shard

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
)

const script = "../../../../docs/spec/recover.py"

// grid is a few members' stores on disk, with files only stock tools will read.
type grid struct {
	t          *testing.T
	dir        string
	recipients []age.Recipient
	identity   string                    // file of the recovery identity
	files      map[string][]byte         // restic's path -> content
	shards     map[string]map[int]string // restic's path -> index -> shard file
	k          map[string]int            // restic's path -> K
	random     *rand.ChaCha8
}

func newGrid(t *testing.T) *grid {
	t.Helper()
	g := &grid{
		t: t, dir: t.TempDir(), files: map[string][]byte{}, shards: map[string]map[int]string{}, k: map[string]int{},
		random: rand.NewChaCha8([32]byte{3}),
	}
	for i := range 2 { // daily and recovery; the script gets the second
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		g.recipients = append(g.recipients, id.Recipient())
		g.identity = filepath.Join(g.dir, fmt.Sprintf("identity-%d.txt", i))
		if err := os.WriteFile(g.identity, []byte("# recovery\n"+id.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func (g *grid) seal(plain []byte) []byte {
	g.t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, g.recipients...)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		g.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		g.t.Fatal(err)
	}
	return out.Bytes()
}

// add keeps one restic file of n random bytes on the members, one shard each.
func (g *grid) add(kind string, code Code, n int) string {
	g.t.Helper()
	plain := make([]byte, n)
	if _, err := io.ReadFull(g.random, plain); err != nil {
		g.t.Fatal(err)
	}
	return g.addFile(kind, code, plain)
}

func (g *grid) addFile(kind string, code Code, plain []byte) string {
	g.t.Helper()
	sum := sha256.Sum256(plain)
	name := hex.EncodeToString(sum[:])
	file := map[string]string{"config": "config", "data": "data/" + name[:2] + "/" + name}[kind]
	if file == "" {
		file = kind + "/" + name
	}
	if kind == "config" {
		name = ""
	}
	label, err := json.Marshal(map[string]any{"repo": "files", "type": kind, "name": name, "size": len(plain)})
	if err != nil {
		g.t.Fatal(err)
	}
	g.k[file], g.files[file], g.shards[file] = code.K, plain, g.spread(code, g.seal(plain), g.seal(label))
	return file
}

func (g *grid) spread(code Code, object, label []byte) map[int]string {
	g.t.Helper()
	size := int64(len(object))
	data, err := code.Split(append(make([]byte, 0, code.Padded(size)), object...), make([]byte, code.ParitySize(size)))
	if err != nil {
		g.t.Fatal(err)
	}
	h := Header{Owner: "ana.test", OwnerRoot: core.RootKey{1}, Object: ObjectID(object), K: code.K, N: code.N, Sealed: size, Label: label}
	out := map[int]string{}
	for i, d := range data {
		head, err := Sign(h.Of(i, d), testKey(1))
		if err != nil {
			g.t.Fatal(err)
		}
		out[i] = filepath.Join(g.dir, "member"+strconv.Itoa(i), "store", h.Owner.Hash(), head.Name()[:2], head.Name())
		if err := os.MkdirAll(filepath.Dir(out[i]), 0o700); err != nil {
			g.t.Fatal(err)
		}
		if err := os.WriteFile(out[i], slices.Concat(head.Bytes(), d), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	return out
}

// spoil makes a shard useless, each time in another way.
func (g *grid) spoil(file string, index int) {
	g.t.Helper()
	path := g.shards[file][index]
	data, err := os.ReadFile(path)
	if err != nil {
		g.t.Fatal(err)
	}
	switch (index + len(data)) % 4 {
	case 0:
		err = os.Remove(path)
	case 1:
		data[len(data)-1] ^= 1
		err = os.WriteFile(path, data, 0o600)
	case 2:
		data[20] ^= 1
		err = os.WriteFile(path, data, 0o600)
	case 3:
		err = os.WriteFile(path, data[:len(data)-2], 0o600)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// spoilAll takes as many shards from every object as its code can miss.
func (g *grid) spoilAll() {
	g.t.Helper()
	picks := rand.New(rand.NewPCG(1, 2))
	for _, file := range slices.Sorted(maps.Keys(g.shards)) {
		n, k := len(g.shards[file]), g.k[file]
		for _, i := range picks.Perm(n)[:n-k] {
			g.spoil(file, i)
		}
	}
}

// run gives the script the members' folders; out is a folder under the grid's.
func (g *grid) run(out string) (string, error) {
	g.t.Helper()
	members, err := filepath.Glob(filepath.Join(g.dir, "member*"))
	if err != nil {
		g.t.Fatal(err)
	}
	args := append([]string{"-B", script, g.identity, filepath.Join(g.dir, out)}, members...)
	said, err := exec.CommandContext(g.t.Context(), "python3", args...).CombinedOutput()
	return string(said), err
}

// wants compares a recovered repository byte for byte.
func (g *grid) wants(out string, but ...string) {
	g.t.Helper()
	left := maps.Clone(g.files)
	root := os.DirFS(filepath.Join(g.dir, out, "files"))
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if want, ok := left[name]; !ok || !bytes.Equal(data, want) {
			g.t.Errorf("%s differs", name)
		}
		delete(left, name)
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(left)); !slices.Equal(got, but) {
		g.t.Errorf("not recovered: %v, want %v", got, but)
	}
}

// The promise of the whole vault: with members' files, the age command and a page
// of Python, everything comes back, any N-K shards missing or spoiled.
func TestRecoverWithStockToolsOnly(t *testing.T) {
	g := newGrid(t)
	g.add("config", Code{1, 5}, 155)
	g.add("keys", Code{1, 5}, 460)
	g.add("snapshots", Code{1, 3}, 270)
	g.add("index", Code{1, 3}, 70_001)
	for _, code := range []Code{{1, 2}, {2, 4}, {3, 5}, {4, 6}, {6, 9}} {
		for _, n := range []int{1, 100, 300_007} {
			g.add("data", code, n)
		}
	}
	g.spoilAll()
	g.rubbish()
	if said, err := g.run("out"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	g.wants("out")
	// One shard more and the file is named as lost; all others come.
	lost := g.add("data", Code{2, 4}, 999)
	for i := range 3 {
		g.spoil(lost, i)
	}
	said, err := g.run("again")
	if err == nil || !strings.Contains(said, filepath.Base(lost)) || !strings.Contains(said, "1 lost") {
		t.Errorf("%v\n%s", err, said)
	}
	g.wants("again", lost)
}

// rubbish is what else lies in such folders, and what a member could forge.
func (g *grid) rubbish() {
	g.t.Helper()
	for name, text := range map[string]string{
		"empty": "", "text": "hello\n", "magic": Magic, "json": Magic + "[]\nsig 00\n", "minus": Magic + `{"k":0}` + "\nsig 00\n",
	} {
		if err := os.WriteFile(filepath.Join(g.dir, "member0", name), []byte(text), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	for _, label := range []string{
		`{"repo":"../../escape","type":"config","name":""}`,
		`{"repo":"files","type":"data","name":"../../../escape"}`,
		`{"repo":"files","type":"../escape","name":"x"}`,
		`{"repo":"files","type":"meta","name":"catalogue"}`,
		`{"repo":1,"type":"config"}`, `[]`, `not JSON`,
	} {
		g.spread(Code{1, 1}, g.seal([]byte("forged "+label)), g.seal([]byte(label)))
	}
	g.spread(Code{1, 1}, g.seal([]byte("no label")), []byte("not an age file"))
}

// What the script writes is a repository for restic itself.
func TestResticReadsWhatWasRecovered(t *testing.T) {
	g := newGrid(t)
	repo, source := filepath.Join(g.dir, "repo"), filepath.Join(g.dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, 3<<20)
	if _, err := io.ReadFull(g.random, content); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(source, "film"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	restic(t, repo, "init")
	restic(t, repo, "backup", source)
	err := fs.WalkDir(os.DirFS(repo), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(repo, name))
		kind, _, _ := strings.Cut(name, "/")
		code := Code{1, 3}
		if kind == "data" {
			code = Code{4, 6}
		}
		if got := g.addFile(kind, code, data); got != name {
			t.Errorf("%s became %s", name, got)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	g.spoilAll()
	if said, err := g.run("out"); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	back := filepath.Join(g.dir, "out", "files")
	restic(t, back, "check", "--read-data")
	if got := restic(t, back, "dump", "latest", filepath.Join(source, "film")); !bytes.Equal(got, content) {
		t.Errorf("restic dumped %d bytes that differ", len(got))
	}
}

// restic runs the restic in PATH; a machine without it fails the test.
func restic(t *testing.T, repo string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "restic", append([]string{"--no-cache", "-q", "-r", repo}, args...)...)
	cmd.Env = append(os.Environ(), "RESTIC_PASSWORD=test")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("restic %s (apt-get install restic): %v\n%s", args[0], err, errs.String())
	}
	return out
}

func TestTheScriptStaysShort(t *testing.T) {
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); lines > 150 {
		t.Errorf("recover.py has %d lines; it is short so that it can be read when it matters", lines)
	}
}
