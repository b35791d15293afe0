package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/broker"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/move"
	"entrechat/internal/room/identity/move/legacy"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/provider"
	"entrechat/internal/room/identity/session"
	"entrechat/internal/room/identity/signin"
)

// node is one hoster: a real provider, broker, sessions and pages; only passwords are played.
type node struct {
	*broker.Broker
	t        testing.TB
	db       *db.DB
	id       core.MemberID
	url      string
	server   *httptest.Server
	homes    *home.Homes
	people   *person.Service
	sessions *session.Sessions
	provider *provider.Provider
	clients  *client.Service
	keys     *key.Set
	moves    *move.Moves
	ring     ring
	signer   seal.Signer
	log      *slog.Logger
	late     time.Duration   // what its clock says more, for moves
	died     core.Moment     // 0 = it lives
	heirs    []core.MemberID // whom it names for its accounts
	begged   core.Moment     // when it asked the custodians of a dead home; 0 = it did not
	secrets  map[person.ID]string
	trust    *trust
	cards    int64
	asked    []string // paths that programs asked for
	meddle   func(w http.ResponseWriter, r *http.Request) bool
}

// trust is what was promised.
type trust struct {
	may     map[core.MemberID]bool
	lenders []core.Lender
}

func (w *trust) May(_ context.Context, who core.MemberID, _ core.GrantKind) (core.Allowance, error) {
	if !w.may[who] {
		return core.Allowance{}, core.Denied("trust.no_grant", nil)
	}
	return core.Allowance{Grant: core.Grant{Kind: home.KindLogin}}, nil
}

func (w *trust) MayEach(ctx context.Context, ids []core.MemberID, kind core.GrantKind) (map[core.MemberID]core.Allowance, error) {
	all := map[core.MemberID]core.Allowance{}
	for _, id := range ids {
		if a, err := w.May(ctx, id, kind); err == nil {
			all[id] = a
		}
	}
	return all, nil
}

func (w *trust) Lenders(context.Context, core.GrantKind) ([]core.Lender, error) {
	return w.lenders, nil
}

// browserOf are the provider's seams, as the room fills them.
type seams struct{ *node }

func (s seams) Person(r *http.Request) (provider.Login, bool, error) {
	open, ok, err := s.sessions.Find(r)
	return provider.Login{Person: open.Person, At: open.Auth, AMR: open.AMR, Session: open.ID}, ok, err
}

func (s seams) Lives(ctx context.Context, q db.Querier, id string) (bool, error) {
	return s.sessions.Lives(ctx, q, id)
}

func (s seams) End(w http.ResponseWriter, r *http.Request) error { return s.sessions.Leave(w, r) }

func (s seams) Account(ctx context.Context, id person.ID, clientID string) (a provider.Account, ok bool, err error) {
	p, err := s.people.Get(ctx, id)
	if err != nil {
		return a, false, err
	}
	service, mail := clientID, p.Mail
	if core.MemberID(clientID).Valid() && strings.ContainsAny(clientID, ".:") {
		service = ""
		if shares, err := s.SharesMail(ctx, clientID, id); err != nil || !shares {
			mail = ""
		}
	}
	ok, err = s.Stands(ctx, p, service)
	a = provider.Account{Handle: p.Handle, Name: p.Name, Lang: p.Lang, Mail: mail}
	if err == nil && service == "" {
		a.Moves, err = s.moves.Chain(ctx, id)
	}
	return a, ok, err
}

func (s seams) May(context.Context, person.ID, string) (bool, error) { return true, nil }

// noSecrets are everybody's passwords: "right". What it embeds is asked for nowhere here.
type noSecrets struct {
	signin.Passwords
	signin.Passkeys
}

func (noSecrets) CheckPassword(_ context.Context, who person.ID, password string) (bool, error) {
	return who != "" && password == "right", nil
}

func (noSecrets) CheckNewcomer(context.Context, string, string) (person.ID, bool, error) {
	return "", false, nil
}
func (noSecrets) HavePasskeys() bool                                         { return false }
func (noSecrets) HasSecond(context.Context, person.ID) (bool, error)         { return false, nil }
func (noSecrets) CheckTOTP(context.Context, person.ID, string) (bool, error) { return false, nil }
func (noSecrets) UseRecovery(context.Context, person.ID, string, ...credential.Also) (bool, error) {
	return false, nil
}

func newNode(t testing.TB, d *db.DB) *node {
	t.Helper()
	n := &node{t: t, db: d, trust: &trust{may: map[core.MemberID]bool{}}, secrets: map[person.ID]string{}}
	var handler http.Handler
	n.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.asked = append(n.asked, r.URL.Path)
		if n.meddle != nil && n.meddle(w, r) {
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(n.server.Close)
	n.url = n.server.URL
	n.id = core.MemberID(strings.TrimPrefix(n.url, "http://"))
	log := slog.New(slog.DiscardHandler)
	n.log = log
	n.people = &person.Service{DB: d, Now: time.Now}
	n.homes = &home.Homes{
		DB: d, Self: n.id, Trust: n.trust, Plain: true, Now: time.Now,
		Root:      func(context.Context, core.MemberID) (core.RootKey, error) { return core.RootKey{}, nil },
		LookupTXT: func(context.Context, string) ([]string, error) { return nil, nil },
	}
	keys, err := key.Open(filepath.Join(t.TempDir(), "identity.keys"), time.Now)
	n.must(err)
	n.keys = keys
	n.sessions = session.New(session.Needs{DB: d, URL: n.url, Now: time.Now, Ended: func(ctx context.Context, q db.Querier, ended []session.Session) error {
		for _, s := range ended {
			if err := n.provider.Ended(ctx, q, s.ID); err != nil {
				return err
			}
		}
		return nil
	}})
	n.ring, n.signer = ring{n.id: n}, newSigner(t, n.id)
	n.moves = move.New(move.Needs{
		DB: d, Self: n.id, URL: n.url, Book: book{n}, Signer: n.signer, Calls: calls{n}, Homes: n.homes, Sessions: n.sessions, SignUp: true, Out: n.signOut,
		Forget: func(ctx context.Context, q db.Querier, p person.Person) error {
			return errors.Join(signin.Forget(ctx, q, p), broker.ForgetPerson(ctx, q, p.ID))
		},
		Invite: func(context.Context, db.Querier, person.ID, core.Moment) (string, error) {
			return n.url + "/sign-in", nil
		},
		Secrets: seams{n}, Successions: func() (legacy.Successions, bool) { return seams{n}, true }, Custodians: func() (legacy.Custodians, bool) { return seams{n}, true },
		Ways: func(context.Context, person.ID) (bool, error) { return true, nil }, Now: func() time.Time { return time.Now().Add(n.late) }, Log: log,
	})
	n.Broker = broker.New(broker.Needs{
		DB: d, Self: n.id, URL: n.url, Keys: keys, Homes: n.homes, Follow: n.moves.Follow, Sessions: n.sessions, People: n.people, PerDay: 100, Private: true, Now: time.Now, Log: log,
		Flow: func(r *http.Request, id string) (provider.Flow, error) { return n.provider.Flow(r, id) },
		EndAt: func(ctx context.Context, q db.Querier, who person.ID, member string) error {
			return n.provider.EndAt(ctx, q, who, member)
		},
	})
	n.clients = client.New(client.Needs{DB: d, Issuer: n.url, Now: time.Now})
	n.provider, err = provider.New(provider.Needs{DB: d, Issuer: n.url, Keys: keys, Browser: seams{n}, People: seams{n}, Members: n.Members(), Private: true, Now: time.Now, Log: log})
	n.must(err)
	handler = n.site(log)
	return n
}

func (n *node) site(log *slog.Logger) http.Handler {
	catalogue, err := words.New(web.Words, person.Words, audit.Words, session.Words, signin.Words, provider.Words, client.Words, home.Words, broker.Words, move.Words)
	n.must(err)
	in := signin.New(signin.Needs{
		DB: n.db, URL: n.url, People: n.people, Passwords: noSecrets{}, Seconds: noSecrets{}, Passkeys: noSecrets{}, Settings: signin.DefaultSettings(), Sessions: n.sessions, Now: time.Now, Log: log,
		Elsewhere: n.Elsewhere,
		Flow: func(r *http.Request, id string) (signin.Flow, bool, error) {
			f, err := n.provider.Flow(r, id)
			return signin.Flow{App: f.Client.Called(), Hint: f.Hint}, err == nil, err
		},
	})
	site := web.New(web.Needs{
		DB: n.db, Words: catalogue, Lang: words.English, URL: n.url, Now: time.Now, Log: log,
		Host: func(context.Context) web.Host { return web.Host{Name: "Chaton", Origin: n.id} },
	})
	pages := site.Handler([]web.Pages{in.Pages(site, n.Beside(site)), n.Pages(site), n.provider.Pages(site), n.moves.Pages(site)})
	mux := http.NewServeMux()
	for _, r := range append(n.Routes(), n.provider.Routes()...) {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.Handle("/", pages)
	mux.Handle("/ec/", peer.NewHandler(peer.Needs{Signer: n.signer, Keyring: book{n}, Private: true, Now: time.Now, Log: log}, n.moves.PeerRoutes()))
	return mux
}

func (n *node) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// card is what a node says of itself.
func (n *node) card() home.Card {
	keys, err := n.keys.Public(key.ES256)
	n.must(err)
	return home.Card{Issuer: n.url, Keys: keys}
}

// hears takes in a card of another node's logbook.
func (n *node) hears(from core.MemberID, c home.Card) {
	n.t.Helper()
	body, err := c.Body()
	n.must(err)
	text, err := wire.Encode(body)
	n.must(err)
	n.cards++
	n.must(n.homes.Readers()[0].Read(n.t.Context(), logbook.Entry{Log: from, Index: n.cards, Typ: home.TypeCard, Iat: 1, Body: text}))
}

// lets has n let the people of another node in.
func (n *node) lets(other *node) {
	n.hears(other.id, other.card())
	other.hears(n.id, n.card())
	n.trust.may[other.id] = true
	other.trust.lenders = append(other.trust.lenders, core.Lender{ID: n.id})
}

func (n *node) add(handle, mail string) person.Person {
	p, err := n.people.Create(n.t.Context(), person.New{Handle: handle, Name: strings.ToUpper(handle), Mail: mail})
	n.must(err)
	return p
}

// service is an app of the node; it only has an address.
func (n *node) service(id string, backLogout string) (secret string) {
	_, secret, err := n.clients.Add(n.t.Context(), client.Client{ID: id, Template: "generic", URL: "https://" + id + ".test", Settings: client.Settings{
		Redirects: []string{"https://" + id + ".test/cb"}, Alg: "RS256", BackLogout: backLogout,
	}})
	n.must(err)
	return secret
}

// two are B, whose services people use, and A, where they are at home.
func two(t testing.TB) (a, b *node) {
	a, b = newNode(t, dbtest.SQLite(t, "identity", migrations.Files)), newNode(t, dbtest.SQLite(t, "identity", migrations.Files))
	b.lets(a)
	return a, b
}

// browser follows what people follow: redirects and pages that lead on; it stops at a
// service's address.
type browser struct {
	*http.Client
	t    testing.TB
	last string // the address of what was shown last
}

// The ports of loopback share one jar by host; cookies of two nodes must not mix.
type jars map[string]http.CookieJar

func (j jars) of(u *url.URL) http.CookieJar {
	if j[u.Host] == nil {
		jar, _ := cookiejar.New(nil)
		j[u.Host] = jar
	}
	return j[u.Host]
}
func (j jars) SetCookies(u *url.URL, c []*http.Cookie) { j.of(u).SetCookies(u, c) }
func (j jars) Cookies(u *url.URL) []*http.Cookie       { return j.of(u).Cookies(u) }

func newBrowser(t testing.TB) *browser {
	stop := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{&http.Client{Jar: jars{}, CheckRedirect: stop}, t, ""}
}

var refresh = regexp.MustCompile(`http-equiv="refresh" content="0;url=([^"]+)"`)

// page is what the browser came to.
type page struct {
	status int
	at     *url.URL
	body   string
}

// walk goes to an address and on, until a page waits for the person or a service is reached.
func (b *browser) walk(address string) page {
	b.t.Helper()
	return b.follow(http.MethodGet, address, nil)
}

func (b *browser) follow(method, address string, form url.Values) page {
	b.t.Helper()
	for range 20 {
		u, err := url.Parse(address)
		if err != nil {
			b.t.Fatal(err)
		}
		if strings.HasSuffix(u.Host, ".test") {
			return page{200, u, ""}
		}
		var body io.Reader
		if form != nil {
			body = strings.NewReader(form.Encode())
		}
		r, err := http.NewRequestWithContext(b.t.Context(), method, address, body)
		if err != nil {
			b.t.Fatal(err)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		answer, err := b.Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		next := answer.Header.Get("Location")
		if found := refresh.FindStringSubmatch(string(text)); next == "" && found != nil {
			next = strings.ReplaceAll(found[1], "&amp;", "&")
		} else if method == http.MethodPost && next != "" && !strings.HasPrefix(next, "/") {
			b.t.Fatalf("a form that ends at another site: %s", next)
		}
		if next == "" {
			return page{answer.StatusCode, u, string(text)}
		}
		to, err := u.Parse(next)
		if err != nil {
			b.t.Fatal(err)
		}
		method, address, form = http.MethodGet, to.String(), nil
	}
	b.t.Fatal("led in circles")
	return page{}
}

// post sends a form of a page.
func (b *browser) post(p page, path string, pairs ...string) page {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	to, err := p.at.Parse(path)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.follow(http.MethodPost, to.String(), form)
}

// opens begins at a service of a node.
func (b *browser) opens(n *node, app string, more ...string) page {
	b.t.Helper()
	q := url.Values{"client_id": {app}, "response_type": {"code"}, "scope": {"openid profile email"}, "redirect_uri": {"https://" + app + ".test/cb"}, "state": {"s1"}, "nonce": {"n1"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return b.walk(n.url + "/oidc/authorize?" + q.Encode())
}

// goes says at B's sign-in page where the person is at home, and stops there.
func (b *browser) goes(p page, where ...string) page {
	b.t.Helper()
	if p.at.Path != "/sign-in" {
		b.t.Fatalf("no page to sign in: %s %s", p.at, p.body)
	}
	flow := p.at.Query().Get("flow")
	return b.post(p, broker.PathElsewhere, append([]string{"flow", flow}, where...)...)
}

// signs gives the password at home, and agrees when asked.
func (b *browser) signs(p page, handle string, agree ...string) page {
	b.t.Helper()
	if p.at.Path == "/sign-in" {
		p = b.post(p, "/sign-in", "flow", p.at.Query().Get("flow"), "who", handle, "password", "right")
	}
	if p.at.Path == "/sign-in/consent" {
		p = b.post(p, "/sign-in/consent", append([]string{"flow", p.at.Query().Get("flow")}, agree...)...)
	}
	return p
}

// redeem trades a service's code, and says what it is told.
func (n *node) redeem(app, secret string, p page) map[string]any {
	n.t.Helper()
	code := p.at.Query().Get("code")
	if code == "" {
		n.t.Fatalf("no code: %d %s %s", p.status, p.at, text(p.body))
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://" + app + ".test/cb"}, "client_id": {app}, "client_secret": {secret}}
	answer, err := http.PostForm(n.url+"/oidc/token", form)
	n.must(err)
	defer answer.Body.Close()
	raw, _ := io.ReadAll(answer.Body)
	var out struct {
		Token string `json:"access_token"`
	}
	n.must(wire.Peek(raw, &out))
	r, _ := http.NewRequestWithContext(n.t.Context(), http.MethodGet, n.url+"/oidc/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+out.Token)
	answer, err = http.DefaultClient.Do(r)
	n.must(err)
	defer answer.Body.Close()
	raw, _ = io.ReadAll(answer.Body)
	told := map[string]any{}
	if err := wire.Decode(raw, &told); err != nil {
		n.t.Fatal(fmt.Errorf("%w: %s", err, raw))
	}
	return told
}

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

func text(html string) string { return tags.ReplaceAllString(html, " ") }

// arrived says whether a service has got a code.
func (p page) arrived() bool {
	return strings.HasSuffix(p.at.Host, ".test") && p.at.Query().Get("code") != ""
}
