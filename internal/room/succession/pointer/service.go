package pointer

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/promise"
)

// Bounds, in bytes.
const (
	maxPointer = 16 << 10
	maxLetter  = 20 << 10 // sealed
)

// Vault makes pointers and reads with them.
type Vault interface {
	// Pointer is the secret that opens one backup of ours. Returns CodeNotFound.
	Pointer(ctx context.Context, backup string) ([]byte, error)
	// Older counts the files of a backup that its pointer does not open.
	Older(ctx context.Context, backup string) (int64, error)
	// Inherit writes another's backup into a folder as a plain restic repository, and answers
	// restic's password. Run again it goes on.
	Inherit(ctx context.Context, pointer []byte, dir string, say func(files, bytes int64)) (password string, err error)
}

// Letters seal to members' nodes, and open what was sealed to ours.
type Letters interface {
	SealTo(ctx context.Context, to core.MemberID, text []byte) ([]byte, error)
	OpenSealed(sealed []byte) ([]byte, error)
}

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
}

// Needs is what the folder is wired with; all of it is required.
type Needs struct {
	DB       *db.DB
	Self     core.MemberID
	Promises *promise.Promises
	Vault    func() (Vault, bool)   // false while no room answers
	Letters  func() (Letters, bool) // the same
	Peer     Peer
	Now      func() time.Time
}

// Service gives and keeps pointers. Safe for concurrent use.
type Service struct{ n Needs }

// New makes it.
func New(n Needs) *Service { return &Service{n} }

func away(what string) error {
	return core.Unsure("succession.pointer.room_away", errors.New("no room answers")).With("What", what)
}

func (s *Service) vault() (Vault, error) {
	v, ok := s.n.Vault()
	if !ok {
		return nil, away("vault")
	}
	return v, nil
}

func (s *Service) letters() (Letters, error) {
	l, ok := s.n.Letters()
	if !ok {
		return nil, away("custody")
	}
	return l, nil
}

// Made is a pointer that leaves us, for the person who gives it.
type Made struct {
	text  []byte
	Older int64 // files that it does not open
}

// Make makes the pointer to a backup of ours. Returns what the vault does.
func (s *Service) Make(ctx context.Context, backup string) (m Made, err error) {
	v, err := s.vault()
	if err != nil {
		return m, err
	}
	if m.Older, err = v.Older(ctx, backup); err != nil {
		return m, err
	}
	m.text, err = v.Pointer(ctx, backup)
	return m, err
}

// Seal seals a pointer to a member's node.
func (s *Service) Seal(ctx context.Context, m Made, to core.MemberID) ([]byte, error) {
	l, err := s.letters()
	if err != nil {
		return nil, err
	}
	return l.SealTo(ctx, to, m.text)
}

// Send gives a pointer to a successor's node, which keeps it sealed. Returns CodeDenied
// "succession.pointer.not_named" for a member that we did not name for this backup, and what Seal
// and the member do.
func (s *Service) Send(ctx context.Context, m Made, backup string, to core.MemberID) error {
	named, err := s.n.Promises.Of(ctx, s.n.Self)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(named, func(n promise.Successor) bool { return n.Member == to && slices.Contains(n.Backups, backup) }) {
		return core.Denied("succession.pointer.not_named", errors.New("no successor for it")).With("Member", string(to)).With("Name", backup)
	}
	sealed, err := s.Seal(ctx, m, to)
	if err != nil {
		return err
	}
	return s.n.Peer.JSON(ctx, to, http.MethodPost, path, letter{backup, sealed}, &struct{}{})
}

// take keeps a pointer that an owner gives us.
func (s *Service) take(ctx context.Context, from core.MemberID, in letter) error {
	ours, err := s.n.Promises.Ours(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ours, func(n promise.Successor) bool { return n.Owner == from && slices.Contains(n.Backups, in.Backup) }) {
		return core.Denied("succession.pointer.not_ours", errors.New("we are no successor for it")).With("Member", string(s.n.Self))
	}
	l, err := s.letters()
	if err != nil {
		return err
	}
	text, err := l.OpenSealed(in.Pointer)
	if err != nil {
		return err
	}
	var says struct {
		Owner  core.MemberID `json:"owner"`
		Backup string        `json:"backup"`
	}
	if len(text) > maxPointer || wire.Peek(text, &says) != nil || says.Owner != from || says.Backup != in.Backup {
		return core.Invalid("succession.pointer.other", errors.New("no pointer to this backup"))
	}
	return put(ctx, s.n.DB, Given{from, in.Backup, core.At(s.n.Now()), in.Pointer})
}

// Given lists what owners gave us.
func (s *Service) Given(ctx context.Context) ([]Given, error) { return all(ctx, s.n.DB) }

// Held is the pointer to a backup that its owner gave us, open: a secret. Returns CodeNotFound
// "succession.pointer.none", CodeDenied.
func (s *Service) Held(ctx context.Context, owner core.MemberID, backup string) ([]byte, error) {
	g, err := get(ctx, s.n.DB, owner, backup)
	if err != nil {
		return nil, err
	}
	l, err := s.letters()
	if err != nil {
		return nil, err
	}
	return l.OpenSealed(g.sealed)
}

// ageHead begins every age file.
const ageHead = "age-encryption.org/v1\n"

// Read finds a pointer by what a person typed: a file, sealed to us or not, or MEMBER/NAME for
// what was given to this node. Returns CodeNotFound "succession.pointer.no_file", what Held does.
func (s *Service) Read(ctx context.Context, typed string) ([]byte, error) {
	text, err := readFile(typed)
	if err != nil {
		owner, backup, two := strings.Cut(typed, "/")
		if id, bad := core.ParseMemberID(owner); two && bad == nil && errors.Is(err, os.ErrNotExist) {
			return s.Held(ctx, id, backup)
		}
		return nil, core.NotFound("succession.pointer.no_file", err).With("Path", typed)
	}
	if !bytes.HasPrefix(text, []byte(ageHead)) {
		return text, nil
	}
	l, err := s.letters()
	if err != nil {
		return nil, err
	}
	return l.OpenSealed(text)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return io.ReadAll(io.LimitReader(f, maxLetter+1))
}

// passwordSuffix ends the name of the file with restic's password, beside the repository.
const passwordSuffix = ".password"

// Inherit writes the backup of a pointer into a folder, and restic's password into a file beside
// it, which it answers. typed is a file, or OWNER/BACKUP. Returns what the vault does.
func (s *Service) Inherit(ctx context.Context, typed, dir string, say func(files, bytes int64)) (passwordFile string, err error) {
	v, err := s.vault()
	if err != nil {
		return "", err
	}
	text, err := s.Read(ctx, typed)
	if err != nil {
		return "", err
	}
	password, err := v.Inherit(ctx, text, dir, say)
	if err != nil {
		return "", err
	}
	path := filepath.Clean(dir) + passwordSuffix
	return path, seal.ReplaceSecret(path, []byte(password+"\n"))
}
