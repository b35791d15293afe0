package provider

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/client"
)

// recorder holds the library's answer until what it did is written.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newRecorder() *recorder { return &recorder{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (a *recorder) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *recorder) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write implements http.ResponseWriter.
func (a *recorder) Write(text []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(text)
}

const cookieAge = 24 * 60 * 60 // seconds

// cookie is the name of the cookie that tells one browser from others.
const cookie = "entrechat-flow"

// browser is the hash of the cookie that tells this browser from others; set gives it one.
func (p front) browser(w http.ResponseWriter, r *http.Request, set bool) string {
	if c, err := r.Cookie(web.CookieName(p.n.Issuer, cookie)); err == nil && len(c.Value) == len(rand.Text()) {
		return seal.TokenHash(c.Value)
	}
	if !set {
		return ""
	}
	value := rand.Text()
	http.SetCookie(w, web.Cookie(p.n.Issuer, cookie, value, cookieAge))
	return seal.TokenHash(value)
}

// single refuses a parameter that comes twice: two readers could see two requests (RFC 6749
// section 3.1). resource may (RFC 8707).
func single(v url.Values) error {
	for name, list := range v {
		if len(list) > 1 && name != "resource" {
			return core.Invalid("identity.provider.twice", errors.New("a parameter twice"))
		}
	}
	return nil
}

// normal drops scopes and acr values we do not know, which are only wishes, and takes out the
// answer as a form, which is ours to make; it says whether it was wanted.
func normal(v url.Values) (formPost bool) {
	for name, known := range map[string][]string{"scope": scopes(), "acr_values": {ACROne, ACRTwo}} {
		if v.Has(name) {
			v.Set(name, strings.Join(slices.DeleteFunc(strings.Fields(v.Get(name)), func(s string) bool { return !slices.Contains(known, s) }), " "))
		}
	}
	if v.Get("acr_values") == "" {
		v.Del("acr_values")
	}
	v.Del("display") // our pages fit any
	if v.Get("response_mode") == "form_post" {
		v.Del("response_mode")
		return true
	}
	return false
}

// again turns a form that another site's page sent into an address: only then the browser
// sends its cookies.
func (p front) again(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || len(r.URL.RawQuery) > 0 {
		p.refuse(w, r, core.Invalid("identity.provider.bad_request", errors.Join(err, errors.New("a form that cannot be read"))))
		return
	}
	query := r.PostForm.Encode()
	if len(query) > maxQuery {
		p.refuse(w, r, core.Invalid("identity.provider.too_long", errTooLong))
		return
	}
	private(w)
	w.Header().Set("Location", r.URL.Path+"?"+query)
	w.WriteHeader(http.StatusSeeOther)
}

// authorize begins a flow.
func (p front) authorize(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		err = core.Invalid("identity.provider.bad_request", err)
	} else {
		err = single(query)
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	k := &work{now: p.now(), path: pathAuthorize, browser: p.browser(w, r, true)}
	k.formPost = normal(query)
	if err := p.exactRedirect(r, k, query); err != nil {
		p.refuse(w, r, err)
		return
	}
	if code := misasked(query); code != "" {
		p.sendBack(w, r, k, query, code)
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.RawQuery = query.Encode()
	p.run(w, inner, k)
}

// misasked says what is wrong with a request that the library names otherwise or lets pass;
// empty = nothing, as far as is seen here.
func misasked(query url.Values) goidc.ErrorCode {
	if query.Get("redirect_uri") == "" || query.Has("request") || query.Has("request_uri") {
		return ""
	}
	if kind := query.Get("response_type"); kind != "" && kind != "code" {
		return unsupportedResponseType
	}
	if prompts := strings.Fields(query.Get("prompt")); len(prompts) > 1 && slices.Contains(prompts, "none") {
		return goidc.ErrorCodeInvalidRequest
	}
	if age := query.Get("max_age"); strings.HasPrefix(age, "-") {
		return goidc.ErrorCodeInvalidRequest
	}
	return ""
}

// sendBack answers a client with an error, at an address that is its own.
func (p front) sendBack(w http.ResponseWriter, r *http.Request, k *work, query url.Values, code goidc.ErrorCode) {
	said := url.Values{"error": {string(code)}, "iss": {p.n.Issuer}}
	if query.Get("state") != "" {
		said.Set("state", query.Get("state"))
	}
	to := query.Get("redirect_uri")
	switch {
	case query.Get("response_mode") == "fragment":
		to += "#" + said.Encode()
	case strings.Contains(to, "?"):
		to += "&" + said.Encode()
	default:
		to += "?" + said.Encode()
	}
	private(w)
	if k.formPost {
		p.formPost(w, r, k, to)
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// exactRedirect refuses an address that is not the client's, sign for sign, before anything
// could be sent there.
func (p front) exactRedirect(r *http.Request, k *work, query url.Values) error {
	c, err := p.client(r.Context(), query.Get("client_id"))
	if err != nil {
		return err
	}
	k.client = c
	if to := query.Get("redirect_uri"); to != "" && !slices.Contains(c.Redirects, to) {
		return core.Invalid("identity.provider.bad_redirect", errors.New("not an address of the client")).With("Name", c.Called())
	}
	return nil
}

// next goes on with a flow in the browser it began in.
func (p front) next(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("flow")
	k := &work{now: p.now(), path: PathNext, browser: p.browser(w, r, false), cancel: r.URL.Query().Has("cancel")}
	if !flowID(id) {
		p.refuse(w, r, core.NotFound("identity.provider.no_flow", errTwice))
		return
	}
	inner := r.Clone(r.Context())
	inner.URL.Path, inner.URL.RawPath, inner.URL.RawQuery = pathAuthorize+"/"+id, "", ""
	p.run(w, inner, k)
}

// flowID says whether text has the form of a flow's id.
func flowID(s string) bool {
	return len(s) == 52 && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }) < 0
}

// run has the library answer a browser, writes what it did, then lets the answer go.
func (p front) run(w http.ResponseWriter, r *http.Request, k *work) {
	answer := newRecorder()
	ctx := withWork(r.Context(), k)
	p.engine.ServeHTTP(answer, r.WithContext(ctx))
	err := errors.Join(k.failed, k.shown)
	if err == nil {
		err = p.commit(ctx, k)
	}
	if errors.Is(err, errTwice) && k.shown == nil {
		err = core.NotFound("identity.provider.no_flow", err)
	}
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	private(w)
	to := answer.header.Get("Location")
	if k.formPost && to != "" && k.client.ID != "" && !strings.HasPrefix(to, "/") {
		p.formPost(w, r, k, to)
		return
	}
	if to == "" {
		p.refuse(w, r, core.Invalid("identity.provider.bad_request", errors.New("the library answered nothing")))
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// private keeps what is answered out of caches and referrers.
func private(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

// notRedirected is told of errors that may not go to the client.
func (p manager) notRedirected(_ http.ResponseWriter, r *http.Request, err error) error {
	k := workOf(r.Context())
	if k.shown == nil {
		k.shown = sentence(err)
	}
	return nil
}

// sentence is what a person is told of an error of the library.
func sentence(err error) error {
	if core.CodeOf(err) != core.CodeInternal {
		return err
	}
	var e goidc.Error
	switch {
	case !errors.As(err, &e) || e.Code == goidc.ErrorCodeInternalError:
		return err
	case k404(err):
		return core.NotFound("identity.provider.no_flow", err)
	case e.Code == goidc.ErrorCodeInvalidClient:
		return core.NotFound("identity.client.unknown", err).With("Name", "")
	default:
		return core.Invalid("identity.provider.bad_request", err)
	}
}

// k404 says that a flow is not there, in the library's words.
func k404(err error) bool {
	text := err.Error()
	return strings.Contains(text, "session was not found") || strings.Contains(text, "has expired") || strings.Contains(text, "already been used") || strings.Contains(text, "was not found")
}

// logged notes what the library refused; it has no personal data.
func (p manager) logged(ctx context.Context, err error) {
	var e goidc.Error
	if !errors.As(err, &e) || e.Code == goidc.ErrorCodeInternalError {
		p.n.Log.Error("sign-in failed", "path", workOf(ctx).path, "error", err)
		return
	}
	p.n.Log.Debug("sign-in refused", "path", workOf(ctx).path, "code", string(e.Code), "error", err)
}

// Flow is a sign-in that waits, as the pages on its way show it.
type Flow struct {
	ID     string
	Client client.Client
	Hint   string // who the client thinks it is; may be anything
	// Anew says that a sign-in from before the flow is not enough.
	Anew bool
	// MaxAge is how old a sign-in may be; negative = any.
	MaxAge time.Duration
	Begun  core.Moment
	Scopes []string
	// TwoFactors says that the client would like two.
	TwoFactors bool
}

// Flow reads a flow in the browser it began in. Returns CodeNotFound "identity.provider.no_flow",
// CodeDenied "identity.provider.other_browser".
func (p *Provider) Flow(r *http.Request, id string) (Flow, error) {
	if !flowID(id) {
		return Flow{}, core.NotFound("identity.provider.no_flow", errTwice)
	}
	k := &work{now: p.now()}
	as, err := manager{p}.Session(withWork(r.Context(), k), id)
	if errors.Is(err, goidc.ErrNotFound) || errors.Is(err, db.ErrNoRow) {
		return Flow{}, core.NotFound("identity.provider.no_flow", err)
	}
	if err != nil {
		return Flow{}, err
	}
	f := factsOf(as.Store)
	if mine := (front{p}).browser(nil, r, false); f.Browser != mine || mine == "" {
		return Flow{}, core.Denied("identity.provider.other_browser", errTwice)
	}
	c, err := p.client(r.Context(), as.ClientID)
	if err != nil {
		return Flow{}, err
	}
	d := demandOf(as, f.Begun)
	return Flow{
		ID: id, Client: c, Hint: as.LoginHint, Anew: !d.enough(f.Begun-1, k.now), MaxAge: d.maxAge, Begun: f.Begun, Scopes: strings.Fields(as.Scopes),
		TwoFactors: slices.Contains(strings.Fields(as.ACRValues), ACRTwo),
	}, nil
}

// Next is where the browser goes on once somebody is signed in.
func Next(flow string) string { return PathNext + "?" + url.Values{"flow": {flow}}.Encode() }

// Cancel is where the browser goes when the person does not want to.
func Cancel(flow string) string {
	return PathNext + "?" + url.Values{"flow": {flow}, "cancel": {"1"}}.Encode()
}
