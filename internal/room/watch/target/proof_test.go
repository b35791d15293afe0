package target

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/watch/migrations"
)

func TestDomains(t *testing.T) {
	for host, want := range map[string][]string{
		"pad.asso.chaton-a.fr": {"pad.asso.chaton-a.fr", "asso.chaton-a.fr", "chaton-a.fr"},
		"chaton-a.fr":          {"chaton-a.fr"},
		"fr":                   nil,
		"co.uk":                nil,
		"a.github.io":          {"a.github.io"},
		"192.0.2.1":            {"192.0.2.1"},
		"2001:db8::1":          {"2001:db8::1"},
	} {
		if got := Domains(host); !slices.Equal(got, want) {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// net is what a prover meets.
type world struct {
	txt   map[string][]string
	files map[string]string
	nodes map[string]core.RootKey
	asked int
}

func (w *world) prover(d *db.DB, now *core.Moment, root core.RootKey, at string) *Prover {
	return NewProver(ProofNeeds{
		DB: d, Known: NewKnown(d),
		Home: func(_ context.Context, id core.MemberID) (Home, error) { return Home{ID: id, URL: at, Root: root}, nil },
		Root: func(_ context.Context, address string) (core.RootKey, error) {
			w.asked++
			if root, ok := w.nodes[address]; ok {
				return root, nil
			}
			return core.RootKey{}, errors.New("nobody there")
		},
		Fetch: func(_ context.Context, address string, _ int64) ([]byte, error) {
			w.asked++
			if text, ok := w.files[address]; ok {
				return []byte(text), nil
			}
			return nil, errors.New("not there")
		},
		LookupTXT: func(_ context.Context, name string) ([]string, error) {
			w.asked++
			return w.txt[name], nil
		},
		Now: func() time.Time { return now.Time() },
	})
}

func TestProof(t *testing.T) {
	root, other := core.RootKey{1}, core.RootKey{2}
	home := "https://chaton-a.fr"
	for name, c := range map[string]struct {
		world
		host string
		want bool
	}{
		"its own node":            {world{nodes: map[string]core.RootKey{home: root}}, "pad.chaton-a.fr", true},
		"another node there":      {world{nodes: map[string]core.RootKey{home: other}}, "pad.chaton-a.fr", false},
		"a record":                {world{txt: map[string][]string{"_entrechat.pads.fr": {"x", root.Proof()}}}, "beau.pads.fr", true},
		"a record for another":    {world{txt: map[string][]string{"_entrechat.pads.fr": {other.Proof()}}}, "beau.pads.fr", false},
		"a file":                  {world{files: map[string]string{"https://beau.pads.fr" + ProofPath: "# ours\n" + root.Proof() + "\n"}}, "beau.pads.fr", true},
		"a file that mentions it": {world{files: map[string]string{"https://beau.pads.fr" + ProofPath: "not " + root.Proof()}}, "beau.pads.fr", false},
		"a neighbour's file":      {world{files: map[string]string{"https://laid.pads.fr" + ProofPath: root.Proof()}}, "beau.pads.fr", false},
		"nothing":                 {world{}, "victime.fr", false},
		"http is not asked":       {world{files: map[string]string{"http://victime.fr" + ProofPath: root.Proof()}}, "victime.fr", false},
	} {
		d := dbtest.SQLite(t, "watch", migrations.Files)
		now := noon
		p := c.prover(d, &now, root, home)
		it := pad()
		it.Address = "https://" + c.host + "/"
		if got, err := p.Allowed(t.Context(), []Target{it}); err != nil || len(got) != 0 {
			t.Errorf("%s: allowed before it was proved: %v", name, err)
		}
		if err := p.Prove(t.Context(), []Target{it}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := p.Allowed(t.Context(), []Target{it}); err != nil || len(got) == 1 != c.want {
			t.Errorf("%s: allowed %v, %v", name, got, err)
		}
	}
}

// TestProofAgain: a proof is asked for once a week, and is over a day after it could not be
// renewed.
func TestProofAgain(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		root, now := core.RootKey{1}, noon
		w := &world{txt: map[string][]string{"_entrechat.pads.fr": {root.Proof()}}}
		p := w.prover(d, &now, root, "https://chaton-a.fr")
		it := pad()
		it.Address = "https://beau.pads.fr/"
		allowed := func() bool {
			if err := p.Prove(t.Context(), []Target{it}); err != nil {
				t.Fatal(err)
			}
			got, err := p.Allowed(t.Context(), []Target{it})
			if err != nil {
				t.Fatal(err)
			}
			return len(got) == 1
		}
		if !allowed() {
			t.Fatal("not proved")
		}
		asked := w.asked
		now = now.Add(6 * 24 * time.Hour)
		if !allowed() || w.asked != asked {
			t.Errorf("asked again after six days: %d times", w.asked-asked)
		}
		w.txt = nil
		now = now.Add(36 * time.Hour)
		if !allowed() || w.asked == asked {
			t.Error("within its day of grace a proof holds, and is tried anew")
		}
		now = now.Add(24 * time.Hour)
		if allowed() {
			t.Error("allowed without a proof")
		}
		w.txt = map[string][]string{"_entrechat.pads.fr": {root.Proof()}}
		now = now.Add(proofRetry)
		if !allowed() {
			t.Error("proved again, and not allowed")
		}
	})
}
