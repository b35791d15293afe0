package ability

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/person"
)

// outside is a Seer whose world the test sets.
type outside struct {
	texts []string
	reg   Registration
	err   error
}

func (o *outside) TXT(context.Context, string) ([]string, error) { return o.texts, o.err }

func (o *outside) Domain(context.Context, string) (Registration, error) { return o.reg, o.err }

// post keeps the mails that were sent.
type post struct{ to, text []string }

func (p *post) CanMail() bool { return true }

func (p *post) Mail(_ context.Context, to, _, text string) error {
	p.to, p.text = append(p.to, to), append(p.text, text)
	return nil
}

// boxes are the boxes the test deals.
type boxes struct{ all []Dealt }

func (b *boxes) Dealt(context.Context) ([]Dealt, error) { return b.all, nil }

// world is a node whose clock the test sets, with the real ssh-keygen.
type world struct {
	*Abilities
	t     *testing.T
	now   time.Time
	out   *outside
	post  *post
	boxes *boxes
	seed  seal.Seed
	keys  map[person.ID]string // files of private keys
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	own, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Unix(1_800_000_000, 0), out: &outside{}, post: &post{}, boxes: &boxes{}, keys: map[person.ID]string{}}
	if w.seed, err = seal.NewSeed(); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return w.now }
	w.Abilities = &Abilities{Needs{
		DB: d, Persons: &person.Persons{DB: d, Box: seal.NewBox([32]byte{1}), Own: own, Now: clock}, Node: "chaton-a.test", URL: "https://chaton-a.test/",
		Seer: w.out, Mailer: func() (Mailer, bool) { return w.post, true }, Boxes: w.boxes, Now: clock,
		RootFile: filepath.Join(t.TempDir(), "entrechat-proof"),
		Say: func(key string, said map[string]any) string {
			url, _ := said["URL"].(string)
			return key + " " + url
		},
		Recovery: func() (*age.X25519Recipient, error) {
			identity, err := w.seed.RecoveryIdentity()
			if err != nil {
				return nil, err
			}
			return identity.Recipient(), nil
		},
	}}
	return w
}

func (w *world) person(name string) person.Card {
	w.t.Helper()
	key := filepath.Join(w.t.TempDir(), "id")
	if out, err := exec.CommandContext(w.t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := w.Persons.Add(w.t.Context(), person.New{Name: name, Key: string(public), Mail: strings.ToLower(name[:3]) + "@planted.test"})
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys[c.ID] = key
	return c
}

func (w *world) sign(who person.ID, line string) string {
	w.t.Helper()
	c := exec.CommandContext(w.t.Context(), "ssh-keygen", "-Y", "sign", "-q", "-n", person.Namespace, "-f", w.keys[who])
	c.Stdin = strings.NewReader(line)
	out, err := c.Output()
	if err != nil {
		w.t.Fatal(err)
	}
	return string(out)
}

func (w *world) add(service string, kind Kind, subject string) Ability {
	w.t.Helper()
	a, err := w.Add(w.t.Context(), service, string(kind), subject)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// prove begins a proof, with what the person signs.
func (w *world) prove(a Ability, who person.Card) (Task, Given) {
	w.t.Helper()
	t, err := w.Prove(w.t.Context(), a.ID, who.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return t, Given{Signature: w.sign(who.ID, t.Line)}
}

func (w *world) refused(id string, g Given, key string) {
	w.t.Helper()
	_, err := w.Confirm(w.t.Context(), id, g)
	wants(w.t, err, key)
}

// wants says that an error has a key.
func wants(t *testing.T, err error, key string) {
	t.Helper()
	var e *core.Error
	if !errors.As(err, &e) || e.Key != key {
		t.Errorf("got %v, want %s", err, key)
	}
}

func (w *world) confirmed(id string, g Given) {
	w.t.Helper()
	if _, err := w.Confirm(w.t.Context(), id, g); err != nil {
		w.t.Error(err)
	}
	w.refused(id, g, "custody.ability.no_challenge") // once
}

func (w *world) figure() (s Service) {
	w.t.Helper()
	r, err := w.Report(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	s, _ = r.Least()
	return s
}
