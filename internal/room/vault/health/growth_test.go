package health

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// A backup that doubles within three days, and by a gigabyte, is named; one that begins,
// grows slowly, or is small, is not. Of one that began within these days nothing is known.
func TestGrowth(t *testing.T) {
	const gb = 1 << 30
	now := time.Unix(1_790_000_000, 0)
	type file struct {
		days  int // ago
		size  int64
		ended int // removed that many days ago; 0 = alive
	}
	cases := map[string]struct {
		files []file
		grows bool
	}{
		"doubled":             {[]file{{10, gb, 0}, {1, gb, 0}}, true},
		"nearly":              {[]file{{10, gb, 0}, {1, gb - 1, 0}}, false},
		"doubled, small":      {[]file{{10, gb / 2, 0}, {1, gb - 1, 0}}, false},
		"new":                 {[]file{{2, gb, 0}, {1, 5 * gb, 0}}, false},
		"slow":                {[]file{{10, gb, 0}, {4, gb, 0}}, false},
		"added and pruned":    {[]file{{10, 2 * gb, 1}, {1, 3 * gb, 0}}, false},
		"doubled, and pruned": {[]file{{10, 2 * gb, 1}, {1, 4 * gb, 0}}, true},
	}
	dbtest.Each(t, "vault", migrations.Files, func(t *testing.T, d *db.DB) {
		s := catalogue.New(d)
		r := New(Needs{Store: s, Now: func() time.Time { return now }})
		day := func(n int) core.Moment { return core.At(now.AddDate(0, 0, -n)) }
		for name, c := range cases {
			for i, f := range c.files {
				o := catalogue.Object{
					ID: shard.Hash{byte(i + 1)}, Repo: "files", File: rest.Handle{Type: rest.Data, Name: string(rune('a' + i))},
					Sealed: f.size, Made: day(f.days), State: catalogue.Placed,
				}
				if f.ended > 0 {
					o.Deleted = day(f.ended)
				}
				if _, err := s.Objects.Add(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			found, err := r.CheckGrowth(t.Context())
			if (err != nil) != c.grows || err != nil && core.CodeOf(err) != core.CodeUnsure || found.Unknown != (name == "new") {
				t.Errorf("%s: %+v, %v", name, found, err)
			}
			if _, err := d.ExecContext(t.Context(), `DELETE FROM vault_object`); err != nil {
				t.Fatal(err)
			}
		}
	})
}
