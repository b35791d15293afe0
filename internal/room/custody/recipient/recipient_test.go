package recipient

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/custody/migrations"
)

func TestKeyStaysTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "custody.key")
	first, err := OpenKey(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenKey(path)
	if err != nil || first.Public() != second.Public() {
		t.Errorf("opened again: %v, %v", second.Public(), err)
	}
	if err := os.WriteFile(path, []byte("AGE-SECRET-KEY-SPOILT\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenKey(path)
	if core.CodeOf(err) != core.CodeInvalid || strings.Contains(err.Error(), "SPOILT") {
		t.Errorf("a damaged key: %v", err)
	}
}

func TestLastRecipientCounts(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx, now := t.Context(), time.Unix(1_800_000_000, 0)
		key, err := OpenKey(filepath.Join(t.TempDir(), "custody.key"))
		if err != nil {
			t.Fatal(err)
		}
		r := &Recipients{DB: d, Self: "chaton-a.test", Key: key, Now: func() time.Time { return now }}
		if _, err := r.Of(ctx, "chaton-b.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("nobody said anything: %v", err)
		}
		reader := r.Readers()[0]
		var drawn []string
		says := func(index int64, text string) {
			t.Helper()
			e := logbook.Entry{Log: "chaton-b.test", Index: index, Iat: core.At(now), Body: json.RawMessage(text)}
			if err := reader.Read(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2 {
			one, err := age.GenerateX25519Identity()
			if err != nil {
				t.Fatal(err)
			}
			drawn = append(drawn, one.Recipient().String())
			says(int64(i+1), `{"recipient":"`+drawn[i]+`"}`)
		}
		says(3, `{"recipient":"age1nonsense"}`)
		says(4, `{"recipient":"`+strings.ToUpper(drawn[0])+`"}`)
		says(0, `{"recipient":"`+drawn[0]+`"}`) // read again
		if got, err := r.Of(ctx, "chaton-b.test"); err != nil || got.String() != drawn[1] {
			t.Errorf("got %v, %v; want the second", got, err)
		}
		if err := reader.Truncated(ctx, "chaton-b.test", 2); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Of(ctx, "chaton-b.test"); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("what was taken back still counts: %v", err)
		}
	})
}

func TestSayOnlyWhatIsNew(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		key, err := OpenKey(filepath.Join(t.TempDir(), "custody.key"))
		if err != nil {
			t.Fatal(err)
		}
		r := &Recipients{DB: d, Self: "chaton-a.test", Key: key, Now: time.Now}
		said := 0
		write := func(_ context.Context, _ string, b any) error {
			said++
			text, err := json.Marshal(b)
			if err != nil {
				return err
			}
			return r.Readers()[0].Read(ctx, logbook.Entry{Log: r.Self, Index: int64(said), Iat: core.At(time.Now()), Body: text})
		}
		for range 2 {
			if err := r.Say(ctx, write); err != nil {
				t.Fatal(err)
			}
		}
		if said != 1 {
			t.Errorf("said %d times", said)
		}
	})
}

func TestALetterOpensAtItsMemberAlone(t *testing.T) {
	dbtest.Each(t, "custody", migrations.Files, func(t *testing.T, d *db.DB) {
		node := func(id core.MemberID) *Recipients {
			key, err := OpenKey(filepath.Join(t.TempDir(), "custody.key"))
			if err != nil {
				t.Fatal(err)
			}
			r := &Recipients{DB: d, Self: id, Key: key, Now: time.Now}
			e := logbook.Entry{Log: id, Index: 1, Iat: 5, Body: json.RawMessage(`{"recipient":"` + key.Public() + `"}`)}
			if err := r.Readers()[0].Read(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			return r
		}
		a, b, c := node("chaton-a.test"), node("chaton-b.test"), node("chaton-c.test")
		sealed, err := a.SealTo(t.Context(), "chaton-b.test", []byte("a secret"))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := b.OpenSealed(sealed); err != nil || string(text) != "a secret" {
			t.Errorf("%q, %v", text, err)
		}
		for what, letter := range map[string][]byte{"cut": sealed[:len(sealed)-1], "none": nil} {
			if _, err := b.OpenSealed(letter); core.CodeOf(err) != core.CodeDenied {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := c.OpenSealed(sealed); core.CodeOf(err) != core.CodeDenied {
			t.Errorf("another opens it: %v", err)
		}
	})
}
