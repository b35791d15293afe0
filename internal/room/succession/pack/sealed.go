package pack

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
)

// Bounds of a sealed file.
const (
	maxFiles = 10_000
	maxPath  = 200 // bytes
	// MaxPlain bounds the tar: the sealed file without what age adds.
	MaxPlain = MaxSealed - 1<<20
)

// PeopleName is where the people stand in the sealed file.
const PeopleName = "users/people.json"

// Files are the files of a pack by their names, "ITEM/...".
type Files map[string][]byte

// Contents is what a sealed file holds.
type Contents struct {
	People []Person
	Shares []Share
	Files  Files // all of them, people and shares too
}

// ValidName says whether a file of a sealed file may have this name.
func ValidName(name string) bool {
	item, rest, ok := strings.Cut(name, "/")
	return ok && rest != "" && len(name) <= maxPath && fs.ValidPath(name) && plain(name, maxPath) && !strings.Contains(name, `\`) &&
		slices.Contains(Names(), Name(item))
}

// tarOf writes files as one tar: the same files are the same bytes. Returns CodeFull
// "succession.pack.too_large", CodeInvalid.
func tarOf(files Files) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if len(files) > maxFiles {
		return nil, TooLarge(fmt.Errorf("%d files", len(files)))
	}
	if err := files.apart(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !ValidName(name) {
			return nil, bad(fmt.Errorf("the name %.80q", name))
		}
		if out.Len()+len(files[name]) > MaxPlain {
			return nil, TooLarge(errors.New("too many bytes"))
		}
		head := tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
		if err := w.WriteHeader(&head); err != nil {
			return nil, fmt.Errorf("write the tar: %w", err)
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, fmt.Errorf("write the tar: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("write the tar: %w", err)
	}
	return out.Bytes(), nil
}

// TooLarge is the error for what does not fit into a pack.
func TooLarge(err error) error {
	return core.Full("succession.pack.too_large", err).With("Max", core.Size(MaxSealed))
}

// Seal writes files as a sealed file for a recipient ("age1..."). Returns CodeFull
// "succession.pack.too_large", CodeInvalid.
func Seal(files Files, recipient string) ([]byte, error) {
	plain, err := tarOf(files)
	if err != nil {
		return nil, err
	}
	return encrypt(plain, recipient)
}

// encrypt seals a tar to a recipient.
func encrypt(plain []byte, recipient string) ([]byte, error) {
	to, err := age.ParseX25519Recipient(recipient)
	if err != nil {
		return nil, bad(errors.New("no recipient"))
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal a pack: %w", err)
	}
	return out.Bytes(), nil
}

// Open reads a sealed file, strictly: regular files below the items' folders and nothing else,
// each once, within the bounds. Returns CodeInvalid "succession.pack.closed" for what the
// identity does not open, "succession.pack.bad" for what is no pack.
func Open(sealed io.Reader, identity *age.X25519Identity) (c Contents, err error) {
	r, err := age.Decrypt(io.LimitReader(sealed, MaxSealed), identity)
	if err != nil {
		return c, core.Invalid("succession.pack.closed", err)
	}
	if c.Files, err = readTar(r); err != nil {
		return c, err
	}
	if text, ok := c.Files[PeopleName]; ok {
		if c.People, err = readPeople(text); err != nil {
			return c, err
		}
	}
	if text, ok := c.Files[LayoutName]; ok {
		c.Shares, err = readLayout(text)
	}
	return c, err
}

// WriteTo writes the files into a folder that is not there yet. Returns CodeConflict
// "succession.pack.folder_there".
func (f Files) WriteTo(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return core.Conflict("succession.pack.folder_there", err).With("Dir", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close() //nolint:errcheck // its files are closed
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
			return err
		}
		if err := root.WriteFile(name, f[name], 0o600); err != nil {
			return err
		}
	}
	return nil
}

// readTar reads what tarOf wrote. Several programs read tars in several ways: what is not read
// here in one way only is refused.
func readTar(r io.Reader) (Files, error) {
	in := tar.NewReader(io.LimitReader(r, MaxSealed))
	files, total := Files{}, int64(0)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, files.apart()
		}
		if err != nil {
			return nil, bad(err)
		}
		_, twice := files[head.Name]
		total += head.Size
		switch {
		case head.Typeflag != tar.TypeReg || !ValidName(head.Name) || twice:
			return nil, bad(fmt.Errorf("the file %.80q", head.Name))
		case head.Size < 0 || total > MaxSealed || len(files) == maxFiles:
			return nil, bad(errors.New("too much in it"))
		}
		text, err := io.ReadAll(io.LimitReader(in, head.Size+1))
		if err != nil || int64(len(text)) != head.Size {
			return nil, bad(fmt.Errorf("the file %.80q is not whole: %w", head.Name, err))
		}
		files[head.Name] = text
	}
}

// apart refuses a file that is another one's folder: no disk holds both.
func (f Files) apart() error {
	for name := range f {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, there := f[dir]; there {
				return bad(fmt.Errorf("%.80q is a file and a folder", dir))
			}
		}
	}
	return nil
}

// Sums are the hash and the size of an item's files, see Item.SHA256.
func (f Files) Sums(item Name) (sum string, size int64) {
	all := sha256.New()
	none := true
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if !strings.HasPrefix(name, string(item)+"/") {
			continue
		}
		one := sha256.Sum256(f[name])
		_, _ = fmt.Fprintf(all, "%x  %s\n", one, name) // a hash takes everything
		size += int64(len(f[name]))
		none = false
	}
	if none {
		return "", 0
	}
	return hex.EncodeToString(all.Sum(nil)), size
}
