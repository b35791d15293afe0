package share_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// deal splits a new secret.
func deal(t testing.TB, k, n int) (share.Secret, share.ID, []share.Share, share.Commitments) {
	t.Helper()
	id, err := share.NewID()
	must(t, err)
	secret, err := share.New()
	must(t, err)
	shares, c, err := secret.Split(id, k, n)
	must(t, err)
	return secret, id, shares, c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key is the sentence an error asks for.
func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return fmt.Sprint(err)
}

func TestAnyKSharesGiveTheSecret(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(3, 9).Draw(rt, "n")
		k := rapid.IntRange(2, n-1).Draw(rt, "k")
		secret, id, shares, c := deal(t, k, n)
		order := rapid.Permutation(shares).Draw(rt, "order")
		got, err := share.Recover(c, order[:k])
		must(t, err)
		if got != secret {
			rt.Fatal("another secret came back")
		}
		a, err := secret.Recipient(id)
		must(t, err)
		b, err := got.Identity(id)
		must(t, err)
		if a.String() != b.Recipient().String() {
			rt.Fatal("another recipient came back")
		}
		if _, err := share.Recover(c, append(order[:k-1:k-1], order[0])); key(err) != "custody.share.too_few" {
			rt.Fatalf("k-1 shares, one twice: %v", err)
		}
	})
}

func TestABadShareIsNamed(t *testing.T) {
	_, _, shares, c := deal(t, 3, 5)
	_, _, others, _ := deal(t, 3, 5)
	_, _, of2, _ := deal(t, 2, 5)
	swapped := shares[2]
	swapped.Number = 5
	for name, row := range map[string]struct {
		give   []share.Share
		number int
		key    string
	}{
		"of another deal":            {[]share.Share{shares[0], others[1], shares[2], shares[3]}, 2, "custody.share.other_deal"},
		"of another k":               {[]share.Share{shares[0], of2[3], shares[2]}, 4, "custody.share.other_deal"},
		"under another number":       {[]share.Share{shares[0], shares[1], swapped}, 5, "custody.share.wrong"},
		"twice, of which one is bad": {[]share.Share{shares[4], swapped, shares[0], shares[1]}, 5, "custody.share.wrong"},
		"none at all":                {[]share.Share{shares[0], {}, shares[2]}, 0, "custody.share.damaged"},
	} {
		_, err := share.Recover(c, row.give)
		bad, ok := errors.AsType[*share.BadShareError](err)
		if !ok || bad.Number != row.number || key(err) != row.key {
			t.Errorf("%s: %v (%s)", name, err, key(err))
		}
	}
	if _, err := share.Recover(c, others[:4]); key(err) != "custody.share.wrong" {
		t.Errorf("all of another deal: %v", err)
	}
}

func TestSplitRefuses(t *testing.T) {
	secret, err := share.New()
	must(t, err)
	id, err := share.NewID()
	must(t, err)
	for _, row := range [][2]int{{1, 3}, {0, 3}, {3, 3}, {4, 3}, {2, 65}, {-1, 5}, {2, 2}} {
		if _, _, err := secret.Split(id, row[0], row[1]); key(err) != "custody.share.bad_count" {
			t.Errorf("%d of %d: %v", row[0], row[1], err)
		}
	}
	if _, _, err := secret.Split("x", 2, 3); key(err) != "custody.share.bad_id" {
		t.Error(err)
	}
	if _, _, err := (share.Secret{}).Split(id, 2, 3); err == nil {
		t.Error("an empty secret was split")
	}
	if _, err := (share.Secret{}).Identity(id); err == nil {
		t.Error("an empty secret has an identity")
	}
}

func TestTextComesBack(t *testing.T) {
	_, id, shares, c := deal(t, 3, 5)
	for _, s := range shares {
		text := s.Text()
		if len(text) != 83 || !strings.HasPrefix(text, "ecshare1") {
			t.Fatalf("%d signs", len(text))
		}
		spaced := "  " + strings.ToUpper(text[:20]) + "\n\t" + text[20:50] + " " + text[50:] + "\r\n"
		got, err := share.Parse(spaced)
		must(t, err)
		must(t, c.Verify(got))
		if got != s || !got.Of(id) {
			t.Fatalf("%v came back as %v", s, got)
		}
	}
}

func TestParseSaysWhatIsWrong(t *testing.T) {
	_, _, shares, _ := deal(t, 3, 5)
	text := shares[0].Text()
	other := byte('q')
	if text[40] == other {
		other = 'p'
	}
	for name, row := range map[string]struct{ text, key string }{
		"nothing":           {"", "custody.share.no_share"},
		"an age key":        {"AGE-SECRET-KEY-1QQQQQQ", "custody.share.no_share"},
		"24 words":          {strings.Repeat("abandon ", 23) + "art", "custody.share.no_share"},
		"far too long":      {text + strings.Repeat("q", 400), "custody.share.no_share"},
		"one sign":          {text[:40] + string(other) + text[41:], "custody.share.mistyped_at"},
		"a sign never used": {text[:40] + "b" + text[41:], "custody.share.mistyped_at"},
		"its end lost":      {text[:60], "custody.share.mistyped"},
	} {
		_, err := share.Parse(row.text)
		if key(err) != row.key {
			t.Errorf("%s: %v", name, err)
		}
		if e, ok := errors.AsType[*core.Error](err); ok && row.key == "custody.share.mistyped_at" && e.Args["Place"] != 41 {
			t.Errorf("%s: place %v", name, e.Args["Place"])
		}
		if row.text != "" && strings.Contains(fmt.Sprint(err), text[8:30]) {
			t.Errorf("%s: the error holds the share", name)
		}
	}
}

func TestNothingPrintsASecret(t *testing.T) {
	secret, _, shares, _ := deal(t, 2, 3)
	var b strings.Builder
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "share", shares[0], "secret", secret)
	printed := b.String() + fmt.Sprintf("%v %+v %#v %s %v %#v %s", shares[0], shares[0], shares[0], shares[0], secret, secret, secret)
	if strings.Contains(printed, shares[0].Text()[20:40]) || strings.Contains(printed, "[") || strings.Contains(printed, "0x") {
		t.Error(printed)
	}
}

func TestProofs(t *testing.T) {
	_, id, shares, c := deal(t, 3, 5)
	_, _, others, otherC := deal(t, 3, 5)
	context := share.ProofContext(id, "chaton-b.test", "2026-11", []byte("head"))
	p, err := shares[1].Prove(c, context)
	must(t, err)
	must(t, c.Check(2, p, context))
	for name, err := range map[string]error{
		"another number": c.Check(3, p, context),
		"another holder": c.Check(2, p, share.ProofContext(id, "chaton-c.test", "2026-11", []byte("head"))),
		"another month":  c.Check(2, p, share.ProofContext(id, "chaton-b.test", "2026-12", []byte("head"))),
		"another head":   c.Check(2, p, share.ProofContext(id, "chaton-b.test", "2026-11", []byte("dead"))),
		"another deal":   otherC.Check(2, p, context),
		"moved boundary": c.Check(2, p, share.ProofContext(id, "chaton-b.test2", "026-11", []byte("head"))),
	} {
		if key(err) != "custody.share.false_proof" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, number := range []int{0, -1, 65, 1 << 40} {
		if err := c.Check(number, p, context); key(err) != "custody.share.bad_proof" {
			t.Errorf("number %d: %v", number, err)
		}
	}
	if err := c.Check(2, share.Proof{}, context); key(err) != "custody.share.bad_proof" {
		t.Errorf("an empty proof: %v", err)
	}
	if _, err := others[1].Prove(c, context); err == nil {
		t.Error("a share of another deal proves")
	}
	text, err := p.MarshalText()
	must(t, err)
	var back share.Proof
	if must(t, back.UnmarshalText(text)); back != p {
		t.Error("a proof's text gives another proof")
	}
	if err := back.UnmarshalText(text[4:]); err == nil {
		t.Error("60 bytes are a proof")
	}
}
