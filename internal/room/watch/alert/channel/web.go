package channel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/alert/contact"
)

// errBlocked is a dial to an address we do not call.
var errBlocked = errors.New("address is not called")

// guarded is a client for addresses that somebody typed: each dial is checked after the
// name was resolved, redirects are not followed, nothing is kept.
func guarded(n Needs) *http.Client {
	d := &net.Dialer{Timeout: Timeout}
	if !n.Private {
		addresses := ssrf.New(ssrf.WithAnyPort())
		d.Control = func(network, address string, c syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			// Below 1024 are mail, names and logins, which a crafted request could be meant for.
			if err != nil || at.Port() < 1024 && at.Port() != 80 && at.Port() != 443 {
				return errBlocked
			}
			if err := addresses.Safe(network, address, c); err != nil {
				return errBlocked
			}
			return nil
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: d.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10, TLSHandshakeTimeout: Timeout,
			TLSClientConfig: &tls.Config{RootCAs: n.Roots, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one request of a kind.
type call struct {
	method, address string
	body            any // JSON, or a string as it is
	header          map[string]string
}

func (s *Senders) web(ctx context.Context, to contact.Channel, m Message) error {
	u, ok := contact.Web(to.Address)
	if !ok || u.Scheme != "https" && !s.n.Private {
		return &SendError{Why: "blocked"}
	}
	c, err := request(u, to, m)
	if err != nil {
		return err
	}
	body, err := encode(c.body)
	if err != nil {
		return &SendError{Why: "unset"}
	}
	// What the server may have seen of the request decides whether it may have arrived.
	var begun atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { begun.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, c.method, c.address, bytes.NewReader(body))
	if err != nil {
		return &SendError{Why: "unset"}
	}
	r.Header.Set("User-Agent", "entrechat")
	r.Header.Set("Content-Type", "application/json")
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	answer, err := s.http.Do(r)
	if err != nil {
		return &SendError{Why: why(err), Unsure: begun.Load()}
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10)
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return &SendError{Why: fmt.Sprintf("status %d", answer.StatusCode)}
	}
	return nil
}

func encode(body any) ([]byte, error) {
	if text, ok := body.(string); ok {
		return []byte(text), nil
	}
	return json.Marshal(body)
}

// request is how a kind says a message.
func request(u *url.URL, to contact.Channel, m Message) (call, error) {
	name := strings.Trim(u.Path, "/")
	base := &url.URL{Scheme: u.Scheme, Host: u.Host}
	c := call{method: http.MethodPost, address: to.Address, header: map[string]string{}}
	if to.Token != "" {
		c.header["Authorization"] = "Bearer " + to.Token
	}
	switch to.Kind {
	case contact.Ntfy:
		c.address = base.String()
		c.body = ntfyBody{Topic: name, Title: m.Title, Message: m.Text, Click: m.Link, Priority: m.priority(3, 5)}
	case contact.Gotify:
		c.address = u.JoinPath("message").String()
		delete(c.header, "Authorization")
		c.header["X-Gotify-Key"] = to.Token
		c.body = gotifyBody{Title: m.Title, Message: m.body(), Priority: m.priority(5, 10)}
	case contact.Matrix:
		// A transaction's name makes the server drop the second of two equal sends.
		c.method = http.MethodPut
		c.address = base.String() + "/_matrix/client/v3/rooms/" + url.PathEscape(name) + "/send/m.room.message/" + transaction(m.Key)
		c.body = matrixBody{Type: "m.text", Body: m.Title + "\n" + m.body()}
	case contact.Mastodon:
		c.address = base.String() + "/api/v1/statuses"
		c.header["Idempotency-Key"] = transaction(m.Key)
		text := contact.Short(name+" "+m.Title, 450)
		c.body = mastodonBody{Status: text + "\n" + m.Link, Visibility: "direct", Language: m.Lang}
	case contact.Alertmanager:
		c.address = u.JoinPath("api/v2/alerts").String()
		c.body = []alertBody{alertOf(m)}
	case contact.Webhook:
		c.header["Idempotency-Key"] = transaction(m.Key)
		c.body = webhookOf(m)
	case contact.Mail, contact.XMPP:
		return c, &SendError{Why: "unset"}
	}
	return c, nil
}

type ntfyBody struct {
	Topic    string `json:"topic"`
	Title    string `json:"title"`
	Message  string `json:"message"`
	Click    string `json:"click,omitempty"`
	Priority int    `json:"priority"`
}

type gotifyBody struct {
	Title    string `json:"title"`
	Message  string `json:"message"`
	Priority int    `json:"priority"`
}

type matrixBody struct {
	Type string `json:"msgtype"`
	Body string `json:"body"`
}

type mastodonBody struct {
	Status     string `json:"status"`
	Visibility string `json:"visibility"`
	Language   string `json:"language,omitempty"`
}

// webhookBody is what programs get. Times are RFC 3339 in UTC.
type webhookBody struct {
	Key      string   `json:"key"`
	Kind     string   `json:"kind"`
	Hoster   string   `json:"hoster"`
	Services []string `json:"services"`
	Title    string   `json:"title"`
	Text     string   `json:"text"`
	Link     string   `json:"link,omitempty"`
	Urgent   bool     `json:"urgent"`
	At       string   `json:"at"`
	Over     string   `json:"over,omitempty"`
}

func webhookOf(m Message) webhookBody {
	return webhookBody{
		Key: m.Key, Kind: m.Kind, Hoster: string(m.Owner), Services: append([]string{}, m.Services...), Title: m.Title, Text: m.Text,
		Link: m.Link, Urgent: m.Urgent, At: stamp(m.At), Over: stamp(m.Over),
	}
}

// alertBody is one alert of Alertmanager's API v2.
type alertBody struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    string            `json:"startsAt"`
	EndsAt      string            `json:"endsAt,omitempty"`
	Generator   string            `json:"generatorURL,omitempty"`
}

// alertOf has the same labels for the beginning and the end of one incident: so
// Alertmanager knows them as one.
func alertOf(m Message) alertBody {
	severity := "warning"
	if m.Urgent {
		severity = "critical"
	}
	return alertBody{
		Labels: map[string]string{
			"alertname": "entrechat", "hoster": string(m.Owner), "service": contact.Short(strings.Join(m.Services, ", "), 200), "severity": severity,
		},
		Annotations: map[string]string{"summary": m.Title, "description": m.Text},
		StartsAt:    stamp(m.At), EndsAt: stamp(m.Over), Generator: m.Link,
	}
}

func stamp(at core.Moment) string {
	if at == 0 {
		return ""
	}
	return at.Time().Format(time.RFC3339)
}

// transaction names a message where protocols drop doubles by a name.
func transaction(key string) string {
	sum := sha256.Sum256([]byte("entrechat alert " + key))
	return hex.EncodeToString(sum[:16])
}

func (m Message) priority(usual, urgent int) int {
	if m.Urgent {
		return urgent
	}
	return usual
}

// why puts a library's error into one of our words.
func why(err error) string {
	var timeout interface{ Timeout() bool }
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.Is(err, errBlocked):
		return "blocked"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case strings.Contains(err.Error(), "tls:"), strings.Contains(err.Error(), "x509:"), strings.Contains(err.Error(), "STARTTLS"):
		return "tls"
	case errors.As(err, &op), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	}
	return "rejected"
}
