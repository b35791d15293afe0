package draft

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"entrechat/internal/core"
)

// Limits of one draft.
const (
	maxAnswer   = 512 << 10        // bytes of one answer
	maxLooks    = 32               // addresses asked for one domain
	maxParallel = 6                // of them at once
	lookTime    = 10 * time.Second // for one
	draftTime   = 45 * time.Second // for all
)

// Fetcher gets public documents. It keeps us away from private addresses and
// from redirects into them; peer.Client is one. Non-2xx answers are errors with
// a core.Code.
type Fetcher interface {
	Fetch(ctx context.Context, rawURL string, limit int64) ([]byte, http.Header, error)
}

// Needs of a Reader.
type Needs struct {
	Fetch Fetcher
	Now   func() time.Time
	// Plain asks over http instead of https: for tests and the demo.
	Plain bool
}

// Reader makes drafts. Safe for concurrent use.
type Reader struct{ n Needs }

// New makes a Reader.
func New(n Needs) *Reader { return &Reader{n: n} }

// Outcome is what came of a look.
type Outcome string

// The outcomes.
const (
	Read          Outcome = "read"
	Absent        Outcome = "absent"         // 404, 410, or another refusal: the program is not there, or closed
	Unreachable   Outcome = "unreachable"    // no answer, or a fault on their side: ask again later
	NotUnderstood Outcome = "not_understood" // an answer, but not the documented one
)

// Look is one address that was asked.
type Look struct {
	URL     string
	Outcome Outcome
}

// Service is one program that answers under the domain.
type Service struct {
	Kind  string // what was recognised: "peertube", "matrix", or the program NodeInfo names
	Facts Facts
}

// Draft is what a domain says of itself.
type Draft struct {
	Domain   core.MemberID
	At       core.Moment
	Services []Service // by kind
	Hoster   Facts     // what concerns the hoster and not one program
	Looks    []Look    // in the order of URL
}

// Draft asks a domain ("chaton.example", with a port where needed). A domain that
// answers, but none of our questions, gives a draft without facts, not an error.
// Returns CodeInvalid for what is no domain, CodeUnsure when ctx ended or nothing
// answers there: a name that does not exist says nothing about services.
func (r *Reader) Draft(ctx context.Context, domain string) (Draft, error) {
	id, err := core.ParseMemberID(domain)
	if err != nil {
		return Draft{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, draftTime)
	defer cancel()
	v := &visit{n: r.n, base: "https://" + string(id), services: map[string]Facts{}, order: map[string]int{}}
	if r.n.Plain {
		v.base = "http://" + string(id)
	}
	now := core.At(r.n.Now())
	v.group.SetLimit(maxParallel)
	for _, look := range []func(context.Context, *visit){
		nodeinfo, nextcloud, peertube, mastodon, forgejo, matrix, xmpp, homepage, securityText,
	} {
		v.group.Go(func() error {
			look(ctx, v)
			return nil
		})
	}
	_ = v.group.Wait()
	if err := ctx.Err(); err != nil && len(v.services)+len(v.hoster) == 0 {
		return Draft{}, core.Unsure("directory.draft.interrupted", fmt.Errorf("draft of %s: %w", id, err)).With("Domain", id)
	}
	d := v.draft(id, now)
	if !slices.ContainsFunc(d.Looks, func(l Look) bool { return l.Outcome != Unreachable }) {
		return Draft{}, core.Unsure("directory.draft.nobody", fmt.Errorf("draft of %s: nothing answers", id)).With("Domain", id)
	}
	return d, nil
}

// visit is one draft in the making.
type visit struct {
	n     Needs
	base  string
	group errgroup.Group

	mu       sync.Mutex
	services map[string]Facts
	hoster   Facts
	looks    []Look
	order    map[string]int // source -> the lower, the more it counts
	asked    int
}

// get asks one address; ok is false when there is nothing to read.
func (v *visit) get(ctx context.Context, address string) (data []byte, s *source, ok bool) {
	v.mu.Lock()
	v.asked++
	over := v.asked > maxLooks
	v.mu.Unlock()
	if over {
		return nil, nil, false
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	data, _, err := v.n.Fetch.Fetch(ctx, address, maxAnswer)
	switch core.CodeOf(err) {
	case "":
		v.saw(address, Read)
		return data, &source{address: address, at: core.At(v.n.Now())}, true
	case core.CodeNotFound, core.CodeDenied, core.CodeInvalid, core.CodeConflict:
		v.saw(address, Absent)
	default:
		outcome := Unreachable
		if e, ok := errors.AsType[*core.Error](err); ok && e.Key == "peer.answer_too_long" {
			outcome = NotUnderstood // somebody answers
		}
		v.saw(address, outcome)
	}
	return nil, nil, false
}

// object asks one address for a JSON object.
func (v *visit) object(ctx context.Context, address string, into any) (*source, bool) {
	data, s, ok := v.get(ctx, address)
	if !ok {
		return nil, false
	}
	if err := decode(data, into); err != nil {
		v.saw(address, NotUnderstood)
		return nil, false
	}
	return s, true
}

// decode reads a foreign JSON object: unknown members and numbers of any kind are
// fine, what is not an object is not. A member of another type than the
// documented one is as good as missing.
func decode(data []byte, into any) error {
	if trimmed := strings.TrimSpace(string(data[:min(len(data), 64)])); !strings.HasPrefix(trimmed, "{") {
		return errors.New("no JSON object")
	}
	err := json.Unmarshal(data, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return nil
	}
	return err
}

func (v *visit) saw(address string, outcome Outcome) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.looks {
		if v.looks[i].URL == address {
			v.looks[i].Outcome = outcome
			return
		}
	}
	v.looks = append(v.looks, Look{URL: address, Outcome: outcome})
}

// Ranks of sources: the program's own interface, NodeInfo, everything else.
const (
	rankOwn = iota + 1
	rankNodeInfo
	rankGeneral
)

// tell hands in what a source said of a service ("" for the hoster).
func (v *visit) tell(kind string, rank int, s *source) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.order[s.address] = rank
	if kind == "" {
		v.hoster = append(v.hoster, s.facts...)
		return
	}
	v.services[kind] = append(v.services[kind], s.facts...)
}

// draft puts what was told in order.
func (v *visit) draft(id core.MemberID, now core.Moment) Draft {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.merge()
	d := Draft{Domain: id, At: now, Hoster: v.hoster, Looks: v.looks}
	rank(d.Hoster, v.order)
	for kind, facts := range v.services {
		rank(facts, v.order)
		d.Services = append(d.Services, Service{Kind: kind, Facts: facts})
	}
	slices.SortFunc(d.Services, func(a, b Service) int { return strings.Compare(a.Kind, b.Kind) })
	slices.SortFunc(d.Looks, func(a, b Look) int { return strings.Compare(a.URL, b.URL) })
	return d
}

// merge joins what NodeInfo and the Mastodon interface say of one program: both
// are answered at a domain's root, by the one federating program that is there.
func (v *visit) merge() {
	info, ok := v.services[kindNodeInfo]
	delete(v.services, kindNodeInfo)
	if !ok {
		return
	}
	kind := strings.ToLower(info.First(FieldProgram))
	if kind == "" {
		kind = "nodeinfo"
	}
	facts := append(v.services[kind], info...)
	for _, general := range []string{kindMastodon, kindGitea} {
		if general != kind && (general == kindMastodon || kind == kindForgejo) {
			facts = append(facts, v.services[general]...)
			delete(v.services, general)
		}
	}
	v.services[kind] = facts
}
