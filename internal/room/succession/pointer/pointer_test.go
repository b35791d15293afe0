package pointer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/promise"
)

const owner, heir core.MemberID = "chaton-a.test", "chaton-b.test"

// node is one of two hosters: trust, logbook, vault, custody and wire of its service.
type node struct {
	id      core.MemberID
	key     *age.X25519Identity
	other   *node
	service *Service
	opened  []byte // what the vault was asked to open
	older   int64
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	e := logbook.Entry{Log: n.id, Index: 1, Typ: typ, Iat: 5, Body: text}
	return e, errors.Join(err, n.other.service.n.Promises.Readers()[0].Read(context.Background(), e))
}

func (n *node) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return []core.Lender{{ID: n.other.id}}, nil
}

func (n *node) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func (n *node) Pointer(_ context.Context, backup string) ([]byte, error) {
	return wire.Encode(map[string]any{"v": 1, "owner": string(n.id), "backup": backup, "secret": "word"})
}

func (n *node) Older(context.Context, string) (int64, error) { return n.older, nil }

func (n *node) Inherit(_ context.Context, text []byte, dir string, say func(files, bytes int64)) (string, error) {
	n.opened = text
	say(1, 2)
	return "the password", os.MkdirAll(dir, 0o700)
}

func (n *node) SealTo(_ context.Context, to core.MemberID, text []byte) ([]byte, error) {
	if to != n.other.id {
		return nil, core.NotFound("custody.recipient.none", errors.New("unknown"))
	}
	sealed, err := age.EncryptReader(bytes.NewReader(text), n.other.key.Recipient())
	if err != nil {
		return nil, err
	}
	return io.ReadAll(sealed)
}

func (n *node) OpenSealed(sealed []byte) ([]byte, error) {
	text, err := age.Decrypt(bytes.NewReader(sealed), n.key)
	if err != nil {
		return nil, core.Denied("custody.recipient.not_ours", err)
	}
	return io.ReadAll(text)
}

// JSON is the wire: to the other's handler.
func (n *node) JSON(ctx context.Context, _ core.MemberID, method, to string, in, _ any) error {
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(text))
	if err != nil {
		return err
	}
	return n.other.service.Routes()[0].Handle(discard{}, r, n.id)
}

type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func newNode(t *testing.T, d *db.DB, id core.MemberID) *node {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{id: id, key: key}
	n.service = New(Needs{
		DB: d, Self: id, Peer: n, Now: func() time.Time { return time.UnixMicro(9) },
		Promises: promise.New(promise.Needs{DB: d, Self: id, Kind: "succeed", Book: n, Trust: n, Now: time.Now}),
		Vault:    func() (Vault, bool) { return n, true }, Letters: func() (Letters, bool) { return n, true },
	})
	return n
}

// An owner gives a pointer to a successor, which keeps it sealed and opens the backup with it.
func TestAPointerIsGiven(t *testing.T) {
	dbtest.Each(t, "succession", migrations.Files, func(t *testing.T, d *db.DB) {
		// Two members in one database: what each heard of the other's namings is the same.
		a, b := newNode(t, d, owner), newNode(t, d, heir)
		a.other, b.other = b, a
		ctx := t.Context()
		m, err := a.service.Make(ctx, "wiki")
		if err != nil {
			t.Fatal(err)
		}
		if err := a.service.Send(ctx, m, "wiki", heir); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("to nobody's successor: %v", err)
		}
		if err := a.service.n.Promises.Name(ctx, promise.Naming{Service: "wiki", Backups: []string{"wiki"}, Successors: []core.MemberID{heir}}); err != nil {
			t.Fatal(err)
		}
		if err := a.service.Send(ctx, m, "mail", heir); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("another backup: %v", err)
		}
		for range 2 { // a pointer may be sent again
			if err := a.service.Send(ctx, m, "wiki", heir); err != nil {
				t.Fatal(err)
			}
		}
		sealed, err := a.service.Seal(ctx, m, heir)
		if err != nil {
			t.Fatal(err)
		}
		for what, in := range map[string]letter{"other backup": {"mail", sealed}, "changed": {"wiki", append(sealed, 1)}, "nothing": {}} {
			if err := b.service.take(ctx, owner, in); err == nil {
				t.Errorf("%s was taken", what)
			}
		}
		if err := b.service.take(ctx, "chaton-c.test", letter{"wiki", sealed}); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("a stranger gives: %v", err)
		}
		given, err := b.service.Given(ctx)
		if err != nil || len(given) != 1 || given[0].Owner != owner || given[0].Backup != "wiki" || bytes.Contains(given[0].sealed, []byte("word")) {
			t.Fatalf("%+v, %v", given, err)
		}
		dir := filepath.Join(t.TempDir(), "repo")
		file, err := b.service.Inherit(ctx, "chaton-a.test/wiki", dir, func(int64, int64) {})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(file); err != nil || string(text) != "the password\n" || !bytes.Equal(b.opened, m.text) {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := b.service.Inherit(ctx, "chaton-a.test/mail", dir, nil); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%v", err)
		}
	})
}

// A pointer in a file is read plain or sealed to us; what is sealed to another stays shut.
func TestAPointerInAFile(t *testing.T) {
	a, b := newNode(t, nil, owner), newNode(t, nil, heir)
	a.other, b.other = b, a
	m, err := a.service.Make(t.Context(), "wiki")
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := a.service.Seal(t.Context(), m, heir)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"plain": m.text, "sealed": sealed} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := b.service.Read(t.Context(), path); err != nil || !bytes.Equal(got, m.text) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := a.service.Read(t.Context(), filepath.Join(dir, "sealed")); core.CodeOf(err) != core.CodeDenied {
		t.Errorf("the owner opens what it sealed to another: %v", err)
	}
	if _, err := b.service.Read(t.Context(), filepath.Join(dir, "none")); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
}
