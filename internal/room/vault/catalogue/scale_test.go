//go:build scale

package catalogue

import (
	"context"
	"path/filepath"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/migrations"
)

// What a backup of 65,000 packs, each at six members, costs where everybody passes.
//
//	go test -tags scale ./internal/room/vault/catalogue -run XXX -bench Large
const (
	largePacks   = 65_000
	largeMembers = 6
)

// large is a catalogue of that size, as if all had been placed long ago.
func large(b *testing.B) Store {
	ctx := context.Background()
	d, err := db.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "large.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = d.Close() })
	if err := db.Migrate(ctx, d, "vault", migrations.Files); err != nil {
		b.Fatal(err)
	}
	const hash = `lower(printf('%08x', (n * 2654435761) % 4294967296)) || printf('%056x', n)`
	for _, statement := range []string{
		`INSERT INTO vault_repo (name, append_hash, read_hash, prune, made_us) VALUES ('files', 'a', 'r', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', 1)`,
		`WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < $1)
		INSERT INTO vault_object (object, repo, kind, name, size, sealed, k, n, seq, file, state, tries, next_us, made_us, safe_us, deleted_us)
		SELECT ` + hash + `, 'files', CASE WHEN n % 500 = 0 THEN 'index' WHEN n % 1000 = 1 THEN 'snapshots' ELSE 'data' END, ` + hash + `,
			17000000, 17004000, 4, 6, n, '', 'placed', 0, 0, n, n, 0 FROM c`,
		`WITH RECURSIVE m(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM m WHERE i < $1)
		INSERT INTO vault_placement (object, idx, member, site, admin, length, root, state, receipt, since_us, seen_us, tombstone_next_us, deleted_us)
		SELECT object, i, 'm' || i || '.test', '', '', 4251000, object, 'stored', zeroblob(700), 1, 1, 0, 0 FROM vault_object, m`,
	} {
		places := []any{}
		switch statement[:40] {
		case "WITH RECURSIVE c(n) AS (SELECT 1 UNION A":
			places = append(places, largePacks)
		case "WITH RECURSIVE m(i) AS (SELECT 0 UNION A":
			places = append(places, largeMembers-1)
		}
		if _, err := d.ExecContext(ctx, statement, places...); err != nil {
			b.Fatal(err)
		}
	}
	return New(d)
}

func BenchmarkLarge(b *testing.B) {
	s := large(b)
	ctx := context.Background()
	for name, ask := range map[string]func() error{
		"used":        func() error { _, err := s.Placements.Used(ctx); return err },
		"summaries":   func() error { _, err := s.Summaries.All(ctx); return err },
		"stacks":      func() error { _, err := s.Summaries.ByMember(ctx); return err },
		"newest":      func() error { _, err := s.Summaries.NewestSnapshots(ctx); return err },
		"onTheWay":    func() error { _, err := s.Summaries.OnTheWay(ctx); return err },
		"removed":     func() error { _, err := s.Summaries.Removed(ctx); return err },
		"sharedKey":   func() error { _, err := s.Summaries.SharedKey(ctx); return err },
		"stuck":       func() error { _, err := s.Summaries.Stuck(ctx, core.Moment(1)); return err },
		"growth":      func() error { _, err := s.Summaries.Growth(ctx, core.Moment(1)); return err },
		"everHeld":    func() error { _, err := s.Placements.EverHolders(ctx); return err },
		"holders":     func() error { _, err := s.Placements.Holders(ctx); return err },
		"due":         func() error { _, err := s.Queue.Due(ctx, core.Moment(1), 8); return err },
		"spooled":     func() error { _, err := s.Objects.Spooled(ctx); return err },
		"tail":        func() error { _, _, err := s.Queue.Tail(ctx, "files"); return err },
		"recompute":   func() error { return s.Queue.Recompute(ctx, 1) },
		"unexplained": func() error { _, err := s.Objects.Unexplained(ctx); return err },
		"unnamed":     func() error { _, err := s.Repos.Unnamed(ctx); return err },
		"gone":        func() error { _, err := s.Objects.Gone(ctx, "files", "snapshots", 0, 0); return err },
		"newestMade":  func() error { _, err := s.Objects.NewestMade(ctx); return err },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := ask(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
