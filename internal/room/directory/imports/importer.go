package imports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

// Fetcher asks for what strangers publish: it keeps us away from private addresses
// and from redirects into them. peer.NewVisitor makes one.
type Fetcher interface {
	Revisit(ctx context.Context, address string, seen peer.Seen, limit int64) (*http.Response, error)
}

// Catalogue takes what the files say: catalogue.Store. Put replaces everything that
// one author said; forgetting one who is not there is no error.
type Catalogue interface {
	Put(ctx context.Context, h catalogue.Hoster, all []catalogue.Service) error
	Forget(ctx context.Context, key string) error
}

// Limits bound a walk.
// spec: docs/spec/statoolinfos.md#import
type Limits struct {
	AtOnce   int           // files asked for at one moment
	PerHost  int           // of these, at one host
	Pause    time.Duration // before the same connection asks its host again
	Patience time.Duration // for one file, from the name to the last byte
	Whole    time.Duration // for a walk
	Files    int           // addresses of a walk
	Bytes    int64         // new bytes of a walk
}

// Usual are the limits of a node.
func Usual() Limits {
	return Limits{
		AtOnce: 32, PerHost: 2, Pause: 200 * time.Millisecond, Patience: 20 * time.Second, Whole: 15 * time.Minute,
		Files: 30_000, Bytes: 256 << 20,
	}
}

// Needs is what the importer is made of.
type Needs struct {
	DB        *db.DB
	Fetch     Fetcher
	Catalogue Catalogue
	Limits    Limits
	Now       func() time.Time
	Log       *slog.Logger
}

// Importer keeps foreign files. Safe for concurrent use, by several processes too.
type Importer struct{ n Needs }

// New makes an importer.
func New(n Needs) *Importer { return &Importer{n} }

// Import follows an address that somebody typed, now, and keeps it for the daily
// walks. What is broken below it is named in the report. Returns CodeInvalid for no
// address, or when the address itself gives no good file and never did; nothing is
// kept then.
func (m *Importer) Import(ctx context.Context, typed string) (Report, error) {
	root, ok := address(typed)
	if !ok {
		return Report{}, core.Invalid("directory.import.bad_address", fmt.Errorf("%.120q", typed)).With("Address", fmt.Sprintf("%.120q", typed))
	}
	return m.walk(ctx, root, true)
}

// Jobs is what runs while the node is up.
func (m *Importer) Jobs() []jobs.Job {
	// Each file is due once a day; the hour is for those that failed, and lets a walk
	// that ran out of time go on.
	return []jobs.Job{{Name: "directory-files", Every: time.Hour, Jitter: 20 * time.Minute, Later: true, Run: m.Refresh}}
}

// Refresh asks for every file that is due.
func (m *Importer) Refresh(ctx context.Context) error {
	roots, err := dueRoots(ctx, m.n.DB, core.At(m.n.Now()))
	if err != nil {
		return err
	}
	var failed []error
	for _, root := range roots {
		r, err := m.walk(ctx, root, false)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", root, err))
			continue
		}
		m.n.Log.Info("foreign files asked", "root", root, "good", r.Good, "unchanged", r.Unchanged, "broken", len(r.Broken), "cut", r.Stopped)
	}
	return errors.Join(failed...)
}

var asciiHost = regexp.MustCompile(`^[a-z0-9._\[\]:-]+$`)

// address brings a public address into its one form, and says whether it is one.
func address(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	u.Host = strings.ToLower(u.Host)
	if u.Scheme != "https" && u.Scheme != "http" || !asciiHost.MatchString(u.Host) {
		return "", false
	}
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	u.Fragment, u.RawFragment = "", ""
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = escaped(u.RawQuery)
	at := u.String()
	if len(at) > catalogue.MaxLink {
		return "", false
	}
	return at, true
}

// escaped writes what is no printable ASCII as %XX, as net/url does in paths.
func escaped(query string) string {
	var out strings.Builder
	for _, c := range []byte(query) {
		if c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&out, "%%%02X", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}

// host is the host and port of an address.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// controls says whether who publishes a file on one host also speaks for another
// address: on that host, or on one whose name lies below it.
func controls(file, other string) bool {
	a, b := strings.TrimPrefix(host(file), "www."), strings.TrimPrefix(host(other), "www.")
	return a == b || strings.HasSuffix(b, "."+a)
}

// vouches says whether a file proves that another belongs where it is listed: a
// federation lists others by nature, a hoster speaks for its own hosts.
func vouches(class statool.Class, file, other string) bool {
	return class == statool.ClassFederation || controls(file, other)
}
