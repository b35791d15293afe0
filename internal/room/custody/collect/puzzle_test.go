package collect

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/share"
)

// dealt is a secret split 3 of 5, and what an asker of it has.
type dealt struct {
	t      testing.TB
	deal   Deal
	shares []share.Share
	secret share.Secret
	asker  *age.X25519Identity
}

func newDealt(t testing.TB, id share.ID) *dealt {
	t.Helper()
	secret, err := share.New()
	if err != nil {
		t.Fatal(err)
	}
	shares, c, err := secret.Split(id, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	asker, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return &dealt{t, Deal{ID: id, K: 3, Commitments: c}, shares, secret, asker}
}

// document is the deal as these tests write it; who signed it does not matter here.
func (d *dealt) document() *seal.Envelope {
	text, err := json.Marshal(d.deal)
	if err != nil {
		d.t.Fatal(err)
	}
	return &seal.Envelope{Payload: string(text)}
}

func read(env seal.Envelope) (d Deal, err error) {
	return d, json.Unmarshal([]byte(env.Payload), &d)
}

// unseal opens a box that is its identity's text.
func unseal(with age.Identity, _ share.ID, sealed []byte) ([]byte, error) {
	if i, ok := with.(*age.X25519Identity); ok && i.Recipient().String() == string(sealed) {
		return []byte("content"), nil
	}
	return nil, core.Invalid("test", errors.New("closed"))
}

func (d *dealt) puzzle() *Puzzle {
	return &Puzzle{ID: "id", Deal: d.deal.ID, Identity: d.asker, Read: read, Unseal: unseal}
}

// hands is what a holder answers that let a share go.
func (d *dealt) hands(s share.Share, to age.Recipient) Handed {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write([]byte(s.Text()))
	}
	if err == nil {
		err = w.Close()
	}
	box, also := d.secret.Recipient(d.deal.ID)
	if err != nil || also != nil {
		d.t.Fatal(err, also)
	}
	return Handed{
		Share: base64.StdEncoding.EncodeToString(out.Bytes()), Box: base64.StdEncoding.EncodeToString([]byte(box.String())), Deal: d.document(),
	}
}

func (d *dealt) good(i int) Handed { return d.hands(d.shares[i], d.asker.Recipient()) }

func newID(t testing.TB) share.ID {
	t.Helper()
	id, err := share.NewID()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestLyingHolders: whatever holders hand out that lie, the true shares open the box, and the
// others are named.
func TestLyingHolders(t *testing.T) {
	id := newID(t)
	d, forged := newDealt(t, id), newDealt(t, id)
	other := newDealt(t, newID(t))
	p := d.puzzle()
	if p.Take("silent.test", Handed{}, errors.New("down")); len(p.Named()) != 0 {
		t.Error("names from nowhere")
	}
	a := forged.hands(forged.shares[0], d.asker.Recipient()) // a deal of its own making, under the same id
	b := d.good(1)
	b.Share = base64.StdEncoding.EncodeToString([]byte("no age file"))
	wrong := d.hands(d.shares[2], forged.asker.Recipient()) // encrypted for somebody else
	foreign := d.hands(other.shares[3], d.asker.Recipient())
	foreign.Box = "!"
	for from, h := range map[core.MemberID]Handed{
		"a-liar.test": a, "b-liar.test": b, "c-liar.test": wrong, "d-liar.test": foreign, "twice.test": d.good(3), "waits.test": {},
		"x.test": d.good(3), "y.test": d.good(4),
	} {
		p.Take(from, h, nil)
	}
	content, c, err := p.Solve()
	if content != nil || err != nil || c.Have != 2 || c.Needed != 3 {
		t.Fatalf("opened with two: %+v, %v", c, err)
	}
	p.Take("z.test", d.good(0), nil)
	content, c, err = p.Solve()
	if err != nil || string(content) != "content" || c.Have != 3 {
		t.Fatalf("%+v, %v", c, err)
	}
	want := map[core.MemberID]string{
		"a-liar.test": "custody.collect.share_false", "b-liar.test": "custody.collect.share_closed", "c-liar.test": "custody.collect.share_closed",
		"d-liar.test": "custody.collect.share_other",
	}
	for _, f := range c.From {
		if f.Bad != want[f.Member] || f.Silent != (f.Member == "silent.test") {
			t.Errorf("%+v", f)
		}
	}
}

// TestNoBox: enough shares, and nobody sent a box that opens.
func TestNoBox(t *testing.T) {
	d := newDealt(t, newID(t))
	p := d.puzzle()
	for i, from := range []core.MemberID{"a.test", "b.test", "c.test"} {
		h := d.good(i)
		h.Box = ""
		p.Take(from, h, nil)
	}
	if _, _, err := p.Solve(); core.CodeOf(err) != core.CodeNotFound {
		t.Errorf("%v", err)
	}
}

// TestForgedBox: a box is sealed to a key that everybody knows, so a holder can make one that opens
// and holds something else. What most of them gave counts; between as many, a person decides.
func TestForgedBox(t *testing.T) {
	d := newDealt(t, newID(t))
	p := d.puzzle()
	p.Unseal = func(_ age.Identity, _ share.ID, sealed []byte) ([]byte, error) {
		if text, ok := bytes.CutPrefix(sealed, []byte("box ")); ok {
			return text, nil
		}
		return nil, core.Invalid("test", errors.New("closed"))
	}
	give := func(from core.MemberID, i int, holds string) {
		h := d.good(i)
		h.Box = base64.StdEncoding.EncodeToString([]byte(holds))
		p.Take(from, h, nil)
	}
	give("a-liar.test", 0, "box forged")
	give("b.test", 1, "box true")
	give("c.test", 2, "no box")
	content, c, err := p.Solve()
	e, ok := errors.AsType[*core.Error](err)
	if content != nil || !ok || e.Key != "custody.collect.boxes_differ" || c.Have != 3 {
		t.Fatalf("one against one: %q, %v", content, err)
	}
	if got, want := e.Args["Holders"], []string{"a-liar.test", "b.test"}; !slices.Equal(got.([]string), want) {
		t.Errorf("named %v, want %v", got, want)
	}
	p.BoxOf = "b.test"
	if content, _, err = p.Solve(); err != nil || string(content) != "true" {
		t.Errorf("that of b: %q, %v", content, err)
	}
	p.BoxOf = "c.test"
	if content, _, err = p.Solve(); err == nil {
		t.Errorf("that of c opens: %q", content)
	}
	p.BoxOf = ""
	give("d.test", 3, "box true")
	if content, _, err = p.Solve(); err != nil || string(content) != "true" {
		t.Errorf("two against one: %q, %v", content, err)
	}
}

// FuzzHanded: whatever one holder answers, nothing panics and nothing opens.
func FuzzHanded(f *testing.F) {
	d := newDealt(f, newID(f))
	text, err := json.Marshal(d.good(0))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"share":"AAAA","deal":{"payload":"{}"},"holders":{"x":"y"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var h Handed
		if json.Unmarshal(text, &h) != nil {
			return
		}
		p := d.puzzle()
		p.Take("liar.test", h, nil)
		_ = p.Named()
		if content, _, err := p.Solve(); content != nil && err == nil {
			t.Fatal("one holder opened it")
		}
	})
}
