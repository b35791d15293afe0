package pack

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/succession/promise"
)

// Peer calls other members; peer.Client is one.
type Peer interface {
	JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
	Do(ctx context.Context, to core.MemberID, r peer.Request) (*http.Response, error)
}

// Keys are those a member signs with now.
type Keys interface {
	Keys(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
}

// Needs is what packs are made of; all of it is required.
type Needs struct {
	DB       *db.DB
	Dir      string // of what is sealed
	Signer   seal.Signer
	Promises *promise.Promises
	Keys     Keys
	Peer     Peer
	Now      func() time.Time
	Log      *slog.Logger
}

// Service keeps packs. Safe for concurrent use.
type Service struct {
	n    Needs
	disk *blob.Dir
}

// floor is what packs leave free of the disk.
const floor = 1 << 30

// New makes it; the folder is made when something is put there.
func New(n Needs) *Service {
	return &Service{n, blob.OpenMarked(n.Dir, blob.Mark{}).WithFloor(floor)}
}

func (s *Service) now() core.Moment { return core.At(s.n.Now()) }

func (s *Service) self() core.MemberID { return s.n.Signer.ID() }

// blobName is where the sealed file of a pack lies: an id is of one owner, service and number.
func blobName(p Pack) string { return p.Owner.Hash() + "/" + p.ID + ".age" }

// sealedPath is blobName for who opens it without a blob.Dir.
func (s *Service) sealedPath(p Pack) string {
	return filepath.Join(s.n.Dir, filepath.FromSlash(blobName(p)))
}

// Held is the newest pack of an owner's service that is here whole, and where its sealed file
// lies: see Open. One that a key signed which the owner gave up, as stolen, comes after all others:
// its people may be the thief's. Returns CodeNotFound "succession.pack.none".
func (s *Service) Held(ctx context.Context, owner core.MemberID, service string) (Pack, string, error) {
	all, err := packsOf(ctx, s.n.DB, owner, service)
	if err != nil {
		return Pack{}, "", err
	}
	all = slices.DeleteFunc(all, func(r row) bool { return r.kept == 0 })
	for _, r := range all {
		if good, err := s.good(ctx, r.Pack); err != nil {
			return Pack{}, "", err
		} else if good {
			return r.Pack, s.sealedPath(r.Pack), nil
		}
	}
	if len(all) > 0 { // the owner was not heard since it changed its key
		return all[0].Pack, s.sealedPath(all[0].Pack), nil
	}
	return Pack{}, "", core.NotFound("succession.pack.none", errors.New("no pack")).With("Service", service).With("Member", string(owner))
}

// Restored signs that we restored an owner's service, and tells the owner in time. Of r, who
// calls says Owner, Service, Snapshot, Bytes, Files, TookS, Counts, and LagS where a copy runs.
// Returns CodeNotFound while no pack of it is here, CodeDenied "succession.pack.not_named" where
// nobody named us, CodeInvalid.
func (s *Service) Restored(ctx context.Context, r Restored) (Restored, error) {
	p, _, err := s.Held(ctx, r.Owner, r.Service)
	if err != nil {
		return r, err
	}
	if err := s.named(ctx, r.Owner, r.Service); err != nil {
		return r, err
	}
	r.Pack, r.At = p.ID, s.now()
	if r, err = signRestored(r, s.n.Signer); err != nil {
		return r, err
	}
	return r, putRestore(ctx, s.n.DB, restore{Restored: r})
}

// named says whether an owner names us for a service and we promise it.
func (s *Service) named(ctx context.Context, owner core.MemberID, service string) error {
	ours, err := s.n.Promises.Ours(ctx)
	if err != nil {
		return err
	}
	for _, one := range ours {
		if one.Owner == owner && one.Service == service {
			return nil
		}
	}
	return core.Denied("succession.pack.not_named", errors.New("not named")).With("Service", service).With("Member", string(owner))
}

// keep is how many packs of a service stay.
const keep = 3

// Put keeps a pack of ours that Sign made, and its sealed file. content is the hash of what says
// whether a later one differs, see Last.
func (s *Service) Put(ctx context.Context, p Pack, content string, sealed []byte) error {
	if _, err := s.disk.Put(ctx, blobName(p), bytes.NewReader(sealed)); err != nil && core.CodeOf(err) != core.CodeConflict {
		return err
	}
	if err := putPack(ctx, s.n.DB, row{p, content, s.now()}); err != nil {
		return err
	}
	return s.trim(ctx, p.Owner, p.Service)
}

// Last is our newest pack of a service with the content it was put with, empty where a key signed
// it that we gave up: it has to be made anew. whole says whether its sealed file is here. The zero
// pack where there is none.
func (s *Service) Last(ctx context.Context, service string) (p Pack, content string, whole bool, err error) {
	all, err := packsOf(ctx, s.n.DB, s.self(), service)
	if err != nil || len(all) == 0 {
		return p, "", false, err
	}
	good, err := s.good(ctx, all[0].Pack)
	if !good {
		all[0].content = ""
	}
	return all[0].Pack, all[0].content, all[0].kept != 0, err
}

// Own are our newest packs, by service.
func (s *Service) Own(ctx context.Context) (out []Pack, err error) {
	rows, err := newest(ctx, s.n.DB, s.self())
	for _, r := range rows {
		out = append(out, r.Pack)
	}
	return out, err
}

// Restores are those of a service that its successors signed, the newest of each.
func (s *Service) Restores(ctx context.Context, owner core.MemberID, service string) (out []Restored, err error) {
	all, err := restoresOf(ctx, s.n.DB, owner, service)
	for _, r := range all {
		out = append(out, r.Restored)
	}
	return out, err
}

// trim leaves the last packs of a service that are whole, and what is newer than those.
func (s *Service) trim(ctx context.Context, owner core.MemberID, service string) error {
	all, err := packsOf(ctx, s.n.DB, owner, service)
	if err != nil {
		return err
	}
	whole := 0
	for _, r := range all {
		if whole == keep {
			if err := s.drop(ctx, r.Pack); err != nil {
				return err
			}
		} else if r.kept != 0 {
			whole++
		}
	}
	return nil
}

// drop forgets a pack: its row first, so that no row says that a file is here which is not.
func (s *Service) drop(ctx context.Context, p Pack) error {
	if err := s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return dropPack(ctx, q, p) }); err != nil {
		return err
	}
	if err := s.disk.Remove(blobName(p)); err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return nil
}
