package key

import (
	"context"
	"crypto"
	_ "crypto/sha256" // crypto.SHA256
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/seal"
)

const (
	sha256 = crypto.SHA256
	// fresh is how long keys read from the file are used before it is looked at again: a
	// rotation by the command line reaches the running node within it.
	fresh = 2 * time.Second
	// maxKeys bounds the file: more is none of ours.
	maxKeys = 64
	// maxPublished bounds the keys of one kind: members read eight of a card, and the job may
	// add one.
	maxPublished = 6
)

// Set is the node's signing keys in a file of mode 0600. Safe for concurrent use, by several
// processes too.
type Set struct {
	path string
	now  func() time.Time

	mu     sync.Mutex
	ring   ring
	looked time.Time
	stamp  time.Time
	size   int64
}

// Open reads the keys, and makes the first one of each kind that is missing, which signs at
// once. Returns CodeDenied when others may read the file, CodeInvalid "identity.key.broken" when it holds
// no keys of ours, CodeFull.
func Open(path string, now func() time.Time) (*Set, error) {
	s := &Set{path: path, now: now}
	r, err := s.load()
	if core.CodeOf(err) != core.CodeNotFound && (err != nil || r.whole()) {
		return s, err
	}
	err = s.change(func(r ring, at core.Moment) (ring, error) {
		for _, kind := range kinds() {
			if r.has(kind) {
				continue
			}
			k, err := newKey(kind, at, at)
			if err != nil {
				return nil, err
			}
			r = append(r, k)
		}
		return r, nil
	})
	if r != nil && core.CodeOf(err) == core.CodeUnsure {
		err = nil // another process makes what an older version left out
	}
	return s, err
}

func (r ring) has(kind string) bool {
	return slices.ContainsFunc(r, func(k Key) bool { return k.kind() == kind })
}

// whole says whether there is a key of each kind.
func (r ring) whole() bool {
	return !slices.ContainsFunc(kinds(), func(kind string) bool { return !r.has(kind) })
}

// load gives the keys as they are on disk, read again when the file has changed.
func (s *Set) load() (ring, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.ring != nil && now.Sub(s.looked) < fresh && !now.Before(s.looked) {
		return s.ring, nil
	}
	info, err := os.Stat(s.path)
	if err == nil && s.ring != nil && info.ModTime().Equal(s.stamp) && info.Size() == s.size {
		s.looked = now
		return s.ring, nil
	}
	r, err := read(s.path)
	if err != nil {
		return nil, err
	}
	s.ring, s.looked = r, now
	if info != nil {
		s.stamp, s.size = info.ModTime(), info.Size()
	}
	return r, nil
}

type file struct {
	Keys []Key `json:"keys"`
}

func read(path string) (ring, error) {
	text, err := seal.ReadSecret(path)
	if err != nil {
		return nil, err
	}
	var f file
	if err := json.Unmarshal(text, &f); err != nil || len(f.Keys) == 0 || len(f.Keys) > maxKeys {
		return nil, core.Invalid("identity.key.broken", fmt.Errorf("%d keys: %w", len(f.Keys), errors.Join(err, errors.New("not a file of keys")))).With("Path", path)
	}
	for _, k := range f.Keys {
		if err := k.usable(); err != nil {
			return nil, core.Invalid("identity.key.broken", err).With("Path", path)
		}
	}
	return f.Keys, nil
}

// change replaces the file by what alter makes of it. One process does so at a time.
func (s *Set) change(alter func(ring, core.Moment) (ring, error)) error {
	lock, err := os.OpenFile(s.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := disk.TryLock(lock); err != nil {
		return core.Unsure("identity.key.busy", err)
	}
	r, err := read(s.path)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if r, err = alter(r, core.At(s.now())); err != nil {
		return err
	}
	text, err := json.Marshal(file{r})
	if err != nil {
		return err
	}
	if err := seal.ReplaceSecret(s.path, text); err != nil {
		return err
	}
	s.mu.Lock()
	s.ring, s.looked, s.stamp = r, time.Time{}, time.Time{}
	s.mu.Unlock()
	return nil
}

// Signing is the key of a kind that signs now, with its private half. Returns
// CodeInternal when there is none, and what Open does.
func (s *Set) Signing(kind string) (jose.JSONWebKey, error) {
	r, err := s.load()
	if err != nil {
		return jose.JSONWebKey{}, err
	}
	k := r.signing(kind, core.At(s.now()))
	if k.JWK.Key == nil {
		return k.JWK, core.Internal("identity.key.none", fmt.Errorf("no key signs with %q", kind))
	}
	return k.JWK, nil
}

// Sign makes a token (RFC 7519) of what marshals to a JSON object, signed with a key of ours;
// typ is its media type, without "application/".
func Sign(k jose.JSONWebKey, typ string, claims any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(k.Algorithm), Key: k}, (&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(text)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// Public are the public halves of all keys that are published now, of one kind or, when it
// is empty, of all that sign sign-ins. Codes as for Open.
func (s *Set) Public(kind string) (jose.JSONWebKeySet, error) {
	r, err := s.load()
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	return r.published(kind, core.At(s.now())), nil
}

// Rotate makes the next key of each kind. It signs after Lead; with atOnce, for a key
// that somebody else may have, it signs now and the ones before are no longer published:
// services fetch the new ones at the next sign-in. Returns CodeUnsure "identity.key.busy"
// while another process changes them, CodeConflict "identity.key.many" when so many rotations
// came within two days that more keys would be published than members read.
func (s *Set) Rotate(atOnce bool) error {
	return s.change(func(r ring, now core.Moment) (ring, error) {
		for _, kind := range kinds() {
			from := now
			if n := len(r.published(kind, now).Keys); !atOnce {
				from = now.Add(Lead)
				if n >= maxPublished {
					return nil, core.Conflict("identity.key.many", fmt.Errorf("%d keys of %s", n, kind)).With("Count", n)
				}
			}
			next, err := newKey(kind, now, from)
			if err != nil {
				return nil, err
			}
			if atOnce {
				r = slices.DeleteFunc(slices.Clone(r), func(k Key) bool { return k.kind() == kind })
			}
			r = r.rotated(next, now)
		}
		return r, nil
	})
}

// Keep makes the next key of a kind whose key has grown old.
func (s *Set) Keep(context.Context) error {
	r, err := s.load()
	now := core.At(s.now())
	if err != nil || !slices.ContainsFunc(kinds(), func(kind string) bool { return r.due(kind, now) }) {
		return err
	}
	err = s.change(func(r ring, now core.Moment) (ring, error) {
		for _, kind := range kinds() {
			if !r.due(kind, now) {
				continue // another process was first
			}
			next, err := newKey(kind, now, now.Add(Lead))
			if err != nil {
				return nil, err
			}
			r = r.rotated(next, now)
		}
		return r, nil
	})
	if core.CodeOf(err) == core.CodeUnsure {
		return nil
	}
	return err
}

// Jobs are the work of the running node.
func (s *Set) Jobs() []jobs.Job {
	return []jobs.Job{{Name: "identity-keys", Every: time.Hour, Jitter: 5 * time.Minute, Run: s.Keep}}
}

// Checks are what doctor asks.
func (s *Set) Checks() []fit.Check {
	return []fit.Check{{Name: "identity.key.check", Run: s.check}}
}

// late is how long after its time a key may still sign alone: the job that makes the next one
// runs each hour.
const late = 2 * day

// check: a key of each kind signs, and the next one is made in time where keys are replaced by
// age.
func (s *Set) check(context.Context) (fit.Finding, error) {
	list, err := s.List()
	if err != nil {
		return fit.Finding{}, err
	}
	now := core.At(s.now())
	oldest := now
	for _, kind := range kinds() {
		if _, err := s.Signing(kind); err != nil {
			return fit.Finding{}, err
		}
		next := false
		var from core.Moment
		for _, k := range list {
			switch {
			case k.Alg != kind:
			case k.Signs:
				from = k.From
			case k.From > now:
				next = true
			}
		}
		if age := now.Sub(from); age > Age+late && !next && kind != Federation {
			return fit.Finding{}, core.Unsure("identity.key.late", fmt.Errorf("%s signs for %s", kind, age)).With("Alg", kind).With("Count", int(age/day))
		}
		if kind != Federation {
			oldest = min(oldest, from)
		}
	}
	return fit.Well("identity.key.well", map[string]any{"Count": int(now.Sub(oldest) / day)}), nil
}

// State is one key as people see it.
type State struct {
	ID    string      `json:"id"`
	Alg   string      `json:"alg"` // its kind
	Signs bool        `json:"signs"`
	From  core.Moment `json:"from_us"`
	Until core.Moment `json:"until_us,omitempty"` // 0 = no end is set
}

// List are the keys that have not ended.
func (s *Set) List() ([]State, error) {
	r, err := s.load()
	if err != nil {
		return nil, err
	}
	now := core.At(s.now())
	var out []State
	for _, k := range r {
		if !k.ended(now) {
			signs := r.signing(k.kind(), now).JWK.KeyID == k.JWK.KeyID
			out = append(out, State{k.JWK.KeyID, k.kind(), signs, k.From, k.Until})
		}
	}
	return out, nil
}
