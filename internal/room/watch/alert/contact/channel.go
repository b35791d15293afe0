package contact

import (
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"

	"entrechat/internal/kit/words"
)

// Kind is how a channel works.
type Kind string

// The kinds, with what their address and token are.
const (
	Mail         Kind = "mail"         // ana@chaton-a.test; no token
	Ntfy         Kind = "ntfy"         // https://ntfy.test/topic; token of the account, if it has one
	Gotify       Kind = "gotify"       // https://gotify.test; the application's token
	Matrix       Kind = "matrix"       // https://matrix.test/!room:matrix.test; the account's access token
	Webhook      Kind = "webhook"      // https://any.test/path; sent as Bearer token, if there is one
	Mastodon     Kind = "mastodon"     // https://social.test/@ana; token of the account that writes
	XMPP         Kind = "xmpp"         // ana@xmpp.test; empty: the node's own account writes
	Alertmanager Kind = "alertmanager" // https://alerts.test; sent as Bearer token, if there is one
)

// Kinds are all of them, in the order they are offered.
func Kinds() []Kind {
	return []Kind{Mail, Ntfy, Gotify, Matrix, Webhook, XMPP, Mastodon, Alertmanager}
}

// Check refuses an address or token that the kind cannot use. Returns CodeInvalid.
func (c Channel) Check() error {
	switch {
	case !slug(c.ID):
		return bad("channel", c.ID)
	case !slices.Contains(Kinds(), c.Kind):
		return bad("kind", string(c.Kind))
	case !line(c.Address, 3, maxAddress) || !token(c.Token):
		return bad("address", c.Address)
	}
	switch c.Kind {
	case Mail, XMPP:
		if _, ok := Mailbox(c.Address); !ok {
			return bad("address", c.Address)
		}
		return nil
	case Ntfy, Gotify, Matrix, Webhook, Mastodon, Alertmanager:
	}
	u, ok := Web(c.Address)
	if !ok {
		return bad("address", c.Address)
	}
	name := strings.Trim(u.Path, "/")
	wrong := false
	switch c.Kind {
	case Ntfy:
		wrong = !slug(strings.ToLower(name))
	case Matrix:
		wrong = !strings.HasPrefix(name, "!") || strings.Contains(name, "/") || c.Token == ""
	case Mastodon:
		wrong = !strings.HasPrefix(name, "@") || !slug(strings.ToLower(name[1:])) || c.Token == ""
	case Gotify:
		wrong = c.Token == ""
	case Webhook, Alertmanager, Mail, XMPP:
	}
	if wrong {
		return bad("address", c.Address)
	}
	return nil
}

// Host is the host a channel depends on, in lower case, without a port.
func (c Channel) Host() string {
	if c.Kind == Mail || c.Kind == XMPP {
		_, host, _ := strings.Cut(c.Address, "@")
		return strings.ToLower(host)
	}
	if u, ok := Web(c.Address); ok {
		return strings.ToLower(u.Hostname())
	}
	return ""
}

// Below says whether the channel's host is one of these domains, or below one: it may be
// gone with them.
func (c Channel) Below(domains []string) bool {
	host := c.Host()
	for _, d := range domains {
		if name, _, err := net.SplitHostPort(d); err == nil {
			d = name
		}
		d = strings.ToLower(strings.TrimSuffix(d, "."))
		if d != "" && (host == d || strings.HasSuffix(host, "."+d)) {
			return true
		}
	}
	return false
}

// Mailbox reads a bare address, without a name: what it answers may stand in a header.
func Mailbox(s string) (string, bool) {
	if len(s) > 254 || s != Clean(s) || strings.ContainsAny(s, " <>,;:\"()[]\\") {
		return "", false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return "", false
	}
	local, host, _ := strings.Cut(s, "@")
	return s, local != "" && hostname(host)
}

// hostname says whether it is a host name as DNS has them; others are written in their
// xn-- form.
func hostname(h string) bool {
	return h != "" && strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-.") == "" &&
		!strings.HasPrefix(h, ".") && !strings.HasPrefix(h, "-")
}

// Web reads a web address that may be called: http or https, a host, no user.
func Web(s string) (*url.URL, bool) {
	if s != Clean(s) || strings.ContainsAny(s, " \\") {
		return nil, false
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, false
	}
	return u, true
}

// token says whether it may stand in a header: visible ASCII.
func token(s string) bool {
	return len(s) <= maxAddress && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// ChannelName is a channel by its id, "mail" or "mail-2", as people of p's language call
// it; "—" for none.
func ChannelName(p *words.Printer, id string) string {
	kind, number, numbered := strings.Cut(id, "-")
	switch kind {
	case string(Mail):
		kind = p.T("watch.alert.by_mail", nil)
	case "":
		return "—"
	}
	if numbered {
		kind += "-" + number
	}
	return kind
}
