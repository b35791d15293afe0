package identity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// allLet promises everybody everything.
type allLet struct{}

func (allLet) May(context.Context, core.MemberID, core.GrantKind) (core.Allowance, error) {
	return core.Allowance{Grant: core.Grant{Kind: home.KindLogin}}, nil
}

func (a allLet) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all := map[core.MemberID]core.Allowance{}
	for _, id := range ids {
		if a, err := a.May(ctx, id, kind); err == nil {
			all[id] = a
		}
	}
	return all, nil
}

func (allLet) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) { return nil, nil }

// silentBook takes entries and tells nobody. What it embeds is asked for nowhere here.
type silentBook struct{ Book }

func (silentBook) Append(context.Context, string, []core.MemberID, core.Moment, any) (logbook.Entry, error) {
	return logbook.Entry{}, nil
}

// node is a whole room whose clock the test turns; its own address answers.
type node struct {
	*Room
	t     *testing.T
	ahead time.Duration
}

func newNode(t *testing.T, d *db.DB) *node {
	t.Helper()
	n := &node{t: t}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	catalogue, err := words.New(AllWords()...)
	n.must(err)
	n.Room, err = New(Needs{
		DB: d, Words: catalogue, Origin: "chaton-a.test", URL: server.URL, Dir: t.TempDir(), Book: silentBook{}, Trust: allLet{},
		Mailer:  func() (signin.Mailer, bool) { return nil, false },
		Root:    func(context.Context, core.MemberID) (core.RootKey, error) { return core.RootKey{}, nil },
		Private: true, Settings: *DefaultSettings(), Now: func() time.Time { return time.Now().Add(n.ahead) }, Log: slog.New(slog.DiscardHandler),
	})
	n.must(err)
	for _, r := range n.Provider.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	return n
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// says is the words key of what a check answers; every sentence can be said.
func (n *node) says(check string) string {
	n.t.Helper()
	for _, c := range n.checks() {
		if c.Name != check {
			continue
		}
		found, err := c.Run(n.t.Context())
		key, args := found.Key, found.Args
		if e, ok := errors.AsType[*core.Error](err); ok {
			key, args = e.Key, e.Args
		} else {
			n.must(err)
		}
		for _, lang := range []string{words.French, words.English} {
			if said := n.Words.Printer(lang).T(key, args); key != "" && (said == key || strings.Contains(said, "<no value>")) {
				n.t.Errorf("%s: %s cannot be said: %s", lang, key, said)
			}
		}
		return key
	}
	n.t.Fatalf("no check %s", check)
	return ""
}

func (n *node) want(check, key string) {
	n.t.Helper()
	if got := n.says(check); got != key {
		n.t.Errorf("%s says %q, want %q", check, got, key)
	}
}

func (n *node) add(handle string, roles ...person.Role) person.Person {
	n.t.Helper()
	p, err := n.Persons.Create(n.t.Context(), person.New{Handle: handle, Mail: handle + "@chaton-a.test"})
	n.must(err)
	p, err = n.Persons.Change(n.t.Context(), p.ID, func(p *person.Person) error { p.Roles = roles; return nil })
	n.must(err)
	return p
}

// hears has a member say how it signs people in, some time ago.
func (n *node) hears(member core.MemberID, issuer string, ago time.Duration) {
	n.t.Helper()
	card, err := n.card()
	n.must(err)
	card.Issuer = issuer
	body, err := card.Body()
	n.must(err)
	text, err := wire.Encode(body)
	n.must(err)
	n.must(n.Homes.Readers()[0].Read(n.t.Context(), logbook.Entry{Log: member, Typ: home.TypeCard, Iat: core.At(n.Now().Add(-ago)), Body: text}))
}

func TestDoctorOnANewNode(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	for check, key := range map[string]string{
		"identity.key.check": "identity.key.well", "identity.check_issuer": "identity.check_nobody", "identity.check_clock": "identity.clock_unknown", "identity.check_mail": "",
		"identity.check_admins": "identity.admins_none", "identity.check_homes": "identity.homes_none", "identity.check_moves": "", "identity.check_logouts": "", "identity.check_audit": "identity.audit_well",
	} {
		n.want(check, key)
	}
}

func TestDoctorOnKeysAndAddress(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	n.add("alice")
	n.want("identity.check_issuer", "")
	n.ahead = 91 * 24 * time.Hour
	n.want("identity.key.check", "identity.key.well") // the job has two days
	n.ahead = 93 * 24 * time.Hour
	n.want("identity.key.check", "identity.key.late")
	n.must(n.Keys.Keep(t.Context()))
	n.want("identity.key.check", "identity.key.well")
	n.Private = false
	n.want("identity.check_issuer", "identity.issuer_plain")
	n.Private = true
	n.Clients = client.New(client.Needs{DB: n.DB, Issuer: n.URL + "/elsewhere", Now: n.Now})
	n.want("identity.check_issuer", "identity.issuer_silent")
}

func TestDoctorOnPeople(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	ana := n.add("ana", person.Admin)
	n.want("identity.check_admins", "identity.admins_well") // she cannot sign in at all yet
	n.must(n.Credentials.SetPassword(t.Context(), ana.ID, "correct horse battery"))
	n.want("identity.check_admins", "identity.admins_weak")
	// With a passkey beside it, the password opens neither the admin's half nor the page of keys.
	_, err := db.Exec(t.Context(), n.DB, `INSERT INTO identity_passkey (id, person, name, record, made_us, used_us, doubted_us) VALUES ('k1', $1, '', '{}', 1, 0, 0)`, string(ana.ID))
	n.must(err)
	n.want("identity.check_admins", "identity.admins_well")
	n.Settings.SignUp = signin.ByAnybody
	n.want("identity.check_mail", "identity.mail_missing")
}

func TestDoctorOnMoves(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	_, err := db.Exec(t.Context(), n.DB, `INSERT INTO identity_move_in (person, number, id, home, sub, state, document, until_us, handle, way)
		VALUES ($1, 0, 'x', 'chaton-b.test', 's', 'done', 'x', 1, '', 'new')`, string(n.add("alice").ID))
	n.must(err)
	n.want("identity.check_moves", "identity.moves_damaged")
}

func TestDoctorOnMembers(t *testing.T) {
	n := newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	n.hears("chaton-b.test", n.URL, time.Hour)
	n.want("identity.check_homes", "identity.homes_well")
	n.want("identity.check_clock", "identity.clock_well")
	n.ahead = time.Minute
	n.want("identity.check_clock", "identity.clock_ahead")
	n.ahead = -time.Minute
	n.want("identity.check_clock", "identity.clock_behind")
	n.ahead = 0
	n.hears("chaton-c.test", n.URL, 121*24*time.Hour)
	n.want("identity.check_homes", "identity.homes_old")
	n.must(n.doors().Shut(t.Context(), "chaton-c.test", "old keys"))
	n.want("identity.check_homes", "identity.homes_shut")
	_, err := db.Exec(t.Context(), n.DB, `UPDATE identity_home SET keys = 'x' WHERE member = 'chaton-b.test'`)
	n.must(err)
	n.want("identity.check_homes", "identity.homes_damaged")
}

// signs opens a session of a person, and signs it in at a service by hand.
func (n *node) signs(p person.Person, amr ...string) session.Session {
	n.t.Helper()
	r := httptest.NewRequestWithContext(n.t.Context(), http.MethodGet, "/", nil)
	s, err := n.Sessions.Start(httptest.NewRecorder(), r, session.Login{Person: p.ID, AMR: amr})
	n.must(err)
	_, err = db.Exec(n.t.Context(), n.DB, `INSERT INTO identity_oidc_session (session, client, person, sub, sid, since_us) VALUES ($1, 'pad', $2, 's', $1, $3)`, s.ID, string(p.ID), int64(core.At(n.Now())))
	n.must(err)
	return s
}

func TestDoctorOnSignOuts(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		n := newNode(t, d)
		alice := n.add("alice")
		s := n.signs(alice, "pwd")
		n.must(n.Sessions.End(t.Context(), alice.ID, s.ID))
		n.want("identity.check_logouts", "")
		n.ahead = 2 * time.Hour
		n.want("identity.check_logouts", "identity.logouts_late")
	})
}

// page is what /metrics answers.
func (n *node) page() string {
	n.t.Helper()
	m := obs.NewMetrics()
	m.Collect([]obs.Source{{Part: "identity", Ask: n.metrics}}, slog.New(slog.DiscardHandler))
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(n.t.Context(), http.MethodGet, "/metrics", nil))
	if rec.Code != http.StatusOK {
		n.t.Fatal(rec.Code, rec.Body.String())
	}
	return rec.Body.String()
}

func TestMetrics(t *testing.T) {
	dbtest.Each(t, "identity", migrations.Files, func(t *testing.T, d *db.DB) {
		n := newNode(t, d)
		n.hears("chaton-b.test", n.URL, time.Hour)
		alice := n.add("alice")
		n.add("bea")
		n.signs(alice, "pop", "user", "mfa")
		n.signs(alice, "pwd", "otp", "mfa")
		s := n.signs(alice, "pwd")
		n.must(n.Sessions.End(t.Context(), alice.ID, s.ID))
		n.Sessions.Missed(session.ByPassword, core.Invalid("identity.signin.wrong", nil))
		n.Sessions.Missed(session.ByHome, core.Denied("identity.home.shut", nil))
		for i := range 103 {
			n.visitor(core.MemberID(fmt.Sprintf("h%03d.test", i)))
		}
		text := n.page()
		for _, want := range []string{
			`people{kind="local",status="active"} 2`, `people{kind="visitor",status="active"} 103`, `visitors{home="h000.test"} 1`, `visitors{home="rest"} 3`,
			`sign_ins_total{outcome="in",way="passkey"} 1`, `sign_ins_total{outcome="in",way="code"} 1`, `sign_ins_total{outcome="in",way="password"} 1`,
			`sign_ins_total{outcome="wrong",way="password"} 1`, `sign_ins_total{outcome="denied",way="home"} 1`, `sign_ins_total{outcome="later",way="home"} 0`,
			`throttled_total{bound="account"} 0`, `tokens_total{kind="access"} 0`, `logouts_waiting 1`, `hashes_waiting 0`,
		} {
			if !strings.Contains(text, "\nentrechat_identity_"+want+"\n") {
				t.Errorf("lacks %s", want)
			}
		}
		if !regexp.MustCompile(`entrechat_identity_key_from_time_seconds\{alg="RS256"\} 1\.\d+e\+09`).MatchString(text) {
			t.Error("no age of the keys")
		}
		for _, personal := range []string{"alice", "bea", string(alice.ID), "chaton-a.test"} {
			if strings.Contains(text, personal) {
				t.Errorf("%s is told", personal)
			}
		}
		if lines := strings.Count(text, "\nentrechat_identity_"); lines > 160 {
			t.Errorf("%d lines: not bounded", lines)
		}
		tool, err := exec.LookPath("promtool")
		if err != nil {
			t.Fatal("promtool is not installed: apt-get install prometheus")
		}
		check := exec.CommandContext(t.Context(), tool, "check", "metrics")
		check.Stdin = strings.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// TestRules: the rules of the runbook can be read by Prometheus, and name lines that there are.
func TestRules(t *testing.T) {
	text, err := os.ReadFile("../../../docs/runbook/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```yaml\n(groups:\n  - name: entrechat-identity\n.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatal("the runbook has no rules for accounts")
	}
	page := newNode(t, dbtest.SQLite(t, "identity", migrations.Files)).page()
	for _, name := range regexp.MustCompile(`entrechat_identity_[a-z_]+`).FindAllString(string(found[1]), -1) {
		if !strings.Contains(page, "\n"+name) {
			t.Errorf("there is no %s", name)
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, found[1], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// visitor has one person come from a home.
func (n *node) visitor(from core.MemberID) {
	n.t.Helper()
	n.must(n.DB.Tx(n.t.Context(), func(ctx context.Context, q db.Querier) error {
		_, _, err := home.Coming{Home: from, Most: 10, Now: core.At(n.Now())}.Admit(ctx, q, home.Told{Sub: "zoe", Handle: "zoe"})
		return err
	}))
}

func TestClockTakesTheMiddle(t *testing.T) {
	for _, c := range []struct {
		offs []time.Duration
		want string
	}{
		{nil, "identity.clock_unknown"},
		{[]time.Duration{time.Hour, 2 * time.Second, -3 * time.Second}, "identity.clock_well"},
		{[]time.Duration{time.Hour, 40 * time.Second, 0}, "identity.clock_ahead"},
		{[]time.Duration{-time.Hour, -40 * time.Second, 0}, "identity.clock_behind"},
	} {
		found, err := clock(c.offs)
		if e, ok := errors.AsType[*core.Error](err); ok {
			found = fit.Finding{Key: e.Key}
		}
		if found.Key != c.want {
			t.Errorf("%v: %s, want %s", c.offs, found.Key, c.want)
		}
	}
}
