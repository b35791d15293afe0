package chat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

func probes() map[target.Kind]look.Probe {
	return map[target.Kind]look.Probe{target.XMPPClient: Client, target.XMPPServer: Server, target.Matrix: Matrix}
}

// names answers for chaton-a.test with such records, on a Knot of its own; where it is.
func names(t *testing.T, records ...string) string {
	t.Helper()
	port := looktest.Port(t)
	looktest.Knot(t, port, "chaton-a.test", `chaton-a.test. 60 IN SOA ns1.chaton-a.test. admin.chaton-a.test. 1 3600 600 86400 60
chaton-a.test. 60 IN NS ns1.chaton-a.test.
`+strings.Join(records, "\n")+"\n")
	return looktest.Address(port)
}

// certificate is one for a name that ends after a time.
func certificate(t *testing.T, a *looktest.Authority, name string, ends time.Duration) (files [2]string) {
	t.Helper()
	files[0], files[1] = a.Issue(looktest.Dir(t), "server", time.Now().Add(ends), name)
	return files
}

func both(t *testing.T, l *look.Looker, want look.Class, checks ...func(look.Result) bool) {
	t.Helper()
	looktest.All(t, l, map[string]looktest.Case{
		"client": looktest.Is(target.Target{Kind: target.XMPPClient, Address: "chaton-a.test"}, want, checks...),
		"server": looktest.Is(target.Target{Kind: target.XMPPServer, Address: "chaton-a.test"}, want, checks...),
	})
}

func whole(r look.Result) bool {
	return r.Leaf != [32]byte{} && r.Ends > 0 && r.TLS > 0 && r.Latency > 0
}

const month = 30 * 24 * time.Hour

// records are the SRV records of both services.
func records(plain bool, host string) []string {
	s := ""
	if !plain {
		s = "s"
	}
	return []string{
		fmt.Sprintf("_xmpp%s-client._tcp.chaton-a.test. 60 IN SRV 5 0 5300 %s", s, host),
		fmt.Sprintf("_xmpp%s-server._tcp.chaton-a.test. 60 IN SRV 5 0 5301 %s", s, host),
	}
}

func TestStreamsOfProsody(t *testing.T) {
	t.Parallel()
	authority := looktest.NewAuthority(t)
	p := looktest.ProsodyPorts{Client: looktest.Port(t), ClientTLS: looktest.Port(t), Server: looktest.Port(t), ServerTLS: looktest.Port(t)}
	server := looktest.Prosody(t, p, "chaton-a.test", certificate(t, authority, "chaton-a.test", month),
		"c2s_require_encryption = true\ns2s_require_encryption = true")
	looker := func(dns string, places map[string]string) *look.Looker {
		return looktest.Looker(authority.Roots, probes(), places, dns, time.Now)
	}
	client, other := looktest.Address(p.Client), looktest.Address(p.Server)
	plain := map[string]string{
		"xmpp.chaton-a.test:5300": client, "xmpp.chaton-a.test:5301": other,
		"chaton-a.test:5222": client, "chaton-a.test:5269": other,
		"chaton-b.test:5300": client, "chaton-b.test:5301": other,
	}
	safe := map[string]string{"xmpp.chaton-a.test:5300": looktest.Address(p.ClientTLS), "xmpp.chaton-a.test:5301": looktest.Address(p.ServerTLS)}
	by := looker(names(t, records(true, "xmpp.chaton-a.test.")...), plain)
	// The certificate is the domain's, not that of the host which the record names.
	both(t, by, look.Fine, whole)
	both(t, looker(names(t, records(false, "xmpp.chaton-a.test.")...), safe), look.Fine, whole)
	both(t, looker(names(t), plain), look.Fine, whole) // no record: the ports of RFC 6120
	both(t, looker(names(t, records(true, ".")...), plain), look.DNS)
	both(t, looker(names(t, records(true, "chaton-b.test.")...), plain), look.Blocked)
	both(t, looker("127.0.0.1:1", plain), look.DNS)
	// The first host of two is down, the second answers.
	two := append(records(true, "xmpp.chaton-a.test."),
		"_xmpp-client._tcp.chaton-a.test. 60 IN SRV 1 0 5300 down.chaton-a.test.",
		"_xmpp-server._tcp.chaton-a.test. 60 IN SRV 1 0 5301 down.chaton-a.test.")
	both(t, looker(names(t, two...), plain), look.Fine, func(r look.Result) bool { return strings.Contains(r.Detail, "refused") })
	server.Hang()
	both(t, by, look.Timeout)
	server.Wake()
	both(t, by, look.Fine, whole)
	server.End()
	both(t, by, look.Refused)
	if t.Failed() {
		t.Log(server.Log())
	}
}

func TestStreamsOfProsodyBroken(t *testing.T) {
	t.Parallel()
	authority := looktest.NewAuthority(t)
	dns := names(t)
	for name, c := range map[string]struct {
		domain      string
		certificate [2]string
		settings    string
		want        look.Class
	}{
		"the certificate ended":         {"chaton-a.test", certificate(t, authority, "chaton-a.test", -time.Hour), "", look.Cert},
		"the certificate of the host":   {"chaton-a.test", certificate(t, authority, "xmpp.chaton-a.test", month), "", look.Cert},
		"another domain is served here": {"chaton-b.test", certificate(t, authority, "chaton-a.test", month), "", look.Content},
		"no TLS": {
			"chaton-a.test", certificate(t, authority, "chaton-a.test", month),
			"modules_disabled = { \"posix\", \"tls\" }\nc2s_require_encryption = false\ns2s_require_encryption = false", look.TLS,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := looktest.ProsodyPorts{Client: looktest.Port(t), Server: looktest.Port(t)}
			s := looktest.Prosody(t, p, c.domain, c.certificate, c.settings)
			both(t, looktest.Looker(authority.Roots, probes(), map[string]string{
				"chaton-a.test:5222": looktest.Address(p.Client), "chaton-a.test:5269": looktest.Address(p.Server),
			}, dns, time.Now), c.want)
			if t.Failed() {
				t.Log(s.Log())
			}
		})
	}
}
