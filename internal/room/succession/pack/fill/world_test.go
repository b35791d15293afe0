package fill

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/succession/migrations"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/promise"
)

const (
	owner core.MemberID = "chaton-a.test"
	b     core.MemberID = "chaton-b.test"
)

// node is a hoster that fills packs.
type node struct {
	*Filler
	t        testing.TB
	clock    time.Time
	rooms    *rooms
	dir      string
	promises *promise.Promises
	packs    *pack.Service
	index    int64
}

func (n *node) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	text, err := wire.Encode(body)
	n.index++
	return logbook.Entry{Log: owner, Index: n.index, Typ: typ, Iat: core.At(n.clock), Body: text}, err
}

func (n *node) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return []core.Lender{{ID: b}}, nil
}

func (n *node) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{}, nil
}

func (n *node) ok(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// rooms are what the others of a node answer.
type rooms struct {
	identity *age.X25519Identity
	saved    core.Moment
	ends     core.Moment // of the domain; 0 = the registry does not answer
	drilled  core.Moment
	version  string
	people   []string
	answers  bool
}

func (r *rooms) Recipient(context.Context, string) (string, error) {
	return r.identity.Recipient().String(), nil
}

func (r *rooms) Saved(context.Context, string) (int64, core.Moment, error) {
	return 1 << 30, r.saved, nil
}

func (r *rooms) EachService(_ context.Context, fn func(name, title, program, version, website, terms string) error) error {
	return fn("mail", "Courriel", "dovecot", "", "https://mail.chaton-a.test/", "https://chaton-a.test/cgu")
}

func (r *rooms) EachTarget(_ context.Context, fn func(service, address string) error) error {
	return fn("Courriel", "https://mail.chaton-a.test/status")
}

func (r *rooms) EachProgram(_ context.Context, fn func(service, program, version string) error) error {
	if r.version == "" {
		return nil
	}
	return fn("Courriel", "dovecot", r.version)
}

func (r *rooms) EachPerson(_ context.Context, fn func(id, handle, mail, lang, choice string) error) error {
	for _, handle := range r.people {
		if err := fn("id-"+handle, handle, handle+"@elsewhere.test", "fr", "handover"); err != nil {
			return err
		}
	}
	return nil
}

func (r *rooms) AccountsPack(_ context.Context, to core.MemberID) ([]byte, error) {
	return []byte("left to " + to), nil
}

func (r *rooms) Drilled(context.Context, string) (core.Moment, time.Duration, error) {
	return r.drilled, 2 * time.Hour, nil
}

func (r *rooms) Expiry(context.Context, string) (core.Moment, error) {
	if r.ends == 0 {
		return 0, core.Unsure("custody.ability.rdap_silent", nil)
	}
	return r.ends, nil
}

// newNode is an owner that names b for its mail.
func newNode(t testing.TB, d *db.DB) *node {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	clock := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	n := &node{t: t, clock: clock, dir: t.TempDir(), rooms: &rooms{identity: identity, saved: core.At(clock), ends: core.At(clock.Add(4000 * day)), drilled: core.At(clock), version: "2.3.19", people: []string{"bo", "ana"}, answers: true}}
	seed := sha256.Sum256([]byte(owner))
	signer := seal.NewSigner(owner, ed25519.NewKeyFromSeed(seed[:]))
	now, log := func() time.Time { return n.clock }, slog.New(slog.DiscardHandler)
	n.promises = promise.New(promise.Needs{DB: d, Self: owner, Kind: "succeed", Book: n, Trust: n, Now: now})
	n.packs = pack.New(pack.Needs{DB: d, Dir: filepath.Join(n.dir, "_sealed"), Signer: signer, Promises: n.promises, Keys: ownKey{signer}, Now: now, Log: log})
	n.Filler = New(Needs{
		DB: d, Dir: n.dir, Secrets: t.TempDir(), Lang: "en", Signer: signer, Promises: n.promises, Packs: n.packs,
		Rooms: func() []any { return []any{n.rooms} }, Now: now, Log: log,
		Fetch: func(context.Context, string, int64) ([]byte, http.Header, error) {
			if !n.rooms.answers {
				return nil, nil, core.Unsure("peer.unreachable", nil)
			}
			return nil, nil, nil
		},
	})
	n.ok(n.promises.Name(t.Context(), promise.Naming{Service: "mail", Backups: []string{"mail"}, Successors: []core.MemberID{b}}))
	return n
}

// fill writes what a person would: every mark is replaced.
func (n *node) fill(service string) {
	n.t.Helper()
	dir := n.folderOf(service)
	entries, err := os.ReadDir(dir)
	n.ok(err)
	for _, e := range entries {
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := os.ReadFile(path)
		n.ok(err)
		text = bytes.ReplaceAll(text, []byte(unfilled), []byte("as agreed"))
		text = bytes.ReplaceAll(text, []byte("none = false"), []byte("none = true"))
		text = bytes.ReplaceAll(text, []byte("[runbook]\nname = \"\""), []byte("[runbook]\nname = \"mail\""))
		n.ok(os.WriteFile(path, text, 0o600))
	}
	n.ok(os.WriteFile(filepath.Join(dir, "config", "packages.txt"), []byte("dovecot-imapd 1:2.3.19\n"), 0o600))
}

// filled is a whole pack of the service mail.
func (n *node) filled() pack.View {
	n.t.Helper()
	ctx := n.t.Context()
	_, _, err := n.Create(ctx, "mail")
	n.ok(err)
	n.fill("mail")
	v, err := n.Check(ctx, "mail", []Seen{{Item: pack.Data, Took: 3 * time.Hour}})
	n.ok(err)
	return v
}

func each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	dbtest.Each(t, "succession", migrations.Files, fn)
}

// ownKey knows our own key and nobody else's.
type ownKey struct{ signer seal.Signer }

func (k ownKey) Keys(_ context.Context, id core.MemberID) ([]ed25519.PublicKey, error) {
	if id != k.signer.ID() {
		return nil, nil
	}
	return []ed25519.PublicKey{k.signer.Public()}, nil
}
