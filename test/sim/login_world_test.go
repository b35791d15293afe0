package sim

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entrechat/internal/app/lab/relying"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/home"
	identitytables "entrechat/internal/room/identity/migrations"
	"entrechat/internal/room/identity/person"
	"entrechat/internal/room/identity/signin"
	"entrechat/internal/room/trust"
	"entrechat/internal/room/trust/grant"
	members "entrechat/internal/room/trust/member"
	trusttables "entrechat/internal/room/trust/migrations"
	"entrechat/internal/room/trust/trusttest"
)

// hoster is one node with logbook, trust and identity, a person and a service.
type hoster struct {
	v      *village
	id     core.MemberID
	away   bool // dead
	book   *logbook.Book
	trust  *trust.Room
	ids    *identity.Room
	app    oauth2.Config    // its service
	person *relying.Browser // signed in at home
	calls  []func()         // end idle connections
}

// village is hosters on fake time, with pipes for a network.
type village struct {
	t       *testing.T
	dir     string
	net     *network
	hosters []*hoster
	servers []*http.Server
	visitor *http.Transport // of people's browsers and of services
}

const (
	everybodys = "un cheval debout"
	backHost   = "127.0.0.1" // where services are reached
)

func newVillage(t *testing.T, count int) *village {
	t.Helper()
	v := &village{t: t, dir: scratch(t), net: &network{}}
	v.net.cut = func(from, to string) bool { return v.isAway(from) || v.isAway(to) }
	v.visitor = &http.Transport{DialContext: v.net.dialer("browser", func(to string) string { return to })}
	before := http.DefaultTransport
	http.DefaultTransport = v.visitor // what browsers and services call with
	t.Cleanup(func() { http.DefaultTransport = before })
	v.serve(backHost, http.NotFoundHandler()) // only addresses are looked at
	for i := range count {
		v.hosters = append(v.hosters, v.found(core.MemberID(name(i))))
	}
	return v
}

func (v *village) isAway(name string) bool {
	return slices.ContainsFunc(v.hosters, func(h *hoster) bool { return string(h.id) == name && h.away })
}

func (v *village) serve(name string, handler http.Handler) {
	server := &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	v.servers = append(v.servers, server)
	l := v.net.listen(name)
	go func() { _ = server.Serve(l) }()
}

// found makes a node with everything its program would have for this.
func (v *village) found(id core.MemberID) *hoster {
	t := v.t
	t.Helper()
	h := &hoster{v: v, id: id}
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(v.dir, string(id)+".db"))
	trusttest.OK(t, err)
	t.Cleanup(func() { _ = d.Close() })
	trusttest.OK(t, errors.Join(db.Migrate(t.Context(), d, "logbook", logbook.Migrations()), db.Migrate(t.Context(), d, "trust", trusttables.Files),
		db.Migrate(t.Context(), d, "identity", identitytables.Files), db.Migrate(t.Context(), d, "web", web.Migrations())))
	signer, root, url, quiet := trusttest.SignerOf(id), trusttest.KeyFrom("root of "+string(id)), "http://"+string(id), slog.New(slog.DiscardHandler)
	dial := v.net.dialer(string(id), func(to string) string { return to })
	h.book = logbook.New(logbook.Needs{DB: d, Signer: signer, Now: time.Now, Log: quiet, Tuning: logbook.Tuning{Wait: time.Minute, NoListen: true}})
	needs := peer.Needs{Signer: signer, Keyring: h.book, Private: true, Now: time.Now, Log: quiet, Dial: dial}
	caller := peer.NewClient(needs)
	h.calls = append(h.calls, caller.CloseIdle)
	h.book.Connect(caller)
	h.trust, err = trust.New(trust.Needs{
		DB: d, Types: grant.Types{home.GrantType()}, Signer: signer, Self: members.Address{Member: id, URL: url, Root: trusttest.PublicRoot(root)},
		Book: h.book, Follower: h.book, Caller: caller, Home: func(a members.Address) string { return "http://" + string(a.Member) }, Now: time.Now, Log: quiet,
	})
	trusttest.OK(t, err)
	catalogue, err := words.New(append(identity.AllWords(), web.Words)...)
	trusttest.OK(t, err)
	h.ids, err = identity.New(identity.Needs{
		DB: d, Words: catalogue, Origin: id, URL: url, Dir: v.t.TempDir(), Book: h.book, Trust: h.trust, Private: true, Dial: dial,
		Root: func(ctx context.Context, id core.MemberID) (core.RootKey, error) {
			m, err := h.book.Member(ctx, id)
			return m.Root, err
		},
		Mailer: func() (signin.Mailer, bool) { return nil, false }, Settings: *identity.DefaultSettings(), Now: time.Now, Log: quiet,
	})
	trusttest.OK(t, err)
	v.serve(string(id), h.handler(d, catalogue, needs, quiet))
	trusttest.OK(t, h.book.Init(t.Context(), trusttest.KeySet(t, id, url, root), trusttest.PublicRoot(root)))
	return h
}

// handler is what the node answers, as its program would.
func (h *hoster) handler(d *db.DB, catalogue *words.Catalogue, needs peer.Needs, log *slog.Logger) http.Handler {
	f := h.ids.Fittings()
	site := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.French, URL: "http://" + string(h.id), Now: time.Now, Log: log,
		Host: func(context.Context) web.Host { return web.Host{Name: string(h.id), Origin: h.id} },
	})
	exchange, mux := peer.NewHandler(needs, append(h.book.Routes(), h.trust.Fittings().Peer...)), http.NewServeMux()
	for _, path := range []string{"/ec/", "/log/", "/.well-known/entrechat.json"} {
		mux.Handle(path, exchange)
	}
	for _, r := range f.Pages {
		mux.Handle(r.Pattern, r.Handler)
	}
	mux.Handle("/", site.Handler([]web.Pages{f.Web(site)}))
	return mux
}

// round is one exchange of logbooks: everybody that lives works once.
func (v *village) round() {
	v.t.Helper()
	for _, h := range v.hosters {
		if h.away {
			continue
		}
		ctx := v.t.Context()
		readers := slices.Concat(h.trust.Readers(), h.ids.Fittings().Readers)
		// Who cannot be reached is no error of who asks.
		_, _ = h.book.Pull(ctx), h.book.Push(ctx)
		trusttest.OK(v.t, errors.Join(h.book.Deliver(ctx, readers), h.trust.Members.Settle(ctx)))
		_ = h.trust.Tasks.Run(ctx)
		for _, job := range h.ids.Fittings().Jobs {
			if slices.Contains([]string{"identity-card", "identity-logout", "identity-keys"}, job.Name) {
				if err := job.Run(ctx); err != nil && core.CodeOf(err) != core.CodeUnsure {
					v.t.Errorf("%s: %s: %v", h.id, job.Name, err)
				}
			}
		}
	}
}

// settle has fake time pass with rounds in it.
func (v *village) settle(d time.Duration, rounds int) {
	v.t.Helper()
	for range rounds {
		time.Sleep(d / time.Duration(rounds))
		v.round()
	}
}

// people gives every hoster a person, signed in at home, and a service.
func (v *village) people() {
	v.t.Helper()
	ctx := v.t.Context()
	for _, h := range v.hosters {
		p, err := h.ids.Persons.Create(ctx, person.New{Handle: "ana"})
		trusttest.OK(v.t, err)
		trusttest.OK(v.t, h.ids.Credentials.SetPassword(ctx, p.ID, everybodys))
		back := "http://" + backHost + "/" + string(h.id)
		_, secret, err := h.ids.Clients.Add(ctx, client.Client{ID: "pad", Template: "generic", URL: back, Settings: client.Settings{Redirects: []string{back}, Alg: "ES256", PKCE: true}})
		trusttest.OK(v.t, err)
		h.app = oauth2.Config{
			ClientID: "pad", ClientSecret: secret, RedirectURL: back, Scopes: []string{oidc.ScopeOpenID, "profile"},
			Endpoint: oauth2.Endpoint{AuthURL: "http://" + string(h.id) + "/oidc/authorize", TokenURL: "http://" + string(h.id) + "/oidc/token", AuthStyle: oauth2.AuthStyleInHeader},
		}
		h.person = relying.NewBrowser()
		page := v.open(h.person, "http://"+string(h.id)+"/sign-in")
		if page = v.send(h.person, page, "/sign-in", "who", "ana", "password", everybodys); !strings.HasPrefix(page.URL.Path, "/account") {
			v.t.Fatalf("not at home at %s: %s %s", h.id, page.URL, page.Text())
		}
	}
}

func (v *village) open(b *relying.Browser, address string) relying.Page {
	v.t.Helper()
	page, err := b.Open(v.t.Context(), address)
	trusttest.OK(v.t, err)
	return page
}

func (v *village) send(b *relying.Browser, p relying.Page, path string, fields ...string) relying.Page {
	v.t.Helper()
	form := map[string]string{}
	for i := 0; i+1 < len(fields); i += 2 {
		form[fields[i]] = fields[i+1]
	}
	page, err := b.Send(v.t.Context(), p, path, form)
	trusttest.OK(v.t, err)
	return page
}

// end stops everything, so that nothing of it is left in the bubble.
func (v *village) end() {
	for _, s := range v.servers {
		_ = s.Close()
	}
	v.visitor.CloseIdleConnections()
	for _, h := range v.hosters {
		for _, idle := range h.calls {
			idle()
		}
	}
	time.Sleep(2 * time.Minute) // idle connections of the rooms end by then
	synctest.Wait()
}
