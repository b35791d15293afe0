package look

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/target"
)

const (
	detectBound = 20 * time.Second // of all of Detect
	detectWidth = 6                // tries at once
)

// Detect says which targets what answers at an address makes: a web address, a name with
// its port, or a bare domain, of which mail, chat and the like are tried as well. The first
// is what stands at the address itself; owner and ID are left out. The address is the
// admin's own: no guard stands before it. Returns CodeInvalid for what is no address, and
// CodeUnsure where nothing answers as it should, with what to do.
func (l *Looker) Detect(ctx context.Context, address string) ([]target.Target, error) {
	ctx, cancel := context.WithTimeout(ctx, detectBound)
	defer cancel()
	address = strings.TrimSpace(address)
	var (
		all []target.Target
		err error
	)
	switch host, port, split := net.SplitHostPort(address); {
	case len(address) > 500 || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, badAddress(address)
	case strings.Contains(address, "://"):
		all, err = l.detectURL(ctx, address)
	case split == nil:
		all, err = l.detectPort(ctx, host, port)
	case strings.Contains(address, "/"):
		all, err = l.detectURL(ctx, "https://"+address)
	default:
		all, err = l.detectDomain(ctx, strings.ToLower(strings.TrimSuffix(address, ".")))
	}
	for i := range all {
		all[i].Every = target.UsualEvery
		all[i].Local = l.inside(ctx, all[i].Host())
	}
	return all, err
}

func badAddress(address string) error {
	return core.Invalid("watch.look.bad_address", fmt.Errorf("%.100q", address)).With("Value", address)
}

// noAnswer is why a first look at an address found nothing, as a sentence that says what
// to do about it.
func noAnswer(address string, err error) error {
	class, detail := classify(err)
	key := "watch.look.no_answer"
	switch class {
	case DNS:
		key = "watch.look.no_name"
	case Refused:
		key = "watch.look.refused"
	case Cert:
		key = "watch.look.bad_cert"
	case TLS:
		key = "watch.look.no_tls"
	default:
	}
	return core.Unsure(key, err).With("Address", address).With("Detail", detail)
}

// own is an attempt at something of our own.
func (l *Looker) own() *Attempt { return &Attempt{l: l, own: true} }

// try says whether an attempt at a target is well.
func (l *Looker) try(ctx context.Context, t target.Target) error {
	probe := l.kinds[t.Kind]
	if probe == nil {
		return Fail(Unfit, "this program does not know the kind %q", t.Kind)
	}
	a := l.own()
	defer a.close()
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	return a.protect(ctx, probe, t)
}

// well are those of the targets that are well now, in their order; they are tried side by
// side.
func (l *Looker) well(ctx context.Context, list []target.Target) (out []target.Target) {
	ok := make([]bool, len(list))
	var g errgroup.Group
	g.SetLimit(detectWidth)
	for i, t := range list {
		g.Go(func() error {
			ok[i] = l.try(ctx, t) == nil
			return nil
		})
	}
	_ = g.Wait() // none of them returns one
	for i, t := range list {
		if ok[i] {
			out = append(out, t)
		}
	}
	return out
}

// inside says whether a host lies in a network that others cannot reach: its targets are
// for us alone.
func (l *Looker) inside(ctx context.Context, host string) bool {
	if l.n.Private || l.n.Dial != nil || host == "" {
		return false
	}
	ips, err := l.own().resolve(ctx, host)
	for _, ip := range ips {
		if l.guard.special.SafeAddr(ip) == nil {
			return false
		}
	}
	return err == nil
}

// detectPort tries what usually stands at a port, then TLS, then whatever answers.
func (l *Looker) detectPort(ctx context.Context, host, port string) ([]target.Target, error) {
	address := net.JoinHostPort(host, port)
	t := target.Target{Service: host, Address: address}
	switch port {
	case "443", "8443":
		return l.detectURL(ctx, "https://"+strings.TrimSuffix(address, ":443")+"/")
	case "80", "8080":
		return l.detectURL(ctx, "http://"+strings.TrimSuffix(address, ":80")+"/")
	}
	var err error
	for _, k := range kindsAt(port) {
		t.Kind = k
		if err = l.tryPort(ctx, t); err == nil {
			break
		}
	}
	if err != nil {
		return nil, noAnswer(address, err)
	}
	if t.Kind == target.TCP {
		t.Expect.Text = l.greeting(ctx, address)
	}
	return []target.Target{t}, nil
}

// tryPort is try, but waits three seconds only for TLS where there may be none.
func (l *Looker) tryPort(ctx context.Context, t target.Target) error {
	if t.Kind == target.TLS {
		within, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		ctx = within
	}
	return l.try(ctx, t)
}

func kindsAt(port string) []target.Kind {
	switch port {
	case "25", "465", "587":
		return []target.Kind{target.SMTP}
	case "143", "993":
		return []target.Kind{target.IMAP}
	}
	return []target.Kind{target.TLS, target.TCP}
}

// greeting is the part of a server's first line that stays the same from version to
// version; empty where it says nothing.
func (l *Looker) greeting(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	a := l.own()
	defer a.close()
	c, err := a.Dial(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	text := make([]byte, 100)
	n, _ := c.Read(text) // with an error nothing was said
	for _, begin := range []string{"SSH-2.0-", "+OK", "* OK", "220"} {
		if strings.HasPrefix(string(text[:n]), begin) {
			return begin
		}
	}
	return ""
}

// detectDomain tries what a domain may have: a web site, and by their own interfaces or
// records a server of the fediverse, Matrix, XMPP, mail and the zone itself.
func (l *Looker) detectDomain(ctx context.Context, domain string) ([]target.Target, error) {
	t := target.Target{Kind: target.ICMP, Address: domain}
	if t.Host() == "" {
		return nil, badAddress(domain)
	}
	all, err := l.detectURL(ctx, "https://"+domain+"/")
	if err != nil {
		if plain, err := l.detectURL(ctx, "http://"+domain+"/"); err == nil {
			all = plain
		}
	}
	if _, bare := netip.ParseAddr(domain); bare != nil {
		more := []target.Target{
			{Kind: target.Matrix, Service: "Matrix", Address: domain},
			{Kind: target.XMPPClient, Service: "XMPP", Address: domain},
			{Kind: target.XMPPServer, Service: "XMPP", Address: domain},
		}
		more = append(more, l.mail(ctx, domain)...)
		if base, err := publicsuffix.EffectiveTLDPlusOne(domain); err == nil && base == domain {
			more = append(more, target.Target{Kind: target.DNS, Service: "DNS", Address: domain, Expect: target.Expect{Record: "SOA"}})
		}
		all = append(all, l.well(ctx, more)...)
	}
	if len(all) == 0 {
		return nil, err
	}
	return all, nil
}

// mail are a domain's mail servers, as far as they are its own: those of its MX records,
// and where its people would read mail.
func (l *Looker) mail(ctx context.Context, domain string) (out []target.Target) {
	ctx, cancel := context.WithTimeout(ctx, Bound/2)
	defer cancel()
	names := l.own().Resolver()
	mx, err := names.LookupMX(ctx, domain)
	if err != nil || len(mx) == 0 {
		return nil
	}
	read := []string{"imap." + domain, "mail." + domain}
	for i, r := range mx {
		host := strings.ToLower(strings.TrimSuffix(r.Host, "."))
		if i < 3 && host != "" && sameDomain(host, domain) {
			out = append(out, target.Target{Kind: target.SMTP, Service: "Mail", Address: net.JoinHostPort(host, "25")})
			read = append(read, host)
		}
	}
	if _, srv, err := names.LookupSRV(ctx, "imaps", "tcp", domain); err == nil && len(srv) > 0 {
		host := strings.ToLower(strings.TrimSuffix(srv[0].Target, "."))
		return append(out, target.Target{Kind: target.IMAP, Service: "Mail", Address: net.JoinHostPort(host, fmt.Sprint(srv[0].Port))})
	}
	for _, host := range read {
		if ips, err := names.LookupNetIP(ctx, "ip", host); err == nil && len(ips) > 0 {
			return append(out, target.Target{Kind: target.IMAP, Service: "Mail", Address: net.JoinHostPort(host, "993")})
		}
	}
	return out
}

// detectURL looks at a page, and asks whether one of the services we know is there.
func (l *Looker) detectURL(ctx context.Context, address string) ([]target.Target, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, badAddress(address)
	}
	t := target.Target{Kind: target.HTTP, Address: address, Service: strings.ToLower(u.Hostname())}
	if u.Scheme == "ws" || u.Scheme == "wss" {
		t.Kind = target.WebSocket
	}
	if t.Host() == "" {
		return nil, badAddress(address)
	}
	if t.Kind == target.WebSocket {
		if err := l.try(ctx, t); err != nil {
			return nil, noAnswer(address, err)
		}
		return []target.Target{t}, nil
	}
	page, err := l.page(ctx, address)
	if err != nil {
		return nil, noAnswer(address, err)
	}
	if known := l.service(ctx, t, u, page); len(known) > 0 {
		return known, nil
	}
	if t.Expect, err = l.expect(ctx, address, page); err != nil {
		return nil, err
	}
	return []target.Target{t}, nil
}

// page gets a page once, as a look would.
func (l *Looker) page(ctx context.Context, address string) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, Bound)
	defer cancel()
	a := l.own()
	defer a.close()
	return a.Get(ctx, Ask{URL: address})
}
