package relying

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"entrechat/internal/app/lab"
)

// Where the service's pages are, below its address.
const (
	pathCallback = "/callback"
	pathOut      = "/sign-out"
	pathLogout   = "/logged-out" // back-channel, from the issuer
)

// Person is what the service was told of somebody.
type Person struct {
	Sub      string `json:"sub"`
	Username string `json:"preferred_username"`
	Name     string `json:"name"`
	Mail     string `json:"email"`
	SID      string `json:"sid"` // of the session at the issuer
	Nonce    string `json:"nonce"`
	token    string // the ID token
}

// Service is a web page behind a sign-in. Safe for concurrent use.
type Service struct {
	Name    string
	Address string // host:port
	// FormPost has codes come as a form and not in an address, as PeerTube does.
	FormPost bool
	end      string // where the issuer signs a browser out
	server   *http.Server
	oauth    oauth2.Config
	verifier *oidc.IDTokenVerifier

	mu     sync.Mutex
	begun  map[string]begun  // sign-ins that did not end yet, by state
	people map[string]Person // who is signed in, by cookie
}

// begun is a sign-in that did not end yet.
type begun struct{ nonce, verifier string }

// NewService starts one on loopback. It answers 503 until it has Joined a hoster. Close ends it.
func NewService(name string) (*Service, error) {
	var d net.ListenConfig
	l, err := d.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a service: %w", err)
	}
	s := &Service{Name: name, Address: l.Addr().String(), begun: map[string]begun{}, people: map[string]Person{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc(pathCallback, s.callback)
	mux.HandleFunc("GET "+pathOut, s.signOut)
	mux.HandleFunc("POST "+pathLogout, s.loggedOut)
	mux.HandleFunc("GET /bye", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>Bye</title><link rel="icon" href="data:,"><h1>Bye</h1>`)
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(l) //nolint:errcheck // it ends with Close
	return s, nil
}

// URL is where it is reached, without a slash at its end.
func (s *Service) URL() string { return "http://" + s.Address }

// Close ends it.
func (s *Service) Close() error { return s.server.Close() }

// Join makes it a service of a hoster that is up: from then on it signs people in there.
func (s *Service) Join(ctx context.Context, n *lab.Node) error {
	var added struct {
		Name   string `json:"name"`
		Secret string `json:"secret"`
	}
	if err := n.RunJSON(ctx, &added, "identity", "app", "add", "generic", "--name", s.Name, "--url", s.URL(),
		"--redirect", s.URL()+pathCallback, "--post-logout", s.URL()+"/bye", "--back-logout", s.URL()+pathLogout); err != nil {
		return err
	}
	issuer, err := oidc.NewProvider(ctx, n.URL())
	if err != nil {
		return fmt.Errorf("ask %s how it signs people in: %w", n.Name, err)
	}
	var more struct {
		End string `json:"end_session_endpoint"`
	}
	if err := issuer.Claims(&more); err != nil {
		return fmt.Errorf("read what %s says of itself: %w", n.Name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = more.End
	s.oauth = oauth2.Config{
		ClientID: added.Name, ClientSecret: added.Secret, Endpoint: issuer.Endpoint(), RedirectURL: s.URL() + pathCallback,
		Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}
	s.verifier = issuer.VerifierContext(context.WithoutCancel(ctx), &oidc.Config{ClientID: added.Name})
	return nil
}

// People are those signed in now.
func (s *Service) People() []Person {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Person, 0, len(s.people))
	for _, p := range s.people {
		all = append(all, p)
	}
	return all
}

// cookie is what a browser keeps; its name differs by port, since cookies do not.
func (s *Service) cookie(of string) string {
	_, port, _ := net.SplitHostPort(s.Address)
	return s.Name + "-" + port + "-" + of
}

func (s *Service) set(w http.ResponseWriter, of, value string) {
	http.SetCookie(w, &http.Cookie{Name: s.cookie(of), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}) //nolint:gosec // plain http, on loopback only
}

func (s *Service) kept(r *http.Request, of string) string {
	c, err := r.Cookie(s.cookie(of))
	if err != nil {
		return ""
	}
	return c.Value
}

// page greets who is signed in, and sends everybody else to sign in.
func (s *Service) page(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.verifier == nil {
		http.Error(w, "belongs to no hoster yet", http.StatusServiceUnavailable)
		return
	}
	if p, in := s.people[s.kept(r, "in")]; in {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>%[1]s</title><link rel="icon" href="data:,"><h1>%[1]s</h1><p id="username">%[2]s</p><p id="sub">%[3]s</p><p id="mail">%[4]s</p>`,
			html.EscapeString(s.Name), html.EscapeString(p.Username), html.EscapeString(p.Sub), html.EscapeString(p.Mail))
		return
	}
	state, b := rand.Text(), begun{nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	s.begun[state] = b
	s.set(w, "state", state)
	options := []oauth2.AuthCodeOption{oidc.Nonce(b.nonce), oauth2.S256ChallengeOption(b.verifier)}
	if s.FormPost {
		options = append(options, oauth2.SetAuthURLParam("response_mode", "form_post"))
	}
	http.Redirect(w, r, s.oauth.AuthCodeURL(state, options...), http.StatusSeeOther)
}

// callback takes a code, in the browser in which the sign-in began.
func (s *Service) callback(w http.ResponseWriter, r *http.Request) {
	state := r.FormValue("state")
	s.mu.Lock()
	b, known := s.begun[state]
	delete(s.begun, state)
	s.mu.Unlock()
	if !known || s.kept(r, "state") != state {
		http.Error(w, "no such sign-in", http.StatusBadRequest)
		return
	}
	p, err := s.redeem(r.Context(), r.FormValue("code"), b)
	if err != nil {
		http.Error(w, "sign-in failed: "+r.FormValue("error")+" "+err.Error(), http.StatusForbidden)
		return
	}
	cookie := rand.Text()
	s.mu.Lock()
	s.people[cookie] = p
	s.mu.Unlock()
	s.set(w, "in", cookie)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// redeem takes an ID token for a code.
func (s *Service) redeem(ctx context.Context, code string, b begun) (p Person, err error) {
	tokens, err := s.oauth.Exchange(ctx, code, oauth2.VerifierOption(b.verifier))
	if err != nil {
		return p, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := s.verifier.Verify(ctx, raw)
	if err != nil {
		return p, err
	}
	if err := token.Claims(&p); err != nil {
		return p, err
	}
	if p.token = raw; p.Nonce != b.nonce {
		return p, errors.New("another sign-in's token")
	}
	return p, nil
}

// signOut ends it here and has the issuer end it too, which sends the browser back to /bye.
func (s *Service) signOut(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.kept(r, "in")
	p := s.people[in]
	delete(s.people, in)
	query := url.Values{"id_token_hint": {p.token}, "post_logout_redirect_uri": {s.URL() + "/bye"}}
	http.Redirect(w, r, s.end+"?"+query.Encode(), http.StatusSeeOther)
}

// loggedOut ends what the issuer says has ended.
func (s *Service) loggedOut(w http.ResponseWriter, r *http.Request) {
	var said struct {
		SID    string         `json:"sid"`
		Nonce  string         `json:"nonce"`
		Events map[string]any `json:"events"`
	}
	token, err := s.verifier.Verify(r.Context(), r.PostFormValue("logout_token"))
	if err == nil {
		err = token.Claims(&said)
	}
	_, event := said.Events["http://schemas.openid.net/event/backchannel-logout"]
	if err != nil || !event || said.Nonce != "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for cookie, p := range s.people {
		if p.Sub == token.Subject && (said.SID == "" || said.SID == p.SID) {
			delete(s.people, cookie)
		}
	}
}
