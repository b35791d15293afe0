package imports

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"entrechat/internal/room/watch/target"
)

// blackbox remembers the modules for the jobs that name them.
func (r probeReader) blackbox(doc *node) {
	all := doc.get("modules")
	if !all.isMap() {
		return
	}
	for i, k := range all.keys {
		r.modules[k.text] = all.values[i]
	}
	if len(all.keys) > 0 {
		r.say(all, "watch.imports.modules", "Number", len(all.keys))
	}
}

// usualProber is what the modules of the file that comes with the exporter look at.
func usualProber(module string) string {
	for _, p := range []struct{ begins, prober string }{
		{"http", "http"}, {"tls", "tls"}, {"tcp", "tcp"}, {"ssh", "ssh"}, {"icmp", "icmp"}, {"ping", "icmp"}, {"dns", "dns"}, {"imap", "starttls"}, {"smtp", "starttls"},
	} {
		if strings.HasPrefix(module, p.begins) {
			return p.prober
		}
	}
	return ""
}

// module makes a target of an address and of what its module says.
func (r probeReader) module(n *node, j job, text string, t *target.Target) bool {
	m := r.modules[j.module]
	prober := m.get("prober").str()
	if m == nil {
		if prober = usualProber(j.module); prober == "" {
			r.say(n, "watch.imports.no_module", "Service", t.Service, "Module", clean(j.module, 40))
			return false
		}
		r.say(n, "watch.imports.usual_module", "Service", t.Service, "Module", clean(j.module, 40))
	}
	switch prober {
	case "http":
		return r.httpModule(n, m.get("http"), text, t)
	case "tcp", "tls", "ssh", "starttls":
		return r.tcpModule(n, m.get("tcp"), prober, text, t)
	case "icmp":
		t.Kind = target.ICMP
		t.Address, t.Local = r.name(n, t.Service, text)
		r.say(n, "watch.imports.icmp", "Service", t.Service)
	case "dns":
		d := m.get("dns")
		t.Kind, t.Expect.Record = target.DNS, strings.ToUpper(d.get("query_type").str())
		if t.Expect.Record == "ANY" {
			t.Expect.Record = ""
		}
		if t.Address, t.Local = r.name(n, t.Service, d.get("query_name").str()); t.Address == "" || !r.record(n, t) {
			return false
		}
		if t.Service == clean(hostOf(safe(text)), 80) { // the server that is asked is not what is looked at
			t.Service = clean(t.Address, 80)
		}
		r.say(n, "watch.imports.dns_server", "Service", t.Service)
	default:
		r.say(n, "watch.imports.kind", "Service", t.Service, "Kind", clean(prober, 20))
		return false
	}
	return t.Address != ""
}

// httpModule reads <http_probe>.
func (r probeReader) httpModule(n, m *node, text string, t *target.Target) bool {
	t.Kind = target.HTTP
	if !strings.Contains(text, "://") {
		text = "http://" + text // as the exporter does
	}
	if !r.openly(n, m, t.Service) || !r.method(m.get("method"), t.Service) || !r.headers(m.get("headers"), t.Service) {
		return false
	}
	if t.Address, t.Local = r.web(n, t.Service, text); t.Address == "" {
		return false
	}
	for _, c := range m.get("valid_status_codes").items() {
		if code.MatchString(c.str()) {
			t.Expect.Status = append(t.Expect.Status, c.str())
		}
	}
	if len(t.Expect.Status) == 0 {
		t.Expect.Status = []string{"2xx"}
	}
	t.Expect.Text = r.literal(n, m.get("fail_if_body_not_matches_regexp"), t.Service)
	t.Expect.Absent = r.literal(n, m.get("fail_if_body_matches_regexp"), t.Service)
	if m.get("tls_config").get("insecure_skip_verify").yes() {
		r.insecure(n, t)
	}
	r.leftOut(n, m, t.Service)
	return true
}

// openly says whether a probe asks without a secret and sends nothing.
func (r probeReader) openly(n, m *node, service string) bool {
	for _, field := range []string{"basic_auth", "authorization", "bearer_token", "bearer_token_file", "oauth2"} {
		if m.get(field) != nil {
			r.say(n, "watch.imports.login", "Service", service)
			return false
		}
	}
	for _, field := range []string{"body", "body_file"} {
		if m.get(field) != nil {
			r.say(n, "watch.imports.request", "Service", service, "Field", field)
			return false
		}
	}
	return true
}

// leftOut says which of a probe's demands are not taken over.
func (r probeReader) leftOut(n, m *node, service string) {
	for _, field := range []string{
		"fail_if_header_matches", "fail_if_header_not_matches", "no_follow_redirects", "proxy_url", "valid_http_versions", "fail_if_ssl",
		"fail_if_body_json_matches_cel", "fail_if_body_json_not_matches_cel",
	} {
		if at := m.get(field); at != nil && !at.no() {
			r.say(n, "watch.imports.field", "Service", service, "Field", field)
		}
	}
	if m.get("follow_redirects").no() {
		r.say(n, "watch.imports.field", "Service", service, "Field", "follow_redirects")
	}
}

// tcpModule reads <tcp_probe>.
func (r probeReader) tcpModule(n, m *node, prober, text string, t *target.Target) bool {
	t.Kind = target.TCP
	if t.Address, t.Local = r.port(n, t.Service, text, 0); t.Address == "" {
		return false
	}
	starttls := prober == "starttls"
	for _, q := range m.get("query_response").items() {
		starttls = starttls || q.get("starttls").yes()
	}
	switch {
	case starttls:
		if t.Kind = usualKind(t.Address); t.Kind == "" {
			r.say(n, "watch.imports.starttls", "Service", t.Service)
			return false
		}
		return true
	case m.get("tls").yes() || prober == "tls":
		t.Kind = target.TLS
	case prober == "ssh":
		t.Expect.Text = "SSH-"
	}
	for i, q := range m.get("query_response").items() {
		if i == 0 && t.Kind == target.TCP && q.get("expect") != nil {
			t.Expect.Text = r.literal(n, q.get("expect"), t.Service)
			continue
		}
		if q.get("send", "expect") != nil {
			r.say(n, "watch.imports.field", "Service", t.Service, "Field", "query_response")
			break
		}
	}
	if m.get("tls_config").get("insecure_skip_verify").yes() {
		r.insecure(n, t)
	}
	return true
}

// A dot between two digits, as in "SSH-2.0", is meant as a dot.
var dot = regexp.MustCompile(`([0-9])\.([0-9])`)

// literal is the text that an expression looks for, when it is no more than a text; n is
// one expression or a list of them, of which one is taken. It says of all others, at the
// target's line, that they are not.
func (r probeReader) literal(at, n *node, service string) (found string) {
	all := []*node{n}
	if n.isList() {
		all = n.values
	}
	for _, one := range all {
		if one == nil {
			continue
		}
		re, err := syntax.Parse(dot.ReplaceAllString(strings.TrimSuffix(strings.TrimPrefix(one.text, "^"), ".*"), `$1\.$2`), syntax.Perl)
		if found == "" && err == nil && re.Op == syntax.OpLiteral && re.Flags&syntax.FoldCase == 0 && len(re.Rune) <= maxText/4 && !random(string(re.Rune)) {
			found = string(re.Rune)
			continue
		}
		r.say(at, "watch.imports.expression", "Service", service)
	}
	return found
}
