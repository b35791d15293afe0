package credential

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	otptotp "github.com/pquerna/otp/totp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
)

const good = "trois vélos verts"

// world is a service on fake time.
type world struct {
	*Service
	t  *testing.T
	at time.Time
}

func newWorld(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, at: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)}
	s, err := New(Needs{
		DB: d, Box: seal.NewBox([32]byte{1}), URL: "https://chaton-a.test", Name: "Chaton A", Cost: Cost{MemoryKiB: 64, Passes: 1, Threads: 1},
		Floor: time.Nanosecond, Now: func() time.Time { return w.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Service = s
	return w
}

func (w *world) check(who person.ID, password string, want bool) {
	w.t.Helper()
	if got, err := w.CheckPassword(w.t.Context(), who, password); got != want || err != nil {
		w.t.Errorf("%q: %v, %v; want %v", password, got, err, want)
	}
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) { fn(t, newWorld(t, d)) })
}

func code(t *testing.T, err error, want core.Code, key string) {
	t.Helper()
	var e *core.Error
	if core.CodeOf(err) != want || !errors.As(err, &e) || e.Key != "identity.credential."+key {
		t.Errorf("%v; want %s %s", err, want, key)
	}
}

func TestPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, who := t.Context(), person.NewID()
		w.check("", good, false)
		w.check(who, good, false)
		code(t, w.SetPassword(ctx, who, "court"), core.CodeInvalid, "password_short")
		if err := w.SetPassword(ctx, who, good); err != nil {
			t.Fatal(err)
		}
		w.check(who, good, true)
		w.check(who, "trois ve\u0301los verts", true) // the same letters, decomposed
		w.check(who, good+" ", false)
		w.check(who, "", false)
		w.check("", good, false)
		w.check(person.NewID(), good, false)
		if err := w.SetPassword(ctx, who, "quatre vélos verts"); err != nil {
			t.Fatal(err)
		}
		w.check(who, good, false)
		code(t, w.RemovePassword(ctx, who), core.CodeConflict, "last_way")
		w.check(who, "quatre vélos verts", true)
		ways, err := w.List(ctx, who)
		if err != nil || !ways.Password || ways.Foreign || ways.TOTP || ways.Outside || ways.Since != w.now() {
			t.Errorf("%+v, %v", ways, err)
		}
		if err := Forget(ctx, w.DB, who); err != nil {
			t.Fatal(err)
		}
		w.check(who, "quatre vélos verts", false)
		code(t, w.RemovePassword(ctx, who), core.CodeNotFound, "no_such")
	})
}

// A foreign hash is made anew by the first good sign-in, and only by one.
func TestForeignHashIsRenewed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, who := t.Context(), person.NewID()
		h, err := Foreign("{SSHA}" + sshaOf(good))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.PutPassword(ctx, w.DB, who, h); err != nil {
			t.Fatal(err)
		}
		w.check(who, "wrong password", false)
		if ways, _ := w.List(ctx, who); !ways.Foreign {
			t.Error("a wrong password renewed the hash")
		}
		w.check(who, good, true)
		text, err := getPassword(ctx, w.DB, who)
		stored, _ := parseHash(text)
		if err != nil || stored == nil || !w.hasher.own(stored) {
			t.Errorf("%q, %v", text, err)
		}
		w.check(who, good, true)
		// A cheaper hash of our own is renewed as well.
		if err := w.PutPassword(ctx, w.DB, who, Hashed{newArgon([]byte(good), Cost{MemoryKiB: 32, Passes: 1, Threads: 1})}); err != nil {
			t.Fatal(err)
		}
		w.check(who, good, true)
		if again, _ := getPassword(ctx, w.DB, who); again == text {
			t.Error("not renewed")
		}
		// A password changed while the old one is being renewed stays.
		if err := usedPassword(ctx, w.DB, who, renewal{text, "old"}, 1); err != nil {
			t.Fatal(err)
		}
		w.check(who, good, true)
	})
}

func TestOutsidePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, who := t.Context(), person.NewID()
		if err := w.PutPassword(ctx, w.DB, who, OutsideHash("uuid-1")); err != nil {
			t.Fatal(err)
		}
		w.check(who, good, false) // nobody to ask
		w.Outside = func(_ context.Context, name, password string) (bool, error) {
			return name == "uuid-1" && password == good, nil
		}
		w.check(who, good, true)
		w.check(who, "", false)
		w.check(who, "wrong", false)
		if id, err := w.ByOutsideName(ctx, w.DB, "uuid-1"); id != who || err != nil {
			t.Error(id, err)
		}
		if _, err := w.ByOutsideName(ctx, w.DB, "uuid-2"); !errors.Is(err, db.ErrNoRow) {
			t.Error(err)
		}
		if ways, err := w.List(ctx, who); err != nil || !ways.Outside {
			t.Errorf("%+v, %v", ways, err)
		}
	})
}

// Who another directory knows gets an account by signing in; nobody else does.
func TestNewcomer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t, "identity", migrations.Files)
		w := newWorld(t, d)
		w.Floor = DefaultFloor
		who, asked := person.NewID(), 0
		try := func(password string, want bool, took time.Duration) {
			t.Helper()
			begun := time.Now()
			got, ok, err := w.CheckNewcomer(t.Context(), "alice", password)
			if ok != want || (got == who) != want || err != nil || time.Since(begun) != took {
				t.Errorf("%q: %q, %v, %v after %v", password, got, ok, err, time.Since(begun))
			}
		}
		try(good, false, DefaultFloor) // there is no other directory
		w.Newcomer = func(_ context.Context, typed, password string) (person.ID, bool, error) {
			asked++
			time.Sleep(100 * time.Millisecond)
			if typed == "alice" && password == good {
				return who, true, nil
			}
			return "", false, nil
		}
		try(good, true, 100*time.Millisecond)
		try("wrong", false, DefaultFloor)
		try("", false, DefaultFloor)
		if asked != 2 {
			t.Error("an empty password was asked for", asked)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A wrong password takes the same work and time whoever it is for: nobody, somebody,
// somebody whose hash is foreign.
func TestWrongPasswordsTakeTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t, "identity", migrations.Files)
		w := newWorld(t, d)
		w.Floor = DefaultFloor
		own, foreign := person.NewID(), person.NewID()
		if err := w.SetPassword(t.Context(), own, good); err != nil {
			t.Fatal(err)
		}
		h, _ := Foreign("{SSHA}" + sshaOf(good))
		if err := w.PutPassword(t.Context(), d, foreign, h); err != nil {
			t.Fatal(err)
		}
		long := make([]byte, 100_000)
		for name, try := range map[string]struct {
			who      person.ID
			password string
		}{"nobody": {"", "x"}, "no such": {person.NewID(), "x"}, "own": {own, "x"}, "foreign": {foreign, "x"}, "long": {own, string(long)}, "empty": {own, ""}} {
			begun, work := time.Now(), w.hasher.argons.Load()
			w.check(try.who, try.password, false)
			if took := time.Since(begun); took != DefaultFloor {
				t.Errorf("%s: %v", name, took)
			}
			if work = w.hasher.argons.Load() - work; work != 1 {
				t.Errorf("%s: %d hashes", name, work)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// However many sign in, at most 2 x cores hashes are made at once, and who waits too long
// is told so.
func TestHashesAreBounded(t *testing.T) {
	h, err := newHasher(Cost{MemoryKiB: 256, Passes: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	cores := h.all / 512
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := h.hash(t.Context(), good); err != nil {
				t.Error(err)
			}
			if ok, err := h.check(t.Context(), nil, good); ok || err != nil {
				t.Error(ok, err)
			}
		})
	}
	all.Wait()
	if most := h.most.Load(); most > 2*cores || most < 1 {
		t.Errorf("%d at once on %d cores", most, cores)
	}
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHasher(Cost{MemoryKiB: 256, Passes: 1, Threads: 1})
		done, err := h.turn(t.Context(), 1<<40) // a foreign hash takes all there is
		if err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err = h.hash(t.Context(), good)
		code(t, err, core.CodeUnsure, "busy")
		if time.Since(begun) != maxWait {
			t.Error(time.Since(begun))
		}
		var waiting sync.WaitGroup
		for range maxWaiting {
			waiting.Go(func() { _, _ = h.hash(t.Context(), good) })
		}
		synctest.Wait()
		begun = time.Now()
		_, err = h.hash(t.Context(), good)
		code(t, err, core.CodeUnsure, "busy")
		if time.Since(begun) != 0 {
			t.Error("waits behind", maxWaiting)
		}
		done()
		waiting.Wait()
	})
}

func TestTOTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, who := t.Context(), person.NewID()
		_, err := w.CheckTOTP(ctx, who, "123456")
		code(t, err, core.CodeNotFound, "no_such")
		first, err := w.AddTOTP(ctx, who, "alice")
		if err != nil {
			t.Fatal(err)
		}
		secret, err := w.AddTOTP(ctx, who, "alice") // the page was loaded again
		if err != nil || secret.Secret == first.Secret {
			t.Fatal(secret, err)
		}
		if want := "otpauth://totp/Chaton%20A:alice?secret=" + secret.Secret + "&issuer=Chaton%20A"; secret.URL != want {
			t.Error(secret.URL, want)
		}
		of := func(secret string) string {
			c, err := otptotp.GenerateCode(secret, w.at)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		if ok, err := w.ConfirmTOTP(ctx, who, of(first.Secret)); ok || err != nil {
			t.Error("the secret before:", ok, err)
		}
		if has, err := w.HasSecond(ctx, who); has || err != nil {
			t.Error("asked for before it was confirmed", err)
		}
		if ok, err := w.ConfirmTOTP(ctx, who, of(secret.Secret)); !ok || err != nil {
			t.Error(ok, err)
		}
		if has, err := w.HasSecond(ctx, who); !has || err != nil {
			t.Error(has, err)
		}
		_, err = w.AddTOTP(ctx, who, "alice")
		code(t, err, core.CodeConflict, "totp_there")
		try := func(text string, want bool) {
			t.Helper()
			if ok, err := w.CheckTOTP(ctx, who, text); ok != want || err != nil {
				t.Errorf("%q: %v, %v", text, ok, err)
			}
		}
		try(of(secret.Secret), false) // used to confirm
		w.at = w.at.Add(30 * time.Second)
		c := of(secret.Secret)
		try(c[:3]+" "+c[3:], true)
		try(c, false)
		w.at = w.at.Add(60 * time.Second)
		late := of(secret.Secret)
		w.at = w.at.Add(30 * time.Second)
		newer := of(secret.Secret)
		try(newer, true)
		try(late, false) // older than the one used
		w.at = w.at.Add(90 * time.Second)
		old := of(secret.Secret)
		w.at = w.at.Add(61 * time.Second)
		for _, bad := range []string{old, "", "12345", "1234567", "abcdef", "۱۲۳۴۵۶", old + "\x00"} {
			try(bad, false)
		}
		// Eight at once: one is right.
		good, got := of(secret.Secret), make(chan bool, 8)
		for range 8 {
			go func() {
				ok, err := w.CheckTOTP(ctx, who, good)
				if err != nil {
					t.Error(err)
				}
				got <- ok
			}()
		}
		n := 0
		for range 8 {
			if <-got {
				n++
			}
		}
		if n != 1 {
			t.Errorf("a code counted %d times", n)
		}
		// Another person's row, and another key file.
		other := person.NewID()
		row, _ := getTOTP(ctx, w.DB, who)
		if _, err := putTOTP(ctx, w.DB, other, row.secret, 1); err != nil {
			t.Fatal(err)
		}
		if ok, err := w.ConfirmTOTP(ctx, other, of(secret.Secret)); ok || err == nil {
			t.Error("a secret moved to another row counts")
		}
		if err := Forget(ctx, w.DB, other); err != nil {
			t.Fatal(err)
		}
		if f, err := w.Check().Run(ctx); err != nil || f.Unknown {
			t.Error(f, err)
		}
		w.Box = seal.NewBox([32]byte{2})
		if _, err := w.Check().Run(ctx); core.CodeOf(err) != core.CodeNotFound {
			t.Error("doctor does not see another key file:", err)
		}
		if err := w.RemoveTOTP(ctx, who); err != nil {
			t.Fatal(err)
		}
		code(t, w.RemoveTOTP(ctx, who), core.CodeNotFound, "no_such")
	})
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, who := t.Context(), person.NewID()
		old, err := w.NewRecovery(ctx, who)
		if err != nil || len(old) != 10 {
			t.Fatal(old, err)
		}
		codes, err := w.NewRecovery(ctx, who)
		if err != nil {
			t.Fatal(err)
		}
		use := func(who person.ID, text string, want bool) {
			t.Helper()
			if ok, err := w.UseRecovery(ctx, who, text); ok != want || err != nil {
				t.Errorf("%q: %v, %v", text, ok, err)
			}
		}
		use(who, old[0], false)
		use(person.NewID(), codes[0], false)
		use(who, "", false)
		use(who, " "+codes[0][:9]+" "+codes[0][10:]+"\n", true)
		use(who, codes[0], false)
		got := make(chan bool, 8)
		for range 8 {
			go func() {
				ok, err := w.UseRecovery(ctx, who, codes[1])
				if err != nil {
					t.Error(err)
				}
				got <- ok
			}()
		}
		n := 0
		for range 8 {
			if <-got {
				n++
			}
		}
		if n != 1 {
			t.Errorf("a code counted %d times", n)
		}
		if ways, err := w.List(ctx, who); ways.Recovery != 8 || err != nil {
			t.Errorf("%+v, %v", ways, err)
		}
	})
}
