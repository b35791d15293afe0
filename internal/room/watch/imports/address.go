package imports

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"entrechat/internal/room/watch/target"
)

// every bounds a time between two looks, and says where it had to.
func (r *reader) every(n *node, service string, d time.Duration) time.Duration {
	bounded := min(max(d, target.MinEvery), target.MaxEvery)
	if bounded != d {
		r.say(n, "watch.imports.every", "Service", service, "Every", bounded)
	}
	return bounded
}

// web reads an address for the kinds that speak HTTP. Empty: it cannot be taken, and
// the finding is said.
func (r *reader) web(n *node, service, text string) (address string, local bool) {
	u, err := url.Parse(text)
	switch {
	case variable(text):
		r.say(n, "watch.imports.variable", "Service", service)
		return "", false
	case err != nil || len(text) > 1000 || !hostly(u.Hostname()) || !slices.Contains([]string{"http", "https", "ws", "wss"}, u.Scheme):
		r.say(n, "watch.imports.no_address", "Service", service)
		return "", false
	case u.User != nil || secretAddress(u):
		r.say(n, "watch.imports.secret_address", "Service", service)
		return "", false
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String(), inside(u.Hostname())
}

// port reads host:port, with a port to take when none stands there. Empty as web.
func (r *reader) port(n *node, service, text string, usual int64) (address string, local bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.Trim(text, "[]"), strconv.FormatInt(usual, 10)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if variable(text) {
		r.say(n, "watch.imports.variable", "Service", service)
		return "", false
	}
	if err != nil || p == 0 || !hostly(host) {
		r.say(n, "watch.imports.no_address", "Service", service)
		return "", false
	}
	return net.JoinHostPort(host, strconv.FormatUint(p, 10)), inside(host)
}

// name reads a name or address without a port. Empty as web.
func (r *reader) name(n *node, service, text string) (address string, local bool) {
	host := strings.TrimSuffix(strings.Trim(text, "[]"), ".")
	if variable(text) {
		r.say(n, "watch.imports.variable", "Service", service)
		return "", false
	}
	if !hostly(host) {
		r.say(n, "watch.imports.no_address", "Service", service)
		return "", false
	}
	return host, inside(host)
}

// hostly says whether a text may be the name or the address of a host.
func hostly(host string) bool {
	if host == "" || len(host) > 253 {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && c != '.' && c != '-' && c != '_'
	})
}

// inside says whether a host is on our own machine or network, as far as its name
// tells: such a target is looked at from here only.
func inside(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() || netip.MustParsePrefix("100.64.0.0/10").Contains(ip)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	return last == host || slices.Contains([]string{"localhost", "local", "lan", "internal", "intranet", "home", "corp", "arpa"}, last)
}

// variable says that a text waits for a variable of the environment.
func variable(text string) bool { return strings.Contains(text, "$") || strings.Contains(text, "{{") }

var secretName = regexp.MustCompile(
	`(?i)(token|secret|passw|pwd|api[-_]?key|access[-_]?key|^key$|^auth$|authoriz|^sig$|signature|credential|session|cookie|bearer|private)`)

// secretAddress says whether an address carries what looks like a secret: our targets
// are published.
func secretAddress(u *url.URL) bool {
	for name, values := range u.Query() {
		if secretName.MatchString(name) || slices.ContainsFunc(values, random) {
			return true
		}
	}
	return slices.ContainsFunc(strings.Split(u.Path, "/"), random) || random(u.RawQuery)
}

// random says whether a piece of text looks drawn at random: 20 characters or more
// without a break, digits among letters, as tokens and ids that open something.
func random(text string) bool {
	for _, run := range strings.FieldsFunc(text, func(c rune) bool { return c == '.' || c == '=' || c == '&' || c == '/' || c == '+' }) {
		bare := strings.NewReplacer("-", "", "_", "").Replace(run)
		if len(bare) < 20 {
			continue
		}
		digits, switches := 0, 0
		for i := range len(bare) {
			if bare[i] >= '0' && bare[i] <= '9' {
				digits++
			}
			if i > 0 && (bare[i] >= '0' && bare[i] <= '9') != (bare[i-1] >= '0' && bare[i-1] <= '9') {
				switches++
			}
		}
		if digits >= 2 && switches >= 4 {
			return true
		}
	}
	return false
}

// usualKind is what a port with STARTTLS is looked at as.
func usualKind(address string) target.Kind {
	_, port, _ := net.SplitHostPort(address)
	switch port {
	case "25", "465", "587", "2525":
		return target.SMTP
	case "143", "993":
		return target.IMAP
	}
	return ""
}

// insecure takes "any certificate" over where that is allowed, and says where not.
func (r *reader) insecure(n *node, t *target.Target) {
	if t.Local {
		t.Expect.Insecure = true
		return
	}
	r.say(n, "watch.imports.insecure", "Service", t.Service)
}
