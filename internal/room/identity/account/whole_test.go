package account

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pquerna/otp/totp"

	"entrechat/internal/kit/db"
)

// What somebody does to their account is done and stands in its log, or is not done.
func TestWhatIsNotLoggedIsNotDone(t *testing.T) {
	w := newWorld(t)
	made, err := w.n.Keys.AddTOTP(t.Context(), w.alice.ID, "alice")
	w.must(err)
	_, err = db.Exec(t.Context(), w.n.DB, `INSERT INTO identity_passkey (id, person, name, record, made_us, used_us, doubted_us) VALUES ('k1', $1, 'desk', '{}', 1, 0, 0),
		('k2', $1, 'home', '{}', 1, 0, 0)`, string(w.alice.ID))
	w.must(err)
	_, err = w.n.Keys.NewRecovery(t.Context(), w.alice.ID)
	w.must(err)
	other := w.signIn()
	state := func() string {
		var all strings.Builder
		for _, query := range []string{
			`SELECT 'password ' || hash FROM identity_password`, `SELECT 'key ' || id FROM identity_passkey ORDER BY id`, `SELECT 'recovery ' || hash FROM identity_recovery ORDER BY hash`,
			`SELECT 'session ' || id FROM identity_session ORDER BY id`, `SELECT 'totp ' || step || ' ' || confirmed FROM identity_totp`, `SELECT 'log ' || max(number) FROM identity_audit`,
		} {
			rows, err := db.All(t.Context(), w.n.DB, db.Text, query)
			w.must(err)
			all.WriteString(strings.Join(rows, "\n") + "\n")
		}
		return all.String()
	}
	code := func() string {
		text, err := totp.GenerateCode(made.Secret, w.now)
		w.must(err)
		return text
	}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	req.AddCookie(other[0])
	theirs, _, err := w.n.Sessions.Find(req)
	w.must(err)
	for _, c := range []struct {
		name, path string
		fields     []string
		next       int
	}{
		{"codes", pathCodes + "/answer", []string{"code", code()}, http.StatusSeeOther},
		{"recovery codes", pathSpare, nil, http.StatusOK},
		{"a passkey", pathKeys, []string{"do", "remove-passkey", "passkey", "k1"}, http.StatusSeeOther},
		{"no codes", pathKeys, []string{"do", "remove-codes"}, http.StatusSeeOther},
		{"no password", pathKeys, []string{"do", "remove-password"}, http.StatusSeeOther},
		{"one session", pathSessions, []string{"do", "end", "session", theirs.ID}, http.StatusSeeOther},
		{"all sessions", pathSessions, []string{"do", "all"}, http.StatusSeeOther},
	} {
		before := state()
		_, err = db.Exec(t.Context(), w.n.DB, `CREATE TRIGGER full BEFORE INSERT ON identity_audit BEGIN SELECT RAISE(ABORT, 'full'); END`)
		w.must(err)
		if status, _, _ := w.do(http.MethodPost, c.path, c.fields...); status < 500 {
			t.Errorf("%s: %d", c.name, status)
		}
		if after := state(); after != before {
			t.Errorf("%s is done without a word:\n%s\n%s", c.name, before, after)
		}
		_, err = db.Exec(t.Context(), w.n.DB, `DROP TRIGGER full`)
		w.must(err)
		if status, _, body := w.do(http.MethodPost, c.path, c.fields...); status != c.next {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		if state() == before {
			t.Errorf("%s is not done", c.name)
		}
	}
}
