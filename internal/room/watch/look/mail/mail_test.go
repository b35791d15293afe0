package mail

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

func probes() map[target.Kind]look.Probe {
	return map[target.Kind]look.Probe{target.SMTP: SMTP(), target.IMAP: IMAP}
}

// certificates are a good one, one that ended an hour ago, and one of another name, each as
// its two files.
func certificates(t *testing.T) (a *looktest.Authority, good, ended, other [2]string) {
	t.Helper()
	a, dir := looktest.NewAuthority(t), looktest.Dir(t)
	issue := func(name, host string, ends time.Time) (files [2]string) {
		files[0], files[1] = a.Issue(dir, name, ends, host)
		return files
	}
	day := 24 * time.Hour
	return a, issue("good", "mail.chaton-a.test", time.Now().Add(30*day)),
		issue("ended", "mail.chaton-a.test", time.Now().Add(-time.Hour)),
		issue("other", "mail.chaton-b.test", time.Now().Add(30*day))
}

// ports gives each name a port of its own.
func ports(t *testing.T, names ...string) (by map[string]int, all []int) {
	t.Helper()
	by = map[string]int{}
	for _, n := range names {
		by[n] = looktest.Port(t)
		all = append(all, by[n])
	}
	return by, all
}

// places are "mail.chaton-a.test" with these ports, and a known port beside them.
func places(by map[string]int, known string, at int) map[string]string {
	m := map[string]string{"mail.chaton-a.test:" + known: looktest.Address(at)}
	for _, p := range by {
		m["mail.chaton-a.test:"+strconv.Itoa(p)] = looktest.Address(p)
	}
	return m
}

// cases are looks at a server whose ports are broken each in its way. tls is the port that
// is known for TLS from the first byte.
func cases(kind target.Kind, by map[string]int, tls int, program string) map[string]looktest.Case {
	at := func(port int, e target.Expect) target.Target {
		return target.Target{Kind: kind, Address: "mail.chaton-a.test:" + strconv.Itoa(port), Expect: e}
	}
	whole := func(r look.Result) bool {
		return r.Software == program && r.Leaf != [32]byte{} && r.TLS > 0 && r.First > 0 && r.Ends > 0
	}
	noted := func(r look.Result) bool { return r.Leaf != [32]byte{} }
	return map[string]looktest.Case{
		"STARTTLS":                   looktest.Is(at(by["good"], target.Expect{}), look.Fine, whole),
		"its greeting":               looktest.Is(at(by["good"], target.Expect{Text: program}), look.Fine, whole),
		"another greeting":           looktest.Is(at(by["good"], target.Expect{Text: "Exchange"}), look.Content),
		"what must not stand there":  looktest.Is(at(by["good"], target.Expect{Absent: program}), look.Content),
		"TLS first":                  looktest.Is(at(tls, target.Expect{}), look.Fine, whole),
		"a certificate that ended":   looktest.Is(at(by["ended"], target.Expect{}), look.Cert, noted),
		"a certificate of another":   looktest.Is(at(by["other"], target.Expect{}), look.Cert, noted),
		"no STARTTLS":                looktest.Is(at(by["none"], target.Expect{}), look.TLS),
		"nobody listens":             looktest.Is(at(by["gone"], target.Expect{}), look.Refused),
		"TLS first where it is late": looktest.Is(at(by["tls"], target.Expect{}), look.Timeout),
	}
}

// hang stops a server, lets it go on, and ends it.
func hang(t *testing.T, l *look.Looker, server *looktest.Server, at target.Target) {
	t.Helper()
	server.Hang()
	looktest.Look(t, l, at, look.Timeout)
	server.Wake()
	looktest.Look(t, l, at, look.Fine)
	server.End()
	looktest.Look(t, l, at, look.Refused)
	if t.Failed() {
		t.Log(server.Log())
	}
}

func TestSMTPOfPostfix(t *testing.T) {
	t.Parallel()
	authority, good, ended, other := certificates(t)
	by, all := ports(t, "good", "tls", "ended", "other", "none", "old", "gone")
	service := func(name, options string) string {
		return fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd %s\n", by[name], options)
	}
	use := func(files [2]string) string {
		return "-o smtpd_tls_cert_file=" + files[0] + " -o smtpd_tls_key_file=" + files[1]
	}
	server := looktest.Postfix(t, all[:6], service("good", use(good))+
		service("tls", "-o smtpd_tls_wrappermode=yes "+use(good))+
		service("ended", use(ended))+
		service("other", use(other))+
		service("none", "-o smtpd_tls_security_level=none")+
		service("old", "-o smtpd_tls_mandatory_protocols=TLSv1 -o smtpd_tls_protocols=TLSv1 "+use(good)),
		"smtpd_tls_security_level = may\n")
	l := looktest.Looker(authority.Roots, probes(), places(by, "465", by["tls"]), "", time.Now)
	list := cases(target.SMTP, by, 465, "Postfix")
	list["a TLS nobody speaks"] = looktest.Is(target.Target{Kind: target.SMTP, Address: "mail.chaton-a.test:" + strconv.Itoa(by["old"])}, look.TLS)
	looktest.All(t, l, list)
	hang(t, l, server, target.Target{Kind: target.SMTP, Address: "mail.chaton-a.test:" + strconv.Itoa(by["good"])})
}

func TestIMAPOfDovecot(t *testing.T) {
	t.Parallel()
	authority, good, ended, other := certificates(t)
	by, all := ports(t, "good", "tls", "ended", "other", "none", "gone")
	// One Dovecot has one certificate for all its ports.
	start := func(files [2]string, settings string, plain, safe int, ports []int) *looktest.Server {
		return looktest.Dovecot(t, ports, fmt.Sprintf("inet_listener imap {\nport = %d\n}\ninet_listener imaps {\nport = %d\n}\n", plain, safe),
			"ssl_cert = <"+files[0]+"\nssl_key = <"+files[1]+"\n"+settings)
	}
	server := start(good, "ssl = yes\n", by["good"], by["tls"], all[:2])
	start(ended, "ssl = yes\n", by["ended"], 0, all[2:3])
	start(other, "ssl = yes\n", by["other"], 0, all[3:4])
	start(good, "ssl = no\n", by["none"], 0, all[4:5])
	l := looktest.Looker(authority.Roots, probes(), places(by, "993", by["tls"]), "", time.Now)
	list := cases(target.IMAP, by, 993, "Dovecot")
	looktest.All(t, l, list)
	hang(t, l, server, target.Target{Kind: target.IMAP, Address: "mail.chaton-a.test:" + strconv.Itoa(by["good"])})
}
