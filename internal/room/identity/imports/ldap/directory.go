package ldap

import (
	"context"
	"embed"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	goldap "github.com/go-ldap/ldap/v3"
	"golang.org/x/sync/semaphore"

	"entrechat/internal/core"
)

// Words are the sentences of the directory.
//
//go:embed words/*.toml
var Words embed.FS

const (
	dialTimeout = 5 * time.Second
	askTimeout  = 5 * time.Second
	maxAtOnce   = 16 // connections
	maxTyped    = 300
	maxPassword = 1024
)

// Entry is one person as the directory has them.
type Entry struct {
	ID   string // the lasting name
	UID  string
	Name string
	Mail string
	dn   string
}

// Directory asks an LDAP server. Safe for concurrent use.
type Directory struct {
	Settings
	turns *semaphore.Weighted
}

// NewDirectory makes one of settings that were checked; nothing is asked yet.
func NewDirectory(c Settings) (*Directory, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	return &Directory{c, semaphore.NewWeighted(maxAtOnce)}, nil
}

// Bind says whether a password is that of whom somebody typed, a user name or a mail
// address, and who that is. An empty password is never right. More than one entry that
// fits is none. Returns CodeUnsure "identity.ldap.away" when the directory does not answer,
// and CodeInvalid or CodeDenied for settings it does not take.
func (d *Directory) Bind(ctx context.Context, typed, password string) (Entry, bool, error) {
	typed = strings.TrimSpace(typed)
	attribute := d.User
	if strings.Contains(typed, "@") {
		attribute = d.Mail
	}
	return d.bind(ctx, attribute, typed, password)
}

// BindID is Bind for the entry of a lasting name.
func (d *Directory) BindID(ctx context.Context, id, password string) (bool, error) {
	_, ok, err := d.bind(ctx, d.ID, id, password)
	return ok, err
}

func (d *Directory) bind(ctx context.Context, attribute, value, password string) (Entry, bool, error) {
	// An empty password binds as nobody, and that succeeds.
	if password == "" || value == "" || len(value) > maxTyped || len(password) > maxPassword || !utf8.ValidString(value) || strings.ContainsRune(password, 0) {
		return Entry{}, false, nil
	}
	e, found, err := d.find(ctx, attribute, value)
	if err != nil || !found {
		return Entry{}, false, err
	}
	// A connection of its own: what was bound for the search is not what asks.
	conn, done, err := d.connect(ctx)
	if err != nil {
		return Entry{}, false, err
	}
	defer done()
	err = conn.Bind(e.dn, password)
	switch {
	case err == nil:
		return e, true, nil
	case goldap.IsErrorAnyOf(err, goldap.LDAPResultInvalidCredentials, goldap.LDAPResultInappropriateAuthentication,
		goldap.LDAPResultUnwillingToPerform, goldap.LDAPResultInsufficientAccessRights, goldap.LDAPResultConstraintViolation):
		return Entry{}, false, nil // wrong, locked, without a password
	default:
		return Entry{}, false, away(err)
	}
}

// find looks for the one entry with a value, as who searches.
func (d *Directory) find(ctx context.Context, attribute, value string) (e Entry, found bool, err error) {
	conn, done, err := d.search(ctx)
	if err != nil {
		return e, false, err
	}
	defer done()
	filter := "(&" + d.Filter + "(" + attribute + "=" + goldap.EscapeFilter(value) + "))"
	got, err := conn.Search(goldap.NewSearchRequest(d.Base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 2, int(askTimeout.Seconds()), false, filter,
		[]string{d.ID, d.User, d.Name, d.Mail}, nil))
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded):
		return e, false, nil
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject):
		return e, false, core.Invalid("identity.ldap.no_base", err).With("Base", d.Base)
	case err != nil:
		return e, false, away(err)
	case len(got.Entries) != 1:
		return e, false, nil
	}
	return d.entry(got.Entries[0])
}

func (d *Directory) entry(raw *goldap.Entry) (Entry, bool, error) {
	id := raw.GetRawAttributeValue(d.ID)
	e := Entry{ID: string(id), UID: raw.GetAttributeValue(d.User), Name: raw.GetAttributeValue(d.Name), Mail: raw.GetAttributeValue(d.Mail), dn: raw.DN}
	if len(id) == 0 || len(id) > 100 || e.UID == "" || e.dn == "" {
		return e, false, core.Invalid("identity.ldap.no_id", errors.New("an entry without a lasting name")).With("Attribute", d.ID)
	}
	if !printable(e.ID) { // as Active Directory's objectGUID, 16 bytes: asked for by BindID as text all the same
		return e, false, core.Invalid("identity.ldap.no_id", errors.New("a lasting name that is no text: "+hex.EncodeToString(id))).With("Attribute", d.ID)
	}
	return e, true, nil
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) < 0
}

// search is a connection bound as who searches.
func (d *Directory) search(ctx context.Context) (*goldap.Conn, func(), error) {
	password, err := d.password()
	if err != nil {
		return nil, nil, err
	}
	conn, done, err := d.connect(ctx)
	if err != nil || d.BindDN == "" {
		return conn, done, err
	}
	if err := conn.Bind(d.BindDN, password); err != nil {
		done()
		if goldap.IsErrorWithCode(err, goldap.LDAPResultInvalidCredentials) {
			return nil, nil, core.Denied("identity.ldap.searcher", err).With("DN", d.BindDN)
		}
		return nil, nil, away(err)
	}
	return conn, done, nil
}

// connect opens a connection, with TLS but on this machine.
func (d *Directory) connect(ctx context.Context) (*goldap.Conn, func(), error) {
	at, err := d.server()
	if err != nil {
		return nil, nil, err
	}
	return d.dial(ctx, at)
}

func (d *Directory) dial(ctx context.Context, at server) (*goldap.Conn, func(), error) {
	secure, err := d.tls(at.host)
	if err != nil {
		return nil, nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := d.turns.Acquire(waiting, 1); err != nil {
		return nil, nil, away(err)
	}
	conn, err := goldap.DialURL(at.url, goldap.DialWithDialer(dialer()), goldap.DialWithTLSConfig(secure))
	if err != nil {
		d.turns.Release(1)
		return nil, nil, away(err)
	}
	done := func() {
		_ = conn.Close()
		d.turns.Release(1)
	}
	conn.SetTimeout(askTimeout)
	if at.start {
		if err := conn.StartTLS(secure); err != nil {
			done()
			return nil, nil, away(err)
		}
	}
	return conn, done, nil
}

func away(err error) error { return core.Unsure("identity.ldap.away", err) }

// Report is what a test of the settings found.
type Report struct {
	Server string `json:"server"`
	TLS    bool   `json:"tls"`
	People int    `json:"people"` // entries that fit, at most 1000 are counted
	More   bool   `json:"more,omitzero"`
	Sample string `json:"sample,omitempty"` // user name of one of them
	// Lasting says whether the sample has a lasting name.
	Lasting bool `json:"lasting"`
}

// Test asks the directory what Bind would ask, with nobody's password. Returns as Bind does.
func (d *Directory) Test(ctx context.Context) (r Report, err error) {
	at, err := d.server()
	if err != nil {
		return r, err
	}
	conn, done, err := d.search(ctx)
	if err != nil {
		return r, err
	}
	defer done()
	_, r.TLS = conn.TLSConnectionState()
	r.Server = at.url
	got, err := conn.Search(goldap.NewSearchRequest(d.Base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 1000, int(askTimeout.Seconds()), false,
		"(&"+d.Filter+"("+d.User+"=*))", []string{d.ID, d.User}, nil))
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultSizeLimitExceeded):
		r.More = true
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject):
		return r, core.Invalid("identity.ldap.no_base", err).With("Base", d.Base)
	case err != nil:
		return r, away(err)
	}
	if got != nil && len(got.Entries) > 0 {
		r.People = len(got.Entries)
		r.Sample = got.Entries[0].GetAttributeValue(d.User)
		_, r.Lasting, _ = d.entry(got.Entries[0])
	}
	return r, nil
}
