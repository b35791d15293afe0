package target

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
)

// Bounds of a target.
const (
	MinEvery   = 10 * time.Second
	MaxEvery   = 24 * time.Hour
	UsualEvery = time.Minute
	// MaxTargets is how many one hoster may have.
	MaxTargets = 1000

	maxName    = 80   // bytes of a service's name
	maxAddress = 500  // bytes
	maxText    = 500  // bytes of what must stand somewhere
	maxList    = 16   // answers, statuses
	maxSignal  = 366  // days a ping may take
	maxSlow    = 9999 // ms; a look lasts 10 s
)

// Kinds are all kinds.
func Kinds() []Kind {
	return []Kind{
		HTTP, WebSocket, TCP, TLS, DNS, SMTP, IMAP, XMPPClient, XMPPServer, Matrix, NodeInfo, Nextcloud, Mastodon, PeerTube, Forgejo,
		S3, ICMP, Ping, Backup,
	}
}

// Web says whether targets of the kind have a web address.
func (k Kind) Web() bool {
	return slices.Contains([]Kind{HTTP, WebSocket, Nextcloud, Mastodon, PeerTube, Forgejo, S3}, k)
}

// Domain says whether targets of the kind have a bare domain.
func (k Kind) Domain() bool {
	return slices.Contains([]Kind{XMPPClient, XMPPServer, Matrix, NodeInfo, DNS, ICMP}, k)
}

// Called says whether somebody calls the address of a target: not so for pings, nor for
// the age of a backup.
func (k Kind) Called() bool { return k != Ping && k != Backup }

// Decides says whether a failure may mean that the service is down. An ICMP echo that
// stays away does not: many networks drop it.
func (k Kind) Decides() bool { return k != ICMP }

// Check returns CodeInvalid for a target nobody could look at as it says; the error's
// sentence names what is wrong.
func (t Target) Check() error {
	if id, err := hex.DecodeString(t.ID); err != nil || len(id) != 8 || strings.ToLower(t.ID) != t.ID {
		return bad("watch.target.bad_id", t.ID)
	}
	if !t.Owner.Valid() {
		return bad("watch.target.bad_owner", string(t.Owner))
	}
	if !slices.Contains(Kinds(), t.Kind) {
		return bad("watch.target.bad_kind", string(t.Kind))
	}
	if t.Every < MinEvery || t.Every > MaxEvery || t.Every%time.Second != 0 {
		return bad("watch.target.bad_every", t.Every.String())
	}
	if _, err := t.host(); err != nil {
		return err
	}
	if t.Service == "" || !plain(t.Service, maxName) {
		return bad("watch.target.bad_service", t.Service)
	}
	return t.Expect.check(t)
}

func bad(key, value string) error {
	return core.Invalid(key, fmt.Errorf("%.100q", value)).With("Value", value)
}

// plain says whether text is of printable characters, at most so many bytes, without
// spaces around it.
func plain(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) && strings.TrimSpace(text) == text &&
		!strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// same is the address in one form, so that what two people type for one place is one
// target: a web address with a path, host names in lower case, no port that goes without
// saying. What is no address is as it is.
func (t Target) same() string {
	if !t.Kind.Called() {
		return t.Address
	}
	u, err := url.Parse(t.Address)
	if !t.Kind.Web() || err != nil || u.Host == "" {
		return strings.ToLower(t.Address)
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	usual := map[string]string{"https": ":443", "wss": ":443", "http": ":80", "ws": ":80"}[u.Scheme]
	u.Host = strings.TrimSuffix(strings.TrimSuffix(u.Host, usual), ".")
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

// Host is the host that looks call, lower case and without a port; empty for kinds that
// call nobody.
func (t Target) Host() string {
	host, err := t.host()
	if err != nil {
		return ""
	}
	return host
}

func (t Target) host() (string, error) {
	if len(t.Address) > maxAddress || strings.ContainsFunc(t.Address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", bad("watch.target.bad_address", t.Address)
	}
	switch {
	case t.Kind == Ping || t.Kind == Backup:
		if !plain(t.Address, maxName) {
			return "", bad("watch.target.bad_address", t.Address)
		}
		return "", nil
	case t.Kind.Web():
		return webHost(t.Kind, t.Address)
	case t.Kind.Domain():
		return domainHost(t.Address)
	default:
		return portHost(t.Address)
	}
}

func webHost(k Kind, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", bad("watch.target.bad_url", address)
	}
	scheme := u.Scheme == "https" || u.Scheme == "http" || k == WebSocket && (u.Scheme == "wss" || u.Scheme == "ws")
	if !scheme || u.User != nil || u.Fragment != "" || u.Opaque != "" || u.Hostname() == "" {
		return "", bad("watch.target.bad_url", address)
	}
	if u.Port() != "" && !goodPort(u.Port()) {
		return "", bad("watch.target.bad_url", address)
	}
	host, err := domainHost(strings.TrimSuffix(u.Hostname(), "."))
	if err != nil {
		return "", bad("watch.target.bad_url", address)
	}
	return host, nil
}

func portHost(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil || !goodPort(port) {
		return "", bad("watch.target.bad_port", address)
	}
	return domainHost(host)
}

func goodPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}

// domainHost reads a host name, or an IP address in its usual form.
func domainHost(host string) (string, error) {
	if at, err := netip.ParseAddr(host); err == nil && at.Zone() == "" {
		return at.Unmap().String(), nil
	}
	name := strings.ToLower(host)
	labels := strings.Split(name, ".")
	if name == "" || len(name) > 253 || digits(labels[len(labels)-1]) || slices.ContainsFunc(labels, badLabel) {
		return "", bad("watch.target.bad_host", host)
	}
	return name, nil
}

// digits: a last label of digits would be read as an address of an older form.
func digits(label string) bool {
	return strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x")
}

func badLabel(label string) bool {
	ok := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' }
	return label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' ||
		strings.ContainsFunc(label, func(r rune) bool { return !ok(r) })
}

func (e Expect) check(t Target) error {
	for _, text := range append([]string{e.Text, e.Absent, e.Pointer, e.Value, e.Record}, append(e.Answers, e.Status...)...) {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return bad("watch.target.bad_expect", text)
		}
	}
	for _, status := range e.Status {
		if _, err := ParseStatus(status); err != nil {
			return err
		}
	}
	switch {
	case len(e.Status) > maxList || len(e.Answers) > maxList:
		return bad("watch.target.too_many", strconv.Itoa(max(len(e.Status), len(e.Answers))))
	case e.Pointer != "" && !strings.HasPrefix(e.Pointer, "/"):
		return bad("watch.target.bad_pointer", e.Pointer)
	case e.Record != "" && !slices.Contains(Records(), e.Record):
		return bad("watch.target.bad_record", e.Record)
	case e.Slow < 0 || e.Slow > maxSlow:
		return bad("watch.target.bad_slow", strconv.FormatInt(e.Slow, 10))
	case e.Insecure && !t.Local:
		return bad("watch.target.insecure", t.Address)
	case e.MaxAge < 0 || e.MaxAge > 24*maxSignal:
		return bad("watch.target.bad_age", strconv.FormatInt(e.MaxAge, 10))
	case (t.Kind == Ping) != (e.Signal != nil):
		return bad("watch.target.bad_signal", string(t.Kind))
	case e.Signal != nil:
		return e.Signal.check()
	}
	return nil
}

// Records are the DNS types a target may ask for.
func Records() []string { return []string{"A", "AAAA", "MX", "NS", "TXT", "SOA", "CNAME"} }

func (s Signal) check() error {
	day := int64(24 * 60 * 60)
	switch {
	case (s.Period > 0) == (s.Cron != ""), s.Period < 0, s.Period > maxSignal*day, s.Grace < 0, s.Grace > maxSignal*day:
		return bad("watch.target.bad_signal", s.Cron)
	case s.Period > 0 && s.Period < 60:
		return bad("watch.target.short_signal", strconv.FormatInt(s.Period, 10))
	case len(s.Cron) > 100 || s.Cron != "" && len(strings.Fields(s.Cron)) != 5:
		return bad("watch.target.bad_cron", s.Cron)
	}
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
		return bad("watch.target.bad_zone", s.Zone)
	}
	return nil
}

// Statuses is a range of HTTP statuses, both ends included.
type Statuses struct{ From, To int }

// Holds says whether a status is in the range.
func (s Statuses) Holds(status int) bool { return status >= s.From && status <= s.To }

// ParseStatus reads "200", "2xx" or "200-299". Returns CodeInvalid.
func ParseStatus(text string) (Statuses, error) {
	wrong := bad("watch.target.bad_status", text)
	if len(text) == 3 && strings.HasSuffix(text, "xx") && text[0] >= '1' && text[0] <= '5' {
		from := int(text[0]-'0') * 100
		return Statuses{from, from + 99}, nil
	}
	one, other, isRange := strings.Cut(text, "-")
	if !isRange {
		other = one
	}
	from, err := strconv.ParseUint(one, 10, 10)
	to, err2 := strconv.ParseUint(other, 10, 10)
	if err != nil || err2 != nil || from < 100 || to > 599 || from > to {
		return Statuses{}, wrong
	}
	return Statuses{int(from), int(to)}, nil
}
