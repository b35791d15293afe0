package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/person"
)

// The bounds of logout tokens.
const (
	logoutLife    = 24 * time.Hour // tried for so long
	logoutTimeout = 10 * time.Second
	logoutPass    = 100 // at once in one pass
	logoutCrew    = 8
	// sessionLife is when a browser's session has surely ended.
	sessionLife = 100 * 24 * time.Hour
)

// clientSession is a browser's session as one client knows it.
type clientSession struct {
	Session, Client string
	Person          person.ID
	Sub, SID        string
	Since           core.Moment
}

// Ended is called when a browser's session ends, in the transaction that ends it: whatever
// clients got in it ends, and they will be told. What lives on without the person ends too:
// whoever signs out, or ends the session of a machine that was lost, means all of it. (Back-Channel
// Logout 1.0 section 2.7 would keep it.) It may be called again.
func (p *Provider) Ended(ctx context.Context, q db.Querier, session string) error {
	if session == "" {
		return nil
	}
	return p.ended(ctx, q, ending{column: "session", value: session})
}

// EndPerson ends everything a person let clients have, in every browser and without one: they
// sign out everywhere, or may no longer sign in. It may be called again.
func (p *Provider) EndPerson(ctx context.Context, q db.Querier, id person.ID) error {
	return p.ended(ctx, q, ending{column: "person", value: string(id)})
}

// EndAt ends everything a person let one client have, which is told. It may be called again.
func (p *Provider) EndAt(ctx context.Context, q db.Querier, id person.ID, clientID string) error {
	return p.ended(ctx, q, ending{column: "person", value: string(id), client: clientID})
}

// ended ends client sessions and the grants that go with them.
func (p *Provider) ended(ctx context.Context, q db.Querier, e ending) error {
	p.codes.end(e)
	list, err := clientSessions(ctx, q, e)
	if err != nil {
		return err
	}
	now := p.now()
	for _, s := range list {
		l := logout{ID: strings.ToLower(rand.Text()), Client: s.Client, Sub: s.Sub, SID: s.SID, Made: now, Next: now}
		if err := insertLogout(ctx, q, l); err != nil {
			return err
		}
	}
	if err := revokeAll(ctx, q, e, now); err != nil {
		return err
	}
	return deleteClientSessions(ctx, q, e)
}

// Jobs are the work of the running node.
func (p *Provider) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "identity-logout", Every: 2 * time.Second, Run: p.DeliverLogouts},
		{Name: "identity-forget", Every: 10 * time.Minute, Jitter: time.Minute, Run: p.Forget},
	}
}

// Forget drops what ended.
func (p *Provider) Forget(ctx context.Context) error {
	return p.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return forget(ctx, q, p.now(), p.now().Add(-sessionLife))
	})
}

// logout is a logout token that a client has still to be told.
type logout struct {
	ID, Client, Sub, SID string
	Made, Next           core.Moment
	Tries                int64
}

// DeliverLogouts tells clients what is due, each once in a pass.
func (p *Provider) DeliverLogouts(ctx context.Context) error {
	due, err := dueLogouts(ctx, p.n.DB, p.now(), logoutPass)
	if err != nil {
		return err
	}
	var crew errgroup.Group
	crew.SetLimit(logoutCrew)
	for _, l := range inTurn(due) {
		crew.Go(func() error { return teller{p}.deliver(ctx, l) })
	}
	return crew.Wait()
}

// deliver makes one try. The next is set before it, so that a kill costs a wait only.
func (p teller) deliver(ctx context.Context, l logout) error {
	now := p.now()
	if now >= l.Made.Add(logoutLife) {
		p.counts.dropped.Add(1)
		return deleteLogout(ctx, p.n.DB, l.ID)
	}
	c, err := p.client(ctx, l.Client)
	if code := core.CodeOf(err); code == core.CodeNotFound || code == core.CodeDenied || (err == nil && c.BackLogout == "") {
		return deleteLogout(ctx, p.n.DB, l.ID)
	}
	if err != nil {
		return err
	}
	if rest := p.slow.rests(c.ID, now); rest != 0 {
		return restLogout(ctx, p.n.DB, l.ID, rest)
	}
	if err := laterLogout(ctx, p.n.DB, l.ID, now.Add(pause(l.Tries))); err != nil {
		return err
	}
	if err := p.tell(ctx, c, l); err != nil {
		p.slow.took(c.ID, now, p.now())
		p.n.Log.Info("service not told of a sign-out yet", "client", c.ID, "tries", l.Tries+1, "error", err)
		p.counts.put.Add(1)
		return nil
	}
	p.counts.told.Add(1)
	return deleteLogout(ctx, p.n.DB, l.ID)
}

// pause is how long after a try the next is made: 5 s, doubled each time, an hour at most.
func pause(tries int64) time.Duration {
	if tries > 9 {
		return time.Hour
	}
	return min(5*time.Second<<tries, time.Hour)
}

// logoutClaims is the payload of a logout token, OpenID Connect Back-Channel Logout 1.0
// section 2.4. It has no nonce.
type logoutClaims struct {
	jwt.Claims

	SID    string                    `json:"sid"`
	Events map[string]map[string]int `json:"events"`
}

func (p teller) logoutToken(c client.Client, l logout) (string, error) {
	k, err := p.n.Keys.Signing(c.Alg)
	if err != nil {
		return "", err
	}
	now := p.n.Now()
	return key.Sign(k, "logout+jwt", logoutClaims{
		Claims: jwt.Claims{
			Issuer: p.n.Issuer, Subject: l.Sub, Audience: jwt.Audience{c.ID}, ID: rand.Text(),
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(2 * time.Minute)),
		},
		SID: l.SID, Events: map[string]map[string]int{"http://schemas.openid.net/event/backchannel-logout": {}},
	})
}

func (p teller) tell(ctx context.Context, c client.Client, l logout) error {
	token, err := p.logoutToken(c, l)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, logoutTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BackLogout, strings.NewReader(url.Values{"logout_token": {token}}.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := p.calls.of(c).Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 4<<10)) // for the next call on this connection
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %d", answer.StatusCode)
	}
	return nil
}

// teller tells services that a session has ended.
type teller struct{ *Provider }

// Dial replaces the network.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// callers are who logout tokens are brought by. Our own services may stand in our own
// network, where the hoster says; a member may not send us there.
type callers struct{ own, members *http.Client }

func newCallers(private bool, dial Dial) callers {
	build := func(guarded bool) *http.Client {
		dialer := &net.Dialer{Timeout: 5 * time.Second}
		if guarded {
			dialer.Control = ssrf.New(ssrf.WithAnyPort()).Safe // a member's name may have a port
		}
		through := dial
		if through == nil {
			through = dialer.DialContext
		}
		return &http.Client{
			Timeout:       logoutTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("a redirect") },
			Transport: &http.Transport{
				DialContext: through, TLSHandshakeTimeout: 5 * time.Second, MaxResponseHeaderBytes: 16 << 10, MaxIdleConns: 8, IdleConnTimeout: 30 * time.Second,
			},
		}
	}
	return callers{own: build(false), members: build(!private)}
}

func (c callers) of(who client.Client) *http.Client {
	if who.Member {
		return c.members
	}
	return c.own
}
