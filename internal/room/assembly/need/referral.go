package need

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/http"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/stranger"
)

const (
	typeReferral = "application/vnd.entrechat.need-referral.v1+json"
	pathReferral = "/ec/v1/needs/referral"
	// perMember is how many needs that one member passed on wait for us at most.
	perMember = 20
)

// referral is a need that its author wants to be passed on: the text as we published it, and
// nothing of the author.
// spec: docs/spec/assembly.md#referral
type referral struct {
	V        int           `json:"v"`
	From     core.MemberID `json:"from"`
	To       core.MemberID `json:"to"`
	ID       string        `json:"id"` // 26 letters and digits, drawn for this referral
	Lang     string        `json:"lang"`
	Goal     string        `json:"goal"`
	Obstacle string        `json:"obstacle"`
}

type passRequest struct {
	Referral seal.Envelope `json:"referral"`
}

// passAnswer is where the author follows it.
type passAnswer struct {
	Link string `json:"link"`
}

// Members is what needs between members are made of; all of it is required.
type Members struct {
	Signer seal.Signer
	Calls  interface {
		JSON(ctx context.Context, to core.MemberID, method, path string, in, out any) error
	}
	Keys func(ctx context.Context, id core.MemberID) ([]ed25519.PublicKey, error)
	// Known are the members whose logbook we hold, without ourselves.
	Known func(ctx context.Context) ([]core.MemberID, error)
}

// Exchange passes needs on between members, and reads what they publish. Safe for concurrent
// use.
type Exchange struct {
	s *Service
	m Members
}

// NewExchange makes it of the needs of our own users.
func NewExchange(s *Service, m Members) *Exchange { return &Exchange{s, m} }

// passed is what was passed on, and where its author follows it.
type passed struct {
	Member core.MemberID
	ID     string
	Link   string // empty until the member answered
	sealed []byte
}

func passedLabel(need string, to core.MemberID) string {
	return "assembly need passed " + need + " " + string(to)
}

// Pass passes a need on to the member that our last answer names; its author pressed the
// button. Doing it again answers the same link and sends nothing: its author may have
// withdrawn it there. Returns CodeConflict where no answer names a
// member, and what the member says.
func (x *Exchange) Pass(ctx context.Context, id string) (link string, err error) {
	n, err := x.s.Get(ctx, id)
	if err != nil {
		return "", err
	}
	to, ok := passesTo(n)
	if !ok || to == x.m.Signer.ID() {
		return "", core.Conflict("assembly.need.nobody_named", errors.New("no answer names a member"))
	}
	row, err := x.begin(ctx, n.ID, to)
	if err != nil {
		return "", err
	}
	if row.Link = x.link(n.ID, row); row.Link != "" {
		return row.Link, nil
	}
	text, err := wire.Encode(referral{V: 1, From: x.m.Signer.ID(), To: to, ID: row.ID, Lang: n.Lang, Goal: n.ShownGoal, Obstacle: n.ShownObstacle})
	if err != nil {
		return "", err
	}
	doc, err := seal.SignDoc(typeReferral, text, x.m.Signer)
	if err != nil {
		return "", err
	}
	var answer passAnswer
	if err := x.m.Calls.JSON(ctx, to, http.MethodPost, pathReferral, passRequest{doc}, &answer); err != nil {
		return "", err
	}
	if !stranger.WebLink(answer.Link) {
		return "", core.Unsure("assembly.need.bad_pass", errors.New("a link that is none"))
	}
	return answer.Link, setPassed(ctx, x.s.n.DB, n.ID, to, x.s.n.Box.Seal(passedLabel(n.ID, to), []byte(answer.Link)))
}

// passesTo is the member that the last answer names.
func passesTo(n Need) (core.MemberID, bool) {
	if k := len(n.Answers); k > 0 && n.Standing == Published && n.Answers[k-1].State == Elsewhere {
		return n.Answers[k-1].Member, true
	}
	return "", false
}

// begin notes what is passed on before it is, so that a try after a lost answer is the same
// referral.
func (x *Exchange) begin(ctx context.Context, id string, to core.MemberID) (row passed, err error) {
	err = x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		found, err := passedOf(ctx, q, id)
		if err != nil {
			return err
		}
		for _, row = range found {
			if row.Member == to {
				return nil
			}
		}
		row = passed{Member: to, ID: rand.Text()}
		return insertPassed(ctx, q, id, row, x.s.now())
	})
	return row, err
}

// passedOn is what of a need was passed on, with the author's links.
func (x *Exchange) passedOn(ctx context.Context, id string) ([]passed, error) {
	list, err := passedOf(ctx, x.s.n.DB, id)
	for i := range list {
		list[i].Link = x.link(id, list[i])
	}
	return list, err
}

// link is what the member answered; empty = nothing yet, or the key that sealed it is lost.
func (x *Exchange) link(need string, p passed) string {
	link, err := x.s.n.Box.Open(passedLabel(need, p.Member), p.sealed)
	if err != nil {
		return ""
	}
	return string(link)
}

// Routes are the endpoints for members.
func (x *Exchange) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "GET " + ExportPath, Public: true, Handle: func(w http.ResponseWriter, r *http.Request, _ core.MemberID) error { return x.s.ServeExport(w, r) }},
		{Pattern: "POST " + pathReferral, Digest: true, MaxBody: 32 << 10, Handle: x.serve},
	}
}

func (x *Exchange) serve(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var req passRequest
	if err := peer.ReadJSON(r, &req); err != nil {
		return err
	}
	link, err := x.Take(r.Context(), req.Referral, from)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, passAnswer{link})
}

// Take takes in a need that a member passes on; it waits for our people as any other. Taking
// it again answers the same link. Returns CodeInvalid, CodeDenied, CodeFull.
func (x *Exchange) Take(ctx context.Context, doc seal.Envelope, from core.MemberID) (link string, err error) {
	ref, err := x.open(ctx, doc, from)
	if err != nil {
		return "", err
	}
	token := x.token(ref)
	n, err := x.s.read(Told{Goal: ref.Goal, Obstacle: ref.Obstacle, Lang: ref.Lang})
	if err != nil {
		return "", err
	}
	n.ID, n.link, n.Made, n.Origin, n.referral = rand.Text(), seal.TokenHash(token), x.s.now(), from, ref.ID
	err = x.s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		before, err := byReferral(ctx, q, from, ref.ID)
		if err == nil { // taken in already; its link is another one where our key was lost since
			return setLink(ctx, q, before.ID, n.link)
		}
		if core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		waiting, err := countWaiting(ctx, q)
		if err != nil {
			return err
		}
		theirs, err := countFrom(ctx, q, from)
		if err != nil {
			return err
		}
		if waiting >= MaxWaiting || theirs >= perMember {
			return core.Full("assembly.need.queue_full", errors.New("too many wait"))
		}
		if err := insert(ctx, q, n); err != nil {
			return err
		}
		return setOrigin(ctx, q, n)
	})
	return x.s.n.URL + pathMine + token, err
}

// open verifies a referral before it is read.
func (x *Exchange) open(ctx context.Context, doc seal.Envelope, from core.MemberID) (ref referral, err error) {
	keys, err := x.m.Keys(ctx, from)
	if err != nil {
		return ref, err
	}
	text, _, err := doc.Verify(typeReferral, map[core.MemberID][]ed25519.PublicKey{from: keys})
	if err != nil {
		return ref, err
	}
	if err := wire.Decode(text, &ref); err != nil {
		return ref, err
	}
	if ref.V != 1 || ref.From != from || ref.To != x.m.Signer.ID() || len(ref.ID) != 26 || strings.Trim(ref.ID, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ref, core.Invalid("assembly.need.bad_pass", errors.New("a referral for somebody else, or of another form"))
	}
	return ref, nil
}

// token is the private link's token of a referral: the same for the same referral, and known
// to us and to who was answered.
func (x *Exchange) token(ref referral) string {
	h := hmac.New(sha256.New, x.s.n.Box.Key("assembly need referral"))
	h.Write([]byte(string(ref.From) + "\n" + ref.ID))
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:17])
}
