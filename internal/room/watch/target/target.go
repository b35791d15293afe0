package target

import (
	"cmp"
	"time"

	"entrechat/internal/core"
)

// Kind says how a target is looked at.
type Kind string

// The kinds of looks.
const (
	HTTP       Kind = "http"        // a web page: status, text, JSON, certificate
	WebSocket  Kind = "websocket"   // a web address that upgrades to WebSocket
	TCP        Kind = "tcp"         // a port that answers, with its first line when one is expected
	TLS        Kind = "tls"         // a port that speaks TLS, with its certificate
	DNS        Kind = "dns"         // a name of the hoster's own zone
	SMTP       Kind = "smtp"        // EHLO, STARTTLS, certificate; no mail is sent
	IMAP       Kind = "imap"        // greeting, capabilities, certificate
	XMPPClient Kind = "xmpp_client" // a stream as a client opens it
	XMPPServer Kind = "xmpp_server" // a stream as another server opens it
	Matrix     Kind = "matrix"      // federation: well-known, version, keys
	NodeInfo   Kind = "nodeinfo"    // a server of the fediverse
	Nextcloud  Kind = "nextcloud"   // status.php
	Mastodon   Kind = "mastodon"    // its public API
	PeerTube   Kind = "peertube"    // its public API
	Forgejo    Kind = "forgejo"     // Forgejo or Gitea
	S3         Kind = "s3"          // an S3 server that answers in S3's words
	ICMP       Kind = "icmp"        // for diagnosis: it never decides that something is down
	Ping       Kind = "ping"        // nobody looks: the service calls, and silence is the trouble
	Backup     Kind = "backup"      // how old the newest backup is, as who stores it sees it
)

// Target is one thing that is looked at. The owner publishes it in its logbook; nobody
// else can add one.
// spec: docs/spec/watch.md#targets
type Target struct {
	// ID is 16 lower-case hex digits, drawn once. It never means another target.
	ID    string
	Owner core.MemberID
	// Service is the name users know ("Pad"); targets of one name are one service on pages.
	Service string
	Kind    Kind
	// Address is a web address for the kinds that speak HTTP (but a bare domain for matrix,
	// nodeinfo, xmpp_client and xmpp_server), host:port for tcp, tls, smtp and imap, a name
	// for dns and icmp. It is empty for ping; for backup it is the repository's name.
	Address string
	// Every is the time between two looks of one vantage point, 10 s to a day: with five that
	// look, somebody looks five times as often.
	Every  time.Duration
	Expect Expect
	// Local targets are looked at from the owner's node only, and never published: a
	// router at home, a port on loopback.
	Local  bool
	Paused bool
	Made   core.Moment
	// Damaged: what the database has of Expect cannot be read. Nobody looks at such a target
	// until its owner says it anew.
	Damaged bool
}

// Expect is what a look must find. The zero value takes whatever its kind takes as well:
// for http a final status of 200 to 399.
type Expect struct {
	Status []string `json:"status,omitempty"` // "200", "2xx", "200-299"; any of them
	Text   string   `json:"text,omitempty"`   // stands in the body, or in the first line of tcp
	Absent string   `json:"absent,omitempty"` // does not stand in the body
	// Pointer is a JSON pointer (RFC 6901) into the body; Value what stands there, written
	// as text; an empty Value: anything does.
	Pointer string `json:"pointer,omitempty"`
	Value   string `json:"value,omitempty"`
	// Record is the DNS type: A, AAAA, MX, NS, TXT, SOA, CNAME; empty = A or AAAA.
	Record  string   `json:"record,omitempty"`
	Answers []string `json:"answers,omitempty"` // each of them is among the answers of dns
	// Slow is the time in milliseconds from which an answer counts as slow; 0 = never.
	Slow int64 `json:"slow_ms,omitempty"`
	// Insecure takes any certificate: for local targets only.
	Insecure bool `json:"insecure,omitempty"`
	// Signal is how a ping is expected.
	Signal *Signal `json:"signal,omitempty"`
	// MaxAge is for backup: older than so many hours is a failure; 0 = 48.
	MaxAge int64 `json:"max_age_h,omitempty"`
}

// With is what is expected, with what more says otherwise.
func (e Expect) With(more Expect) Expect {
	e.Text, e.Absent = cmp.Or(more.Text, e.Text), cmp.Or(more.Absent, e.Absent)
	e.Pointer, e.Value = cmp.Or(more.Pointer, e.Pointer), cmp.Or(more.Value, e.Value)
	e.Record, e.Slow, e.MaxAge = cmp.Or(more.Record, e.Record), cmp.Or(more.Slow, e.Slow), cmp.Or(more.MaxAge, e.MaxAge)
	e.Insecure = more.Insecure || e.Insecure
	if len(more.Status) > 0 {
		e.Status = more.Status
	}
	if len(more.Answers) > 0 {
		e.Answers = more.Answers
	}
	return e
}

// Signal is how often a ping is expected: a period, or times by a cron expression.
type Signal struct {
	Period int64  `json:"period_s,omitempty"` // between two pings, in seconds
	Grace  int64  `json:"grace_s,omitempty"`  // how late one may be, in seconds
	Cron   string `json:"cron,omitempty"`     // five fields; instead of Period
	Zone   string `json:"zone,omitempty"`     // time zone of Cron, "Europe/Paris"; empty = UTC
}
