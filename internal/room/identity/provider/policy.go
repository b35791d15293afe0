package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/client"
)

// What the library has no name for.
const (
	consentRequired         goidc.ErrorCode = "consent_required"
	unsupportedResponseType goidc.ErrorCode = "unsupported_response_type"
)

// demand is what a client asks of the sign-in.
type demand struct {
	prompts []string
	maxAge  time.Duration // negative = any
	begun   core.Moment   // when the flow began
}

func demandOf(as *goidc.AuthnSession, begun core.Moment) demand {
	d := demand{prompts: strings.Fields(string(as.Prompt)), maxAge: -1, begun: begun}
	if as.MaxAuthnAgeSecs != nil && *as.MaxAuthnAgeSecs >= 0 {
		d.maxAge = time.Duration(min(*as.MaxAuthnAgeSecs, 1<<30)) * time.Second
	}
	return d
}

func (d demand) silent() bool { return slices.Contains(d.prompts, "none") }

// enough says whether a sign-in is as fresh as the client wants it.
func (d demand) enough(at, now core.Moment) bool {
	anew := slices.Contains(d.prompts, "login") || slices.Contains(d.prompts, "select_account")
	if anew && at < d.begun {
		return false
	}
	// One made for this flow is always fresh enough: max_age=0 must end.
	return d.maxAge < 0 || at >= d.begun || now.Sub(at) <= d.maxAge
}

// policy decides how flows go on.
type policy struct{ *Provider }

// authenticate decides how a flow goes on; the library calls it for a new flow and when one
// goes on.
func (p policy) authenticate(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
	k := workOf(r.Context())
	f, refused := k.bind(as)
	if refused != nil {
		return p.broken(k, refused)
	}
	if err := wellAsked(as, k.client); err != nil {
		return goidc.StatusFailure, err
	}
	if k.cancel {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the person went back")
	}
	d := demandOf(as, f.Begun)
	login, in, err := p.n.Browser.Person(r)
	if err != nil {
		return p.broken(k, err)
	}
	if in && as.IDTokenHintClaims != nil {
		s, found, err := client.SubjectOf(r.Context(), p.n.DB, k.client.Scope(), login.Person)
		if err != nil {
			return p.broken(k, err)
		}
		in = found && s.Sub == as.IDTokenHintClaims.Subject
	}
	if !in || !d.enough(login.At, k.now) {
		if d.silent() {
			return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeLoginRequired, "nobody is signed in")
		}
		return wait(w, as, PathSignIn)
	}
	return p.grantTo(w, r, as, login)
}

// bind ties a flow to the browser it began in.
func (k *work) bind(as *goidc.AuthnSession) (f facts, refused error) {
	if as.Store == nil {
		as.Store = map[string]any{}
	}
	f = factsOf(as.Store)
	if f.Browser == "" {
		f.Browser, f.Begun, f.FormPost = k.browser, k.now, k.formPost || f.FormPost
	}
	if f.Browser != k.browser || k.browser == "" {
		return f, core.Denied("identity.provider.other_browser", errTwice)
	}
	k.formPost = f.FormPost
	return f, f.put(as.Store)
}

// wellAsked refuses what the library lets pass.
func wellAsked(as *goidc.AuthnSession, c client.Client) error {
	bad := func(why string) error { return goidc.NewError(goidc.ErrorCodeInvalidRequest, why) }
	switch {
	case c.PKCE && as.CodeChallenge == "":
		return bad("code_challenge is required")
	case as.CodeChallenge != "" && as.CodeChallengeMethod != goidc.CodeChallengeMethodSHA256:
		return bad("code_challenge_method must be S256")
	case as.CodeChallenge != "" && len(as.CodeChallenge) != 43:
		return bad("code_challenge is no S256 challenge")
	case c.Member && as.Nonce == "":
		return bad("nonce is required")
	}
	return nil
}

// broken ends a flow for now by what is our own trouble; it can be tried again.
func (p policy) broken(k *work, err error) (goidc.Status, error) {
	k.shown = err
	return goidc.StatusPending, nil
}

// wait sends the person to a page of ours, which comes back to PathNext.
func wait(w http.ResponseWriter, as *goidc.AuthnSession, path string) (goidc.Status, error) {
	w.Header().Set("Location", path+"?"+url.Values{"flow": {as.ID}}.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return goidc.StatusPending, nil
}

// grantTo gives the client what it asks for, when the person may go there and agreed.
func (p policy) grantTo(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, login Login) (goidc.Status, error) {
	ctx, k := r.Context(), workOf(r.Context())
	a, active, err := p.n.People.Account(ctx, login.Person, k.client.ID)
	if err != nil {
		return p.broken(k, err)
	}
	may := active
	if active && !k.client.Member {
		if may, err = p.n.People.May(ctx, login.Person, k.client.ID); err != nil {
			return p.broken(k, err)
		}
	}
	if !may {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "this account may not use this service")
	}
	if k.client.Member {
		agreed, err := p.n.Members.Consent(ctx, k.client.ID, login.Person, strings.Fields(as.Scopes))
		if err != nil {
			return p.broken(k, err)
		}
		if !agreed && demandOf(as, 0).silent() {
			return goidc.StatusFailure, goidc.NewError(consentRequired, "the person has not agreed")
		}
		if !agreed {
			return wait(w, as, PathConsent)
		}
	}
	mail := ""
	if slices.Contains(strings.Fields(as.Scopes), scopeEmail) {
		mail = a.Mail
	}
	s, err := client.Told(ctx, p.n.DB, k.client, client.Account{ID: login.Person, Handle: a.Handle, Mail: mail}, k.now)
	if err != nil {
		return p.broken(k, err)
	}
	f := factsOf(as.Store)
	f.Person, f.Session, f.At, f.AMR, f.SID = login.Person, login.Session, login.At, login.AMR, sid(login.Session, k.client.ID)
	f.Username, f.Mail = s.Username, s.Mail
	if k.client.Member && mail == "" {
		f.Mail = "" // told once, and not agreed to this time
	}
	as.Subject, as.Username, as.GrantedScopes = s.Sub, s.Username, as.Scopes
	return goidc.StatusSuccess, f.put(as.Store)
}

// sid names a browser's session to one client, so that two clients cannot compare.
func sid(session, clientID string) string {
	sum := sha256.Sum256([]byte("sid\n" + session + "\n" + clientID))
	return hex.EncodeToString(sum[:16])
}

// graceOf is for how long a used refresh token of a client may be used again.
func graceOf(c client.Client) time.Duration { return time.Duration(c.Grace) * time.Second }
