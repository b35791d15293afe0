package imports

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"entrechat/internal/room/watch/target"
)

// kumaReader reads what Uptime Kuma gives away.
type kumaReader struct{ *reader }

// kuma reads JSON of Uptime Kuma: the backup of 1.x, the list of monitors that its API
// answers, or rows of its table "monitor".
func (r kumaReader) kuma(doc *node) {
	all := doc
	if list := doc.get("monitorList"); list != nil {
		all = list
	}
	if n := doc.get("notificationList"); n != nil && len(n.items()) > 0 {
		r.say(n, "watch.imports.alerts")
	}
	if n := doc.get("proxyList"); n != nil && len(n.items()) > 0 {
		r.say(n, "watch.imports.section", "Field", "proxyList")
	}
	for _, m := range all.items() {
		if m.isMap() {
			r.monitor(m)
		}
	}
}

func (r kumaReader) monitor(m *node) {
	service := clean(m.get("name").str(), 80)
	kind := strings.ToLower(m.get("type").str())
	every := time.Duration(min(max(m.get("interval").number(), 0), 1<<30)) * time.Second
	if every == 0 {
		every = time.Minute
	}
	// Rows of the table say 0 and 1, the API false and true.
	paused := m.get("active").no()
	switch {
	case kind == "group":
		r.say(m, "watch.imports.kuma_group", "Service", service)
		return
	case m.get("upsideDown", "upside_down").yes():
		r.say(m.get("upsideDown", "upside_down"), "watch.imports.upside_down", "Service", service)
		return
	case kind == "push":
		retry := time.Duration(min(max(m.get("retryInterval", "retry_interval").number()*m.get("maxretries").number(), 0), 1<<20)) * time.Second
		r.ping(m, service, every, retry, paused)
		return
	}
	t := target.Target{Service: service, Paused: paused}
	if !r.kumaKind(m, kind, &t) {
		return
	}
	if t.Service == "" {
		t.Service = clean(hostOf(t.Address), 80)
	}
	t.Every = r.every(m, t.Service, every)
	if m.get("ignoreTls", "ignore_tls").yes() {
		r.insecure(m.get("ignoreTls", "ignore_tls"), &t)
	}
	r.take(m, t)
}

// kumaKind finds kind, address and expectations of a monitor.
func (r kumaReader) kumaKind(m *node, kind string, t *target.Target) bool {
	host, port := m.get("hostname"), m.get("port")
	joined := host.str()
	if strings.Contains(joined, ":") && !strings.HasPrefix(joined, "[") {
		joined = "[" + joined + "]"
	}
	if port.str() != "" {
		joined += ":" + port.str()
	}
	switch kind {
	case "http", "keyword", "json-query", "real-browser":
		return r.kumaHTTP(m, kind, t)
	case "websocket-upgrade":
		t.Kind = target.WebSocket
		t.Address, t.Local = r.web(orNode(m.get("url"), m), t.Service, m.get("url").str())
		return t.Address != "" && r.headers(decoded(m.get("headers")), t.Service)
	case "port":
		t.Kind = target.TCP
		t.Address, t.Local = r.port(orNode(host, m), t.Service, joined, 0)
	case "smtp":
		t.Kind = target.SMTP
		t.Address, t.Local = r.port(orNode(host, m), t.Service, joined, 25)
	case "ping":
		t.Kind = target.ICMP
		t.Address, t.Local = r.name(orNode(host, m), t.Service, host.str())
		r.say(orNode(host, m), "watch.imports.icmp", "Service", t.Service)
	case "dns":
		t.Kind, t.Expect.Record = target.DNS, strings.ToUpper(m.get("dns_resolve_type").str())
		t.Address, t.Local = r.name(orNode(host, m), t.Service, host.str())
		if t.Address == "" || !r.record(m, t) {
			return false
		}
		r.say(m, "watch.imports.dns_server", "Service", t.Service)
	case "postgres", "mysql", "mongodb", "redis", "sqlserver":
		return r.kumaDatabase(m, kind, t)
	default:
		r.say(m, "watch.imports.kind", "Service", t.Service, "Kind", clean(kind, 30))
		return false
	}
	return t.Address != ""
}

// kumaHTTP reads the monitors that ask for a page.
func (r kumaReader) kumaHTTP(m *node, kind string, t *target.Target) bool {
	t.Kind = target.HTTP
	if !r.method(m.get("method"), t.Service) || !r.kumaLogin(m, t.Service) || !r.headers(decoded(m.get("headers")), t.Service) {
		return false
	}
	if t.Address, t.Local = r.web(orNode(m.get("url"), m), t.Service, m.get("url").str()); t.Address == "" {
		return false
	}
	if strings.ToUpper(m.get("method").str()) != "HEAD" && len(m.get("body").str()) > 2 {
		r.say(m.get("body"), "watch.imports.request", "Service", t.Service, "Field", "body")
		return false
	}
	codes := m.get("accepted_statuscodes")
	if codes == nil {
		codes = decoded(m.get("accepted_statuscodes_json"))
	}
	for _, c := range codes.items() {
		if s := c.str(); statusRange(s) {
			t.Expect.Status = append(t.Expect.Status, s)
		}
	}
	if len(t.Expect.Status) == 0 {
		t.Expect.Status = []string{"200-299"}
	}
	switch kind {
	case "keyword":
		return r.kumaKeyword(m, t)
	case "json-query":
		return r.kumaQuery(m, t)
	case "real-browser":
		r.say(m, "watch.imports.browser", "Service", t.Service)
	}
	return true
}

func statusRange(s string) bool {
	from, to, ranged := strings.Cut(s, "-")
	return code.MatchString(from) && (!ranged || code.MatchString(to) && from <= to)
}

// kumaLogin leaves a monitor out that signs in.
func (r kumaReader) kumaLogin(m *node, service string) bool {
	method := m.get("authMethod", "auth_method")
	if s := method.str(); s != "" && s != "null" {
		r.say(method, "watch.imports.login", "Service", service)
		return false
	}
	for _, field := range []string{"basic_auth_user", "basic_auth_pass", "oauth_client_secret", "tlsKey", "tls_key"} {
		if n := m.get(field); n != nil {
			r.say(n, "watch.imports.login", "Service", service)
			return false
		}
	}
	return true
}

func (r kumaReader) kumaKeyword(m *node, t *target.Target) bool {
	n := m.get("keyword")
	text := n.raw()
	if text == "" || len(text) > maxText || random(text) {
		r.say(orNode(n, m), "watch.imports.field", "Service", t.Service, "Field", "keyword")
		return true
	}
	if m.get("invertKeyword", "invert_keyword").yes() {
		t.Expect.Absent = text
	} else {
		t.Expect.Text = text
	}
	return true
}

// kumaQuery takes simple paths of JSONata over.
func (r kumaReader) kumaQuery(m *node, t *target.Target) bool {
	n := m.get("jsonPath", "json_path")
	pointer, ok := pointerOf(n.str())
	operator, value := m.get("jsonPathOperator", "json_path_operator").str(), m.get("expectedValue", "expected_value").str()
	if !ok || operator != "" && operator != "==" || len(value) > maxText || random(value) || secretName.MatchString(n.str()) {
		r.say(orNode(n, m), "watch.imports.field", "Service", t.Service, "Field", "jsonPath")
		return true
	}
	t.Expect.Pointer, t.Expect.Value = pointer, value
	return true
}

// kumaDatabase takes host and port out of a connection string, and nothing else of it.
func (r kumaReader) kumaDatabase(m *node, kind string, t *target.Target) bool {
	usual := map[string]int64{"postgres": 5432, "mysql": 3306, "mongodb": 27017, "redis": 6379, "sqlserver": 1433}[kind]
	n := m.get("databaseConnectionString", "database_connection_string")
	u, err := url.Parse(n.str())
	if err != nil || u.Host == "" || !slices.Contains([]string{"postgres", "postgresql", "mysql", "mariadb", "mongodb", "redis", "rediss"}, u.Scheme) {
		r.say(orNode(n, m), "watch.imports.database", "Service", t.Service)
		return false
	}
	t.Kind = target.TCP
	if t.Address, t.Local = r.port(n, t.Service, u.Host, usual); t.Address == "" {
		return false
	}
	r.say(n, "watch.imports.only_port", "Service", t.Service)
	return true
}

// decoded is the value of a field that holds JSON as text; a field that is no JSON, or
// is it already, is returned as it is.
func decoded(n *node) *node {
	if n == nil || n.shape != scalar || len(n.text) > 64<<10 {
		return n
	}
	inner, err := parseJSON([]byte(n.text))
	if err != nil {
		return n
	}
	setLine(inner, n.line)
	return inner
}

// setLine gives all of a value the line on which its text stands.
func setLine(n *node, line int) {
	n.line = line
	for _, c := range n.keys {
		setLine(c, line)
	}
	for _, c := range n.values {
		setLine(c, line)
	}
}
