package recovery

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/local"
	"entrechat/internal/room/vault/migrations"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/shard"
)

// alone is a recovery that knows no member and has nothing but its database.
func alone(t *testing.T) *Recovery {
	t.Helper()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "node.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if err := db.Migrate(t.Context(), d, "vault", migrations.Files); err != nil {
		t.Fatal(err)
	}
	p := pool.New(pool.Needs{Lenders: nobody{}, DB: d, Store: catalogue.New(d), Work: &local.Signal{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return New(Needs{DB: d, Store: catalogue.New(d), Pool: p, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// nobody lends.
type nobody struct{}

func (nobody) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) { return nil, nil }

func (nobody) Awaited(context.Context, core.GrantKind) (theirs, ours []core.MemberID, err error) {
	return nil, nil, nil
}

// Of two forms of one file a recovery takes the one that can be read.
func TestRecoveryTakesTheFormThatIsWhole(t *testing.T) {
	r := alone(t)
	for _, first := range []byte{1, 2} { // the ids' order must not matter
		c := &census{room: r, objects: map[shape]*found{}}
		h := rest.Handle{Type: rest.Data, Name: shard.Hash{first}.String()}
		form := func(id byte, places int) *found {
			f := &found{o: catalogue.Object{ID: shard.Hash{id, first}, Repo: "files", File: h, Code: shard.Code{K: 2, N: 4}, Made: 5}}
			for i := range places {
				f.claims = append(f.claims, claim{Placement: catalogue.Placement{Object: f.o.ID, Index: i, Member: core.MemberID(fmt.Sprintf("m%d.test", i)), State: catalogue.Stored}})
			}
			c.objects[shape{object: f.o.ID}] = f
			return f
		}
		whole := form(first, 3)
		form(3-first, 1)
		if err := c.write(t.Context(), c.ours(5)); err != nil {
			t.Fatal(err)
		}
		if o, err := r.store.Objects.File(t.Context(), "files", h, 0); err != nil || o.ID != whole.o.ID {
			t.Errorf("%+v, %v", o, err)
		}
	}
}

// A recovery that is run again finds a file that was saved anew meanwhile: both
// stay, the newer is the one in force.
func TestRecoveryBesideANewFile(t *testing.T) {
	r := alone(t)
	kept := catalogue.Object{ID: shard.Hash{2}, Repo: "files", File: rest.Handle{Type: rest.Config}, State: catalogue.Waiting, Made: 9}
	if _, err := r.store.Objects.Add(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	late := &found{o: catalogue.Object{ID: shard.Hash{1}, Repo: "files", File: kept.File, Code: shard.Code{K: 1, N: 1}, Made: 5}}
	if err := r.store.Placements.Adopt(t.Context(), []*catalogue.Adoption{late.adoption()}); err != nil {
		t.Fatal(err)
	}
	if o, err := r.store.Objects.File(t.Context(), "files", kept.File, 0); err != nil || o.ID != kept.ID {
		t.Errorf("%+v, %v", o, err)
	}
}

// One member that still has a file deleted, or says so, does not hide it from a
// recovery; its shard is sent again, which undeletes it.
func TestOneDeletionHidesNothing(t *testing.T) {
	r := alone(t)
	c := &census{room: r, objects: map[shape]*found{}}
	h := rest.Handle{Type: rest.Data, Name: shard.Hash{9}.String()}
	id := shard.Hash{1}
	c.objects[shape{id, 1, 9}] = &found{o: catalogue.Object{ID: id, Repo: "files", File: h, Code: shard.Code{K: 1, N: 3}, Sealed: 9, Made: 5}}
	for i, deleted := range []core.Moment{7, 0, 0} {
		c.count(core.MemberID(fmt.Sprintf("m%d.test", i)), holder.Entry{
			Head:    shard.Head{Header: shard.Header{Object: id, K: 1, N: 3, Index: i, Sealed: 9, Length: 9, Root: id}},
			Deleted: deleted,
		})
	}
	if err := c.write(t.Context(), c.ours(5)); err != nil {
		t.Fatal(err)
	}
	o, err := r.store.Objects.File(t.Context(), "files", h, 0)
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.store.Placements.Of(t.Context(), o.ID)
	if err != nil || len(catalogue.OnlyStored(all)) != 2 || o.State != catalogue.Safe {
		t.Errorf("%s, %+v, %v", o.State, all, err)
	}
}

// During a recovery a member that says something else of an object than its own hash
// does is not believed.
func TestACopyIsWhatItsNameSays(t *testing.T) {
	c := &census{room: alone(t), objects: map[shape]*found{}}
	id := shard.Hash{1}
	f := &found{o: catalogue.Object{ID: id, Code: shard.Code{K: 1, N: 2}, Sealed: 9}}
	c.objects[shape{id, 1, 9}] = f
	for _, h := range []shard.Header{
		{Object: id, K: 1, N: 2, Sealed: 9, Length: 9, Root: shard.Hash{2}},
		{Object: id, K: 1, N: 2, Sealed: 8, Length: 8, Root: id},
	} {
		if c.count("m.test", holder.Entry{Head: shard.Head{Header: h}}); len(f.claims) != 0 {
			t.Errorf("counted %+v", h)
		}
	}
}

// A member that answers a recovery first, with a label that is not ours, does not
// take the object away from those that have the right one.
func TestAForeignLabelFirst(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	c := &census{room: alone(t), identity: identity, objects: map[shape]*found{}}
	text, err := wire.Encode(keyring.Label{Repo: "files", Type: rest.Config, Size: 5})
	if err != nil {
		t.Fatal(err)
	}
	label, err := keyring.SealBytes(text, identity.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	id := shard.Hash{1}
	for i, label := range [][]byte{[]byte("nonsense"), label, []byte("nonsense")} {
		c.count("m.test", holder.Entry{Head: shard.Head{Header: shard.Header{
			Object: id, K: 1, N: 3, Index: i, Sealed: 9, Length: 9, Root: id, Label: label,
		}}})
	}
	if f := c.objects[shape{id, 1, 9}]; f.foreign || f.o.Repo != "files" || len(f.claims) == 0 {
		t.Errorf("%+v", f)
	}
}

// A member that invents a file does not thereby choose who may remove all others.
func TestPruneKeyOfASignedHead(t *testing.T) {
	ours, theirs := shard.PruneKey{1}, shard.PruneKey{2}
	honest := &found{o: catalogue.Object{Repo: "files"}, prune: ours, signed: true}
	invented := &found{o: catalogue.Object{Repo: "files"}, prune: theirs}
	for _, all := range [][]*found{{honest, invented}, {invented, honest}} {
		if got := prunesOf(all)["files"]; got != ours {
			t.Errorf("%v", got)
		}
	}
}
