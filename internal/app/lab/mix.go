package lab

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// WriteMix fills dir with about total bytes of what a hoster's disk holds:
// mail-sized text files, a database dump, logs, photos that do not compress and
// copies of some of them. The same seed gives the same bytes.
func WriteMix(dir string, total int64, seed uint64) error {
	m := mix{dir: dir, rng: rand.New(rand.NewPCG(seed, 1)), words: strings.Fields(phrases)} //nolint:gosec // test data wants to be repeatable
	m.media(total / 2)
	m.text("db/dump.sql", total/5)
	m.text("log/access.log", total/20)
	m.mail(total - m.written)
	m.odd()
	return m.err
}

// media writes photos until there are so many bytes, some of them twice.
func (m *mix) media(total int64) {
	for n, end := int64(0), m.written+total; m.err == nil && m.written < end; n++ {
		name := fmt.Sprintf("photos/%03d/img-%05d.jpg", n%20, n)
		m.photo(name)
		if n%7 == 3 {
			m.copyOf(name, fmt.Sprintf("cloud/shared/copy-%05d.jpg", n))
		}
	}
}

// mail writes small texts until there are so many bytes.
func (m *mix) mail(total int64) {
	for n, end := int64(0), m.written+total; m.err == nil && m.written < end; n++ {
		m.text(fmt.Sprintf("mail/%02x/%06d.eml", n%256, n), 800+m.rng.Int64N(12000))
	}
}

type mix struct {
	dir     string
	rng     *rand.Rand
	words   []string
	written int64
	err     error
}

func (m *mix) create(name string, size int64, fill func(io.Writer, int64) error) {
	if m.err != nil {
		return
	}
	path := filepath.Join(m.dir, filepath.FromSlash(name))
	if m.err = os.MkdirAll(filepath.Dir(path), 0o750); m.err != nil {
		return
	}
	f, err := os.Create(path)
	if err != nil {
		m.err = err
		return
	}
	out := bufio.NewWriterSize(f, 1<<18)
	if m.err = fill(out, size); m.err == nil {
		m.err = out.Flush()
	}
	if err := f.Close(); m.err == nil {
		m.err = err
	}
	m.written += size
}

// photo is noise: media does not compress.
func (m *mix) photo(name string) {
	size := 200_000 + m.rng.Int64N(3_000_000)
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], m.rng.Uint64())
	noise := rand.NewChaCha8(seed)
	m.create(name, size, func(w io.Writer, n int64) error {
		_, err := io.CopyN(w, noise, n)
		return err
	})
}

// phrases are what text files are made of.
const phrases = "bonjour le serveur sera arrêté demain matin pour entretien merci de votre patience " +
	"INSERT INTO messages VALUES select from where GET /index.html HTTP/1.1 200 restoration sauvegarde voisine"

func (m *mix) text(name string, size int64) {
	m.create(name, size, func(w io.Writer, left int64) error {
		for left > 0 {
			line := fmt.Sprintf("%08x %s %s %s %d\n", m.rng.Uint32(), m.phrase(), m.phrase(), m.phrase(), m.rng.IntN(1000))
			if int64(len(line)) > left {
				line = line[:left]
			}
			n, err := io.WriteString(w, line)
			if err != nil {
				return err
			}
			left -= int64(n)
		}
		return nil
	})
}

func (m *mix) phrase() string { return m.words[m.rng.IntN(len(m.words))] }

func (m *mix) copyOf(from, to string) {
	if m.err != nil {
		return
	}
	in, err := os.Open(filepath.Join(m.dir, filepath.FromSlash(from)))
	if err != nil {
		m.err = err
		return
	}
	defer in.Close() //nolint:errcheck // only read
	info, err := in.Stat()
	if err != nil {
		m.err = err
		return
	}
	m.create(to, info.Size(), func(w io.Writer, _ int64) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// odd adds what restores get wrong: an empty file, a link, a name with spaces
// and accents, and a file only its owner may read.
func (m *mix) odd() {
	m.create("odd/vide", 0, func(io.Writer, int64) error { return nil })
	m.text("odd/été à la mer.txt", 2000)
	m.text("odd/secret.key", 64)
	if m.err == nil {
		m.err = os.Chmod(filepath.Join(m.dir, "odd", "secret.key"), 0o600)
	}
	if m.err == nil {
		m.err = os.Symlink("été à la mer.txt", filepath.Join(m.dir, "odd", "lien"))
	}
}

// CopyTree copies regular files and links of a tree, leaving out what skip
// names; the demo backs up a copy so that a build running beside it cannot
// change what is compared later.
func CopyTree(from, to string, skip func(rel string, d fs.DirEntry) bool) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if skip(rel, d) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		return copyOne(path, filepath.Join(to, rel), d)
	})
}

func copyOne(path, dest string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		return os.MkdirAll(dest, 0o750)
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(target, dest)
	case !d.Type().IsRegular():
		return nil
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	return os.WriteFile(dest, body, info.Mode().Perm()) //nolint:gosec // a copy inside the demo's own folder
}

// Tree is what Compare looks at: one line per path with kind, permissions, size
// and SHA-256 of the content.
type Tree map[string]string

// ReadTree takes the fingerprint of a tree.
func ReadTree(root string) (Tree, error) {
	tree := Tree{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		tree[rel], err = fingerprint(path, d)
		return err
	})
	return tree, err
}

func fingerprint(path string, d fs.DirEntry) (string, error) {
	info, err := d.Info()
	if err != nil {
		return "", err
	}
	switch {
	case d.IsDir():
		return "dir " + info.Mode().Perm().String(), nil
	case d.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		return "link " + target, err
	case !d.Type().IsRegular():
		return "other " + info.Mode().String(), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("file %s %d %x", info.Mode().Perm(), info.Size(), sum.Sum(nil)), nil
}

// Differences lists at most ten paths on which two trees differ; none means
// they are equal byte for byte.
func (t Tree) Differences(other Tree) []string {
	var out []string
	note := func(line string) {
		if len(out) < 10 {
			out = append(out, line)
		}
	}
	for path, want := range t {
		if got, ok := other[path]; !ok {
			note("missing: " + path)
		} else if got != want {
			note("differs: " + path + " (" + want + " became " + got + ")")
		}
	}
	for path := range other {
		if _, ok := t[path]; !ok {
			note("appeared: " + path)
		}
	}
	return out
}

// WriteTree fills dir with about files files and total bytes: nearly all files
// small, as mail and source trees are, and most bytes text.
func WriteTree(dir string, files int, total int64, seed uint64) error {
	m := mix{dir: dir, rng: rand.New(rand.NewPCG(seed, 2)), words: strings.Fields(phrases)} //nolint:gosec // test data wants to be repeatable
	// The shares of the tree the design was measured with: media 15 %, two large
	// texts, and the rest in small files.
	m.media(total * 15 / 100)
	m.text("db/dump.sql", total*35/100)
	m.text("log/access.log", total*20/100)
	mean := (total - m.written) / int64(files)
	for n := range files {
		m.text(fmt.Sprintf("mail/%02x/%06d.eml", n%256, n), mean/2+m.rng.Int64N(mean))
	}
	m.odd()
	return m.err
}
