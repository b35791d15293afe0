package provider

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"entrechat/internal/core"
)

// program serves an endpoint that programs call, not browsers.
func (p front) program(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		k := &work{now: p.now(), path: path, basic: strings.HasPrefix(strings.ToLower(r.Header.Get("Authorization")), "basic ")}
		if bad := p.readForm(r, k); bad != nil {
			p.answerError(w, k, *bad)
			return
		}
		p.serve(w, r, k)
	}
}

// readForm reads a form strictly. Two ways to show who it is in one request are refused
// (RFC 6749 section 2.3).
func (p front) readForm(r *http.Request, k *work) *goidc.Error {
	bad := func(why string) *goidc.Error {
		e := goidc.NewError(goidc.ErrorCodeInvalidRequest, why)
		return &e
	}
	if r.URL.RawQuery != "" {
		return bad("parameters belong in the body")
	}
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded") {
		return bad("the body must be a form")
	}
	if err := r.ParseForm(); err != nil {
		return bad("the form cannot be read")
	}
	if single(r.PostForm) != nil {
		return bad("a parameter comes twice")
	}
	ways := 0
	for _, there := range []bool{k.basic, r.PostForm.Get("client_secret") != "", r.PostForm.Get("client_assertion") != ""} {
		if there {
			ways++
		}
	}
	if ways > 1 {
		return bad("the client shows who it is in two ways")
	}
	if k.path == pathPAR {
		k.formPost = normal(r.PostForm)
	}
	if k.path == pathToken {
		r.PostForm.Del("scope") // a grant's scopes do not change: what is asked beside them is passed over
	}
	r.Form = r.PostForm
	return nil
}

// serve has the library answer a program, writes what it did, then lets the answer go.
func (p front) serve(w http.ResponseWriter, r *http.Request, k *work) {
	answer := newRecorder()
	ctx := withWork(r.Context(), k)
	p.engine.ServeHTTP(answer, r.WithContext(ctx))
	err := k.failed
	if err == nil {
		err = p.commit(ctx, k)
	}
	switch {
	case err == nil:
	case errors.Is(err, errTwice) && len(k.seen) > 0 && k.grant == nil:
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInvalidClient, "the assertion was used before"))
		return
	case errors.Is(err, errEnded):
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInvalidGrant, "the person signed out meanwhile"))
		return
	case errors.Is(err, errTwice):
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInvalidGrant, "it was used before"))
		return
	case core.CodeOf(err) == core.CodeUnsure || core.CodeOf(err) == core.CodeFull:
		p.answerError(w, k, goidc.NewError("temporarily_unavailable", "try again later").WithStatusCode(http.StatusServiceUnavailable))
		return
	default:
		p.n.Log.Error("sign-in failed", "path", k.path, "error", err)
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInternalError, "internal error"))
		return
	}
	if k.path == pathIntro && answer.status == http.StatusForbidden {
		// Somebody else's token is none, to this client (RFC 7662 section 2.2).
		answer = newRecorder()
		answer.header.Set("Content-Type", "application/json")
		answer.body.WriteString(`{"active":false}` + "\n")
	}
	p.send(w, k, answer)
}

// send lets an answer go, with the headers that the RFCs want.
func (p front) send(w http.ResponseWriter, k *work, answer *recorder) {
	private(w)
	if kind := answer.header.Get("Content-Type"); kind != "" {
		w.Header().Set("Content-Type", kind)
	}
	if answer.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", p.challenge(k))
	}
	w.WriteHeader(max(answer.status, http.StatusOK))
	_, _ = answer.body.WriteTo(w)
}

// challenge says how to show who one is: RFC 6750 section 3, RFC 6749 section 5.2.
func (p front) challenge(k *work) string {
	if k.path != pathUserinfo {
		return `Basic realm="entrechat"`
	}
	if k.basic { // no token came at all
		return `Bearer realm="entrechat"`
	}
	return `Bearer realm="entrechat", error="invalid_token", error_description="the access token is not valid"`
}

func (p front) answerError(w http.ResponseWriter, k *work, e goidc.Error) {
	answer := newRecorder()
	answer.header.Set("Content-Type", "application/json")
	answer.WriteHeader(e.StatusCode())
	text, err := json.Marshal(e)
	if err != nil {
		p.n.Log.Error("answer cannot be written", "error", err)
	}
	answer.body.Write(text)
	p.send(w, k, answer)
}

// userinfo tells a client of the person its token stands for.
func (p front) userinfo(w http.ResponseWriter, r *http.Request) {
	k := &work{now: p.now(), path: pathUserinfo}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if r.Method == http.MethodPost && scheme == "" {
		if bad := p.readForm(r, k); bad != nil {
			p.answerError(w, k, *bad)
			return
		}
		scheme, token = "Bearer", r.PostForm.Get("access_token") // RFC 6750 section 2.2
	} else if r.Method == http.MethodPost && r.ParseForm() == nil && r.PostForm.Has("access_token") {
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInvalidRequest, "a token comes in two ways"))
		return
	}
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		k.basic = true
		p.answerError(w, k, goidc.NewError(goidc.ErrorCodeInvalidToken, "an access token is required"))
		return
	}
	inner := r.Clone(r.Context())
	inner.Method, inner.Body, inner.ContentLength = http.MethodGet, http.NoBody, 0
	inner.URL.RawQuery = ""
	inner.Header = http.Header{"Authorization": {"Bearer " + token}}
	p.serve(w, inner, k)
}

// mayIntrospect says whether a client may ask about a token: its own, and those of services
// it reads.
func (p manager) mayIntrospect(ctx context.Context, c *goidc.Client, info goidc.TokenInfo) bool {
	return info.ClientID == c.ID || slices.Contains(workOf(ctx).client.Reads, info.ClientID)
}
