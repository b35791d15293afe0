package deal

import (
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

// taken is a good delivery to chaton-b, caught on its way, with the deal still pending.
func (w *world) taken() delivery {
	w.t.Helper()
	var got delivery
	w.meddle = func(path string, body []byte) []byte {
		if path == pathDeal && got.Share == "" {
			if err := json.Unmarshal(body, &got); err != nil {
				w.t.Fatal(err)
			}
		}
		return []byte(`{}`)
	}
	w.nodes["chaton-c.test"].away, w.nodes["chaton-d.test"].away, w.nodes["chaton-e.test"].away = true, true, true
	w.deal(four("x"))
	w.meddle = nil
	return got
}

// A holder keeps nothing that does not hold, whoever sends it and whatever is signed.
func TestHolderRefuses(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	b, ctx := w.nodes["chaton-b.test"], t.Context()
	good := w.taken()
	e := endpoints{b.keep}
	read := must(Read(good.Deal))
	resigned := func(change func(d *Deal)) seal.Envelope {
		d := read.Deal
		change(&d)
		return must(sign(d, w.owner().n.Signer)).Document
	}
	otherBox := must(box.Sign(box.Update{Deal: must(share.NewID()), Version: 1, Made: 1}, []byte("x"), w.owner().n.Signer))
	sealed := must(base64.StdEncoding.DecodeString(good.Share))
	sealed[len(sealed)-2] ^= 1
	strangersShare := func() string {
		secret := must(share.New())
		shares, _, err := secret.Split(read.ID, 3, 4)
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(must(encrypt(b.n.Recipients.Key.Identity().Recipient(), []byte(shares[0].Text()))))
	}
	for name, c := range map[string]struct {
		from   core.MemberID
		change func(in *delivery)
		code   core.Code
	}{
		"a stranger": {"chaton-c.test", func(*delivery) {}, core.CodeDenied},
		"no deal":    {owner, func(in *delivery) { in.Deal = seal.Envelope{} }, core.CodeInvalid},
		"signed by somebody else": {owner, func(in *delivery) {
			in.Deal = must(seal.SignDoc(Type, must(good.Deal.Unverified()), w.nodes["chaton-c.test"].n.Signer))
		}, core.CodeDenied},
		"another's deal":              {owner, func(in *delivery) { in.Deal = resigned(func(d *Deal) { d.Holders[0].Member = "chaton-z.test" }) }, core.CodeInvalid},
		"a damaged share":             {owner, func(in *delivery) { in.Share = base64.StdEncoding.EncodeToString(sealed) }, core.CodeInvalid},
		"a share of another secret":   {owner, func(in *delivery) { in.Share = strangersShare() }, core.CodeInvalid},
		"no share":                    {owner, func(in *delivery) { in.Share = "" }, core.CodeInvalid},
		"a box of another deal":       {owner, func(in *delivery) { in.Box = otherBox.Document }, core.CodeInvalid},
		"too short a wait":            {owner, func(in *delivery) { in.Deal = resigned(func(d *Deal) { d.WaitHours = 23 }) }, core.CodeInvalid},
		"a wait that no ask outlives": {owner, func(in *delivery) { in.Deal = resigned(func(d *Deal) { d.WaitHours = 46 * 24 }) }, core.CodeInvalid},
		"contacts that are none":      {owner, func(in *delivery) { in.Contacts = "%" }, core.CodeInvalid},
	} {
		in := good
		c.change(&in)
		if _, _, err := e.receive(ctx, c.from, in); core.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		read = must(Read(good.Deal))
	}
	if held := must(b.keep.Held(ctx)); len(held) != 0 {
		t.Error("something was kept")
	}
	w.now = w.now.Add(2 * life)
	_, _, err := e.receive(ctx, owner, good)
	wants(t, err, "custody.deal.over")
	w.now = w.now.Add(-2 * life)
	// As it is it is kept, and again; another under its id is not.
	for range 2 {
		if h, kept, err := e.receive(ctx, owner, good); err != nil || h.Number != 1 || kept.Version != 1 {
			t.Fatal(err)
		}
	}
	in := good
	in.Deal = resigned(func(d *Deal) { d.WaitHours = 24 })
	_, _, err = e.receive(ctx, owner, in)
	wants(t, err, "custody.deal.other_document")
	b.promises = false
	_, _, err = e.receive(ctx, owner, good)
	wants(t, err, "trust.no_pact")
}

// An acknowledgement that is not the holder's, or of another share, does not count.
func TestOwnerRefusesAcks(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	a, ctx := w.owner(), t.Context()
	b := w.nodes["chaton-b.test"]
	id := must(share.NewID())
	h := Holder{Number: 1, Member: "chaton-b.test"}
	for name, c := range map[string]struct {
		ack ack
		by  *node
		ok  bool
	}{
		"good":           {ack{Deal: id, Number: 1, Box: 1, At: 1}, b, true},
		"another signer": {ack{Deal: id, Number: 1, Box: 1, At: 1}, w.nodes["chaton-c.test"], false},
		"another share":  {ack{Deal: id, Number: 2, Box: 1, At: 1}, b, false},
		"another deal":   {ack{Deal: must(share.NewID()), Number: 1, Box: 1, At: 1}, b, false},
		"no box":         {ack{Deal: id, Number: 1, At: 1}, b, false},
	} {
		if _, err := a.n.readAck(ctx, must(c.ack.sign(c.by.n.Signer)), id, h); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A member cannot fill our disk with deals.
func TestHeldDealsAreBounded(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	b, ctx := w.nodes["chaton-b.test"], t.Context()
	good := w.taken()
	read := must(Read(good.Deal))
	for i := range maxHeld {
		h := Held{Signed: read, Number: 1, Received: core.At(w.now.Add(time.Duration(i))), sealed: []byte{1}}
		h.ID = must(share.NewID())
		if err := insertHeld(ctx, b.db, h); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := endpoints{b.keep}.receive(ctx, owner, good)
	wants(t, err, "custody.deal.too_many_held")
}
