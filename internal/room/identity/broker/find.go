package broker

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/identity/home"
)

const maxTyped = 300 // bytes

// finder knows which home a name means, and what ours is called.
type finder struct{ *Broker }

// find is the home that somebody means, among those whose people may sign in here: by a
// member's name, the domain of an address, or the first part of a member's name. What is
// typed, and what another server says of it, only names a member; everything else is from
// its logbook. hint is whom they said to be. Returns CodeInvalid "identity.broker.who" for
// nothing, "identity.broker.unknown" and "identity.broker.several".
func (b finder) find(r *http.Request, typed string) (found home.Home, hint string, err error) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if typed == "" || len(typed) > maxTyped {
		return found, "", core.Invalid("identity.broker.who", errors.New("nothing, or too long"))
	}
	typed = strings.TrimPrefix(strings.TrimPrefix(typed, "acct:"), "@")
	hint, domain := split(typed)
	homes, err := b.n.Homes.Letting(r.Context())
	if err != nil {
		return found, "", err
	}
	named := meant(homes, domain)
	if len(named) == 0 && hint != "" && b.finger.Take(peer.ClientNetwork(r), b.n.Now()) {
		if issuer := b.askFinger(r.Context(), domain, typed); issuer != "" {
			named = where(homes, func(h home.Home) bool { return h.Issuer == issuer })
		}
	}
	switch len(named) {
	case 0:
		return found, "", core.Invalid("identity.broker.unknown", errors.New("no such home")).With("Name", printable(typed))
	case 1:
		return named[0], hint, nil
	default:
		return found, "", core.Invalid("identity.broker.several", errors.New("several homes")).With("Name", printable(typed))
	}
}

// Elsewhere says whether what somebody typed to sign in with names another hoster whose
// people may sign in here, and the page that leads there. No other server is asked.
func (b *Broker) Elsewhere(r *http.Request, typed, flow, next string) (path string, ok bool, err error) {
	_, domain := split(typed)
	if !strings.ContainsAny(domain, ".:") || domain == string(b.n.Self) || domain == host(b.n.URL) {
		return "", false, nil
	}
	homes, err := b.n.Homes.Letting(r.Context())
	if err != nil {
		return "", false, err
	}
	named := false
	for _, h := range homes {
		// A domain that a member only claims is not enough: it could be where our people have
		// their mail.
		proved, err := b.n.Homes.Mail(r.Context(), h, "a@"+domain)
		if err != nil {
			return "", false, err
		}
		named = named || string(h.Member) == domain || host(h.Issuer) == domain || proved
	}
	if !named {
		return "", false, nil
	}
	query := away{flow: flow, next: next}.target()
	query.Set("who", strings.TrimSpace(typed))
	return PathElsewhere + "?" + query.Encode(), true, nil
}

// split is what was typed as the name of an account and where it is. There is only a domain
// where nothing stands before it; both are empty for nothing, or too much.
func split(typed string) (name, domain string) {
	typed = strings.ToLower(strings.TrimSpace(typed))
	if len(typed) > maxTyped {
		return "", ""
	}
	domain = strings.TrimPrefix(strings.TrimPrefix(typed, "acct:"), "@")
	if at := strings.LastIndex(domain, "@"); at >= 0 {
		name, domain = domain[:at], domain[at+1:]
	}
	domain = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(domain, "https://"), "http://"), "/")
	if ascii, err := idna.Lookup.ToASCII(domain); err == nil && ascii != "" {
		domain = ascii
	}
	return name, domain
}

// printable is what a page says again of what was typed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r > 0x2000 {
			return -1
		}
		return r
	}, s)
}

func where(homes []home.Home, is func(home.Home) bool) (out []home.Home) {
	for _, h := range homes {
		if is(h) {
			out = append(out, h)
		}
	}
	return out
}

// meant are the homes that a name means: the first of these rules that finds any.
func meant(homes []home.Home, name string) []home.Home {
	for _, is := range []func(home.Home) bool{
		func(h home.Home) bool { return string(h.Member) == name },
		func(h home.Home) bool { return host(h.Issuer) == name },
		// A domain that the member proved or only claims: it names a member, no more.
		func(h home.Home) bool { return claimsMail(h, name) },
		func(h home.Home) bool {
			return strings.Contains(name, ".") && strings.HasSuffix(string(h.Member), "."+name)
		},
		func(h home.Home) bool { first, _, _ := strings.Cut(string(h.Member), "."); return first == name },
	} {
		if found := where(homes, is); len(found) > 0 {
			return found
		}
	}
	return nil
}

func claimsMail(h home.Home, domain string) bool { return slices.Contains(h.Domains, domain) }

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// issuerRel is the relation by which WebFinger names an issuer (OpenID Connect Discovery 1.0
// section 2).
const issuerRel = "http://openid.net/specs/connect/1.0/issuer"

// finger is an answer of WebFinger, RFC 7033.
type finger struct {
	Subject string       `json:"subject"`
	Links   []fingerLink `json:"links"`
}

type fingerLink struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// askFinger asks a domain where its people sign in; empty when it does not say.
func (b finder) askFinger(ctx context.Context, domain, account string) string {
	if id := core.MemberID(domain); !id.Valid() || !strings.Contains(domain, ".") {
		return ""
	}
	scheme := "https://"
	if b.n.Private {
		scheme = "http://"
	}
	address := scheme + domain + pathFinger + "?" + url.Values{"resource": {"acct:" + account}, "rel": {issuerRel}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil) //nolint:gosec // each dial is guarded
	if err != nil {
		return ""
	}
	status, text, err := b.fingers.ask(r)
	var out finger
	if err != nil || status != http.StatusOK || wire.Peek(text, &out) != nil {
		return ""
	}
	for _, l := range out.Links {
		if l.Rel == issuerRel {
			return strings.TrimSuffix(l.Href, "/")
		}
	}
	return ""
}

// answerFinger says where the people of our domain sign in. The answer is the same for every
// name: whether an account exists is told to nobody.
func (b finder) answerFinger(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Query().Get("resource")
	name, isAccount := strings.CutPrefix(resource, "acct:")
	at := strings.LastIndex(name, "@")
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	if !isAccount || at <= 0 || len(resource) > maxTyped || !b.ours(r.Context(), strings.ToLower(name[at+1:])) {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	text, err := wire.Encode(finger{Subject: resource, Links: []fingerLink{{issuerRel, b.n.URL}}})
	if err != nil {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	h.Set("Content-Type", "application/jrd+json")
	h.Set("Cache-Control", "public, max-age=3600")
	w.Write(text)
}

// ours says whether a domain is of our people.
func (b finder) ours(ctx context.Context, domain string) bool {
	if domain == string(b.n.Self) || domain == host(b.n.URL) {
		return true
	}
	own, err := b.n.Homes.Get(ctx, b.n.Self) // our own card
	return err == nil && claimsMail(own, domain)
}
