package imports

import (
	"net"
	"slices"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
)

// gatusReader reads what Gatus is configured with.
type gatusReader struct{ *reader }

// gatus reads a configuration of Gatus.
func (r gatusReader) gatus(doc *node) {
	for _, e := range doc.get("endpoints").items() {
		r.gatusEndpoint(e)
	}
	for _, e := range doc.get("external-endpoints").items() {
		r.gatusExternal(e)
	}
	if n := doc.get("suites"); n != nil {
		r.say(n, "watch.imports.gatus_suites", "Number", len(n.items()))
	}
	for _, name := range []string{"alerting", "remote"} {
		if n := doc.get(name); n != nil {
			r.say(n, "watch.imports.alerts")
		}
	}
	for _, name := range []string{"maintenance", "announcements", "security", "tunneling", "connectivity"} {
		if n := doc.get(name); n != nil {
			r.say(n, "watch.imports.section", "Field", name)
		}
	}
}

func (r gatusReader) gatusEndpoint(e *node) {
	service := clean(e.get("name").str(), 80)
	if service == "" {
		service = clean(e.get("group").str(), 80)
	}
	t := target.Target{Service: service, Paused: e.get("enabled").no(), Every: time.Minute}
	if !r.gatusKind(e, &t) || !r.gatusRequest(e, &t) {
		return
	}
	if t.Service == "" {
		t.Service = clean(t.Address, 80)
	}
	if d, err := time.ParseDuration(e.get("interval").str()); err == nil {
		t.Every = d
	} else if e.get("interval") != nil {
		r.say(e.get("interval"), "watch.imports.field", "Service", service, "Field", "interval")
	}
	t.Every = r.every(e, service, t.Every)
	r.gatusConditions(e.get("conditions"), &t)
	r.gatusClient(e.get("client"), &t)
	for _, field := range []string{"maintenance-windows", "store"} {
		if n := e.get(field); n != nil {
			r.say(n, "watch.imports.field", "Service", service, "Field", field)
		}
	}
	r.take(e, t)
}

// gatusKind finds kind and address by the scheme of the URL.
func (r gatusReader) gatusKind(e *node, t *target.Target) bool {
	at := e.get("url")
	text := at.str()
	if d := e.get("dns"); d != nil {
		t.Kind = target.DNS
		t.Expect.Record = strings.ToUpper(d.get("query-type").str())
		t.Address, t.Local = r.name(orNode(d, at), t.Service, d.get("query-name").str())
		if t.Address != "" {
			r.say(d, "watch.imports.dns_server", "Service", t.Service)
		}
		return t.Address != "" && r.record(d, t)
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		r.say(orNode(at, e), "watch.imports.no_address", "Service", t.Service)
		return false
	}
	if rest, _, _ = strings.Cut(rest, "/"); strings.Contains(rest, "@") {
		r.say(orNode(at, e), "watch.imports.secret_address", "Service", t.Service)
		return false
	}
	switch scheme {
	case "http", "https":
		t.Kind = target.HTTP
		t.Address, t.Local = r.web(at, t.Service, text)
	case "ws", "wss":
		t.Kind = target.WebSocket
		t.Address, t.Local = r.web(at, t.Service, text)
	case "tcp":
		t.Kind = target.TCP
		t.Address, t.Local = r.port(at, t.Service, rest, 0)
	case "ssh":
		t.Kind, t.Expect.Text = target.TCP, "SSH-"
		t.Address, t.Local = r.port(at, t.Service, rest, 22)
	case "tls":
		t.Kind = target.TLS
		t.Address, t.Local = r.port(at, t.Service, rest, 0)
	case "starttls":
		t.Address, t.Local = r.port(at, t.Service, rest, 0)
		if t.Kind = usualKind(t.Address); t.Kind == "" && t.Address != "" {
			r.say(at, "watch.imports.starttls", "Service", t.Service)
			return false
		}
	case "icmp":
		t.Kind = target.ICMP
		t.Address, t.Local = r.name(at, t.Service, rest)
		r.say(at, "watch.imports.icmp", "Service", t.Service)
	default:
		r.say(orNode(at, e), "watch.imports.kind", "Service", t.Service, "Kind", clean(scheme, 20))
		return false
	}
	return t.Address != ""
}

// gatusRequest looks whether the request is one that we make: a GET without secrets.
func (r gatusReader) gatusRequest(e *node, t *target.Target) bool {
	if !r.method(e.get("method"), t.Service) {
		return false
	}
	for _, field := range []string{"body", "graphql"} {
		if n := e.get(field); n != nil && !n.no() {
			r.say(n, "watch.imports.request", "Service", t.Service, "Field", field)
			return false
		}
	}
	if n := e.get("ssh"); n != nil && n.get("password", "private-key") != nil {
		r.say(n, "watch.imports.login", "Service", t.Service)
	}
	return r.headers(e.get("headers"), t.Service)
}

// method takes GET and HEAD, which we replace by GET.
func (r *reader) method(n *node, service string) bool {
	if m := strings.ToUpper(n.str()); m != "" && m != "GET" && m != "HEAD" {
		r.say(n, "watch.imports.method", "Service", service, "Field", clean(m, 20))
		return false
	}
	return true
}

// headers says what is not sent; a header that opens a door leaves the target out.
func (r *reader) headers(n *node, service string) bool {
	if !n.isMap() {
		return true
	}
	for i, k := range n.keys {
		if secretName.MatchString(k.text) || random(n.values[i].str()) {
			r.say(k, "watch.imports.secret_header", "Service", service, "Field", clean(k.text, 40))
			return false
		}
		if !slices.Contains([]string{"user-agent", "accept", "content-type"}, strings.ToLower(k.text)) {
			r.say(k, "watch.imports.header", "Service", service, "Field", clean(k.text, 40))
		}
	}
	return true
}

func (r gatusReader) gatusClient(c *node, t *target.Target) {
	if n := c.get("insecure"); n.yes() {
		r.insecure(n, t)
	}
	for _, field := range []string{"ignore-redirect", "proxy-url", "tunnel", "oauth2", "identity-aware-proxy", "tls", "dns-resolver"} {
		if n := c.get(field); n != nil && !n.no() {
			r.say(n, "watch.imports.field", "Service", t.Service, "Field", field)
		}
	}
}

// gatusExternal reads an endpoint that reports by itself: with a heartbeat it is a ping.
func (r gatusReader) gatusExternal(e *node) {
	service := clean(e.get("name").str(), 80)
	d, err := time.ParseDuration(e.get("heartbeat").get("interval").str())
	if service == "" || err != nil || d <= 0 {
		r.say(e, "watch.imports.gatus_external", "Service", service)
		return
	}
	r.ping(e, service, d, 0, e.get("enabled").no())
}

// ping takes a target that calls by itself. Its old token is not taken over: it gets a
// new address.
func (r *reader) ping(n *node, service string, period, grace time.Duration, paused bool) {
	period = min(max(period, time.Minute), 366*24*time.Hour)
	if grace <= 0 {
		grace = min(max(period/4, time.Minute), time.Hour)
	}
	r.take(n, target.Target{
		Service: service, Kind: target.Ping, Every: min(period, target.MaxEvery), Paused: paused,
		Expect: target.Expect{Signal: &target.Signal{Period: int64(period / time.Second), Grace: int64(grace / time.Second)}},
	})
}

// record looks whether a DNS type is one we ask for.
func (r *reader) record(n *node, t *target.Target) bool {
	if !slices.Contains([]string{"", "A", "AAAA", "MX", "NS", "TXT", "SOA", "CNAME"}, t.Expect.Record) {
		r.say(n, "watch.imports.record", "Service", t.Service, "Field", clean(t.Expect.Record, 20))
		return false
	}
	return true
}

// orNode is n, or what stands for it where it is not there.
func orNode(n, other *node) *node {
	if n == nil {
		return other
	}
	return n
}

// hostOf is the host of an address of any kind, for a name where a file gives none.
func hostOf(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		address, _, _ = strings.Cut(rest, "/")
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
