package captcha

import (
	"errors"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/migrations"
)

func newCaptcha(d *db.DB, at *time.Time) *Captcha {
	return New(Needs{DB: d, Box: seal.NewBox([32]byte{1}), Bits: 4, Now: func() time.Time { return *at }})
}

func TestCaptcha(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
		c := newCaptcha(d, &at)
		check := func(purpose, challenge, solution, want string) {
			t.Helper()
			err := c.Check(t.Context(), purpose, challenge, solution)
			got := ""
			if e, ok := errors.AsType[*core.Error](err); ok {
				got = strings.TrimPrefix(e.Key, "identity.captcha.")
			} else if err != nil {
				t.Error(err)
			}
			if got != want {
				t.Errorf("%q %q: %q, want %q", challenge, solution, got, want)
			}
		}
		challenge := c.Challenge("sign-up")
		solution := Solve(challenge)
		check("sign-up", challenge, "", "missing")
		check("recover", challenge, solution, "wrong")
		numbers := strings.Split(solution, ",")
		for _, bad := range []string{
			strings.Join(numbers[:15], ","), solution + ",0", strings.Repeat("0,", 15) + "0", strings.Repeat("-1,", 15) + "-1", "x", strings.Repeat(",", 15),
			"0" + solution, "+" + solution, strings.ReplaceAll(solution, ",", ", "), strings.Repeat("1", 5000), strings.Repeat("9", 19) + solution[len(numbers[0]):],
		} {
			check("sign-up", challenge, bad, "wrong")
		}
		parts := strings.Split(challenge, ".")
		for i, with := range []string{"2", "1", "9999999999", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAA"} {
			forged := append([]string(nil), parts...)
			forged[i] = with
			text := strings.Join(forged, ".")
			check("sign-up", text, Solve(text), map[bool]string{true: "missing", false: "wrong"}[Solve(text) == ""])
		}
		for _, bad := range []string{"", ".", "....", challenge + ".", challenge[:20], strings.Repeat("a.", 200)} {
			check("sign-up", bad, solution, "wrong")
		}
		check("sign-up", challenge, solution, "")
		check("sign-up", challenge, solution, "old") // used
		got := make(chan error, 8)
		challenge = c.Challenge("sign-up")
		solution = Solve(challenge)
		for range 8 {
			go func() { got <- c.Check(t.Context(), "sign-up", challenge, solution) }()
		}
		n := 0
		for range 8 {
			if <-got == nil {
				n++
			}
		}
		if n != 1 {
			t.Errorf("a solution counted %d times", n)
		}
		challenge = c.Challenge("sign-up")
		solution = Solve(challenge)
		at = at.Add(Lives + time.Second)
		check("sign-up", challenge, solution, "old")
	})
}

func TestDifficulty(t *testing.T) {
	at := time.Now()
	easy, hard := New(Needs{Bits: -1, Now: func() time.Time { return at }}), New(Needs{Bits: 99, Now: func() time.Time { return at }})
	if easy.Bits != 1 || hard.Bits != maxBits {
		t.Error(easy.Bits, hard.Bits)
	}
}

func FuzzVerify(f *testing.F) {
	at := time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)
	c := newCaptcha(nil, &at)
	challenge := c.Challenge("sign-up")
	f.Add(challenge, Solve(challenge))
	f.Add("1.4.9.a.b", "1,2")
	f.Fuzz(func(t *testing.T, challenge, solution string) {
		if _, _, err := c.verify("sign-up", challenge, solution); err != nil && core.CodeOf(err) != core.CodeInvalid {
			t.Error(err)
		}
	})
}

// BenchmarkSolve is what a native program takes for one solution of the default difficulty.
func BenchmarkSolve(b *testing.B) {
	c := New(Needs{Box: seal.NewBox([32]byte{1}), Now: time.Now})
	for b.Loop() {
		Solve(c.Challenge("sign-up"))
	}
}

// BenchmarkVerify is what the node takes to check one.
func BenchmarkVerify(b *testing.B) {
	c := New(Needs{Box: seal.NewBox([32]byte{1}), Now: time.Now})
	challenge := c.Challenge("sign-up")
	solution := Solve(challenge)
	for b.Loop() {
		if _, _, err := c.verify("sign-up", challenge, solution); err != nil {
			b.Fatal(err)
		}
	}
}
