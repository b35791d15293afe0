package catalogue

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
)

// MaxServices is how many services one author may have here.
const MaxServices = 200

// Store holds the listings. Safe for concurrent use, by several processes too.
type Store struct {
	db     *db.DB
	recent recent
}

// New needs a database with migrations.Files applied.
func New(d *db.DB) *Store { return &Store{db: d} }

// Put takes all that one author says at once; what he does not say any more is gone.
// Returns CodeFull for more than MaxServices services.
func (s *Store) Put(ctx context.Context, h Hoster, all []Service) error {
	if len(all) > MaxServices {
		return tooMany(h.Author.Key)
	}
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := forgetServices(ctx, q, h.Author.Key); err != nil {
			return err
		}
		if err := putHoster(ctx, q, h); err != nil {
			return err
		}
		for _, service := range all {
			service.Author = h.Author.of(service.Author)
			if err := putService(ctx, q, service); err != nil {
				return err
			}
		}
		return indexAll(ctx, q, h.Author.Key, h.Author.Heard)
	})
}

// of gives a service's author the name and the source of its hoster's.
func (a Author) of(service Author) Author {
	service.Key, service.Source = a.Key, a.Source
	return service
}

// PutHoster takes what an author says of itself; its services stay. What they are found
// by is made anew at once when it changed, but for one author once in IndexPause only:
// the rest is Index's to do.
func (s *Store) PutHoster(ctx context.Context, h Hoster) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		was, err := hosterOf(ctx, q, h.Author.Key)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		isNew := err != nil
		if err := putHoster(ctx, q, h); err != nil {
			return err
		}
		if !isNew && sameIndex(h, was) {
			return nil
		}
		keys := []string{h.Author.Key}
		if fileOf(was) != fileOf(h) { // one may speak for itself again, the other no longer
			keys = append(keys, fileOf(was), fileOf(h))
		}
		for _, key := range keys {
			if err := indexSoon(ctx, q, key, h.Author.Heard); err != nil {
				return err
			}
		}
		return nil
	})
}

// PutService takes what an author says of one service. One that is over stays,
// and not found by a search. Returns CodeFull for more than MaxServices services.
func (s *Store) PutService(ctx context.Context, service Service) error {
	key := service.Author.Key
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		has, err := db.One(ctx, q, number, `SELECT count(*) FROM directory_service WHERE hoster = $1 AND slug <> $2`, key, service.Slug)
		if err != nil {
			return err
		}
		if has >= MaxServices {
			return tooMany(key)
		}
		if err := putService(ctx, q, service); err != nil {
			return err
		}
		h, err := hosterOf(ctx, q, key)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil // it may come before its hoster
		}
		if err != nil {
			return err
		}
		shadow, err := speaksElsewhere(ctx, q, h)
		if err != nil {
			return err
		}
		return index(ctx, q, service, h, !shadow && !service.Ended)
	})
}

func tooMany(key string) error {
	return core.Full("directory.too_many_services", fmt.Errorf("%.80q has more than %d", key, MaxServices)).With("Count", MaxServices)
}

// Forget drops all that came under an author's name.
func (s *Store) Forget(ctx context.Context, key string) error {
	return s.db.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		h, err := hosterOf(ctx, q, key)
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if err := forgetServices(ctx, q, key); err != nil {
			return err
		}
		if _, err := db.Exec(ctx, q, `DELETE FROM directory_hoster WHERE key = $1`, key); err != nil {
			return err
		}
		return indexOne(ctx, q, fileOf(h), 0) // its file may speak for it again
	})
}

func forgetServices(ctx context.Context, q db.Querier, key string) error {
	if _, err := db.Exec(ctx, q, `DELETE FROM directory_word WHERE service IN (SELECT id FROM directory_service WHERE hoster = $1)`, key); err != nil {
		return err
	}
	_, err := db.Exec(ctx, q, `DELETE FROM directory_service WHERE hoster = $1`, key)
	return err
}

func putHoster(ctx context.Context, q db.Querier, h Hoster) error {
	listing, err := wire.Encode(h)
	if err != nil {
		return err
	}
	a := h.Author
	_, err = db.Exec(ctx, q, `INSERT INTO directory_hoster (key, source, file, country, words, shadow, turn, said_us, heard_us, listing)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9)
		ON CONFLICT (key) DO UPDATE SET source = $2, file = $3, country = $4, words = $5, said_us = $7, heard_us = $8, listing = $9`,
		a.Key, string(a.Source), fileOf(h), h.Country, " "+strings.Join(Fold(a.Key+" "+h.Name+" "+h.Town), " "),
		numberOf(a.Key, ""), int64(a.Said), int64(a.Heard), string(listing))
	return err
}

// fileOf is the file that a member may call its own: one below its own domain. With
// any other, it could hide somebody else's.
func fileOf(h Hoster) string {
	at, err := url.Parse(h.File)
	if h.Author.Source != FromLog || err != nil || at.Hostname() != h.Author.Key && !strings.HasSuffix(at.Hostname(), "."+h.Author.Key) {
		return ""
	}
	return h.File
}

func putService(ctx context.Context, q db.Querier, s Service) error {
	listing, err := wire.Encode(s)
	if err != nil {
		return err
	}
	a := s.Author
	_, err = db.Exec(ctx, q, `INSERT INTO directory_service
		(id, hoster, slug, kind, software, country, newcomer, without, shown, said_us, heard_us, listing)
		VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET kind = $4, software = $5, newcomer = $6, without = $7, said_us = $8, heard_us = $9, listing = $10`,
		numberOf(a.Key, s.Slug), a.Key, s.Slug, string(s.Kind), program(s.Software),
		flag(s.Access.Newcomers()), flag(s.Access.WithoutAccount()), int64(a.Said), int64(a.Heard), string(listing))
	return err
}

func flag(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

func number(r db.Row) (n int64, err error) { return n, r.Scan(&n) }

// Hoster is one hoster with all its services, those that are over too. Returns
// CodeNotFound.
func (s *Store) Hoster(ctx context.Context, key string) (Hoster, []Service, error) {
	h, err := hosterOf(ctx, s.db, key)
	if err != nil {
		return h, nil, err
	}
	all, err := servicesOf(ctx, s.db, h)
	return h, all, err
}

// Speaker is the name under which a hoster is shown: a member's, once the hoster
// whose file this is speaks in its logbook; otherwise key itself.
func (s *Store) Speaker(ctx context.Context, key string) (string, error) {
	keys, err := db.All(ctx, s.db, func(r db.Row) (k string, err error) { return k, r.Scan(&k) },
		`SELECT key FROM directory_hoster WHERE source = 'log' AND file = $1 ORDER BY key LIMIT 1`, key)
	if err != nil || len(keys) == 0 {
		return key, err
	}
	return keys[0], nil
}

func hosterOf(ctx context.Context, q db.Querier, key string) (Hoster, error) {
	h, err := db.One(ctx, q, scanHoster, `SELECT `+hosterColumns+` FROM directory_hoster h WHERE key = $1`, key)
	if errors.Is(err, db.ErrNoRow) {
		return h, core.NotFound("directory.no_hoster", fmt.Errorf("no hoster %.80q", key)).With("Name", fmt.Sprintf("%.80s", key))
	}
	return h, err
}

func servicesOf(ctx context.Context, q db.Querier, h Hoster) ([]Service, error) {
	return db.All(ctx, q, func(r db.Row) (s Service, err error) {
		err = scanInto(r, &s.Author, &s)
		s.Author = h.Author.of(s.Author)
		return s, err
	}, `SELECT hoster, 'log', said_us, heard_us, listing FROM directory_service WHERE hoster = $1 ORDER BY slug`, h.Author.Key)
}

const hosterColumns = `h.key, h.source, h.said_us, h.heard_us, h.listing`

func scanHoster(r db.Row) (h Hoster, err error) {
	err = scanInto(r, &h.Author, &h)
	return h, err
}

// scanInto reads an author and a listing.
func scanInto(r db.Row, a *Author, listing any) error {
	var text string
	if err := r.Scan(&a.Key, &a.Source, &a.Said, &a.Heard, &text); err != nil {
		return err
	}
	return wire.Peek([]byte(text), listing)
}

// unpack reads a service's and its hoster's listing. What a listing does not hold, as
// its author, stays.
func unpack(service string, s *Service, hoster string, h *Hoster) error {
	return errors.Join(wire.Peek([]byte(service), s), wire.Peek([]byte(hoster), h))
}
