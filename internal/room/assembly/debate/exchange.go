package debate

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/debate/document"
)

// Where members ask for a reading, and where anybody reads documents.
const (
	pathReading   = "/ec/v1/debates/reading"
	pathDocuments = "/ec/v1/debates/documents/"
)

const (
	perDebate  = 5    // remarks of one member in one debate
	perMember  = 20   // drafts of one member that wait to be read
	allPapers  = 2000 // of one member, in all
	perRound   = 20   // documents fetched in one round
	firstWait  = time.Minute
	longWait   = day
	readBody   = 96 << 10 // bytes
	askedKept  = 60 * day // what we were asked to read, and answered
	askedEvery = 10 * time.Minute
)

// The bodies of entries.
type docBody struct {
	Doc string `json:"doc"`
}

type remarkBody struct {
	Debate string `json:"debate"`
	Doc    string `json:"doc"`
}

// readRequest asks a member to read a draft; readAnswer is empty until somebody did.
type readRequest struct {
	Report seal.Envelope `json:"report"`
}

type readAnswer struct {
	Reading *seal.Envelope `json:"reading,omitempty"`
}

// Ask asks another member to read a draft before it is public; its answer comes by itself.
// Returns CodeInvalid for a text that lacks something, names or blames somebody, CodeNotFound
// for a member we do not know, CodeConflict.
func (s *Service) Ask(ctx context.Context, id string, member core.MemberID) (Debate, error) {
	known, err := s.n.Members.Known(ctx)
	if err != nil {
		return Debate{}, err
	}
	if !slices.Contains(known, member) {
		return Debate{}, core.NotFound("assembly.debate.no_reader", errors.New("no member we know"))
	}
	d, err := s.change(ctx, id, func(_ context.Context, _ db.Querier, d *Debate) error {
		if err := isDraft(d); err != nil {
			return err
		}
		if err := errors.Join(d.Check(true), d.CheckWording()); err != nil {
			return err
		}
		_, body, err := document.Sign(document.TypeReport, document.Report{
			Common: document.NewCommon(s.self()), To: member, Reason: d.Reason, Texts: d.Texts, From: d.From, Until: d.Until,
		}, s.n.Members.Signer)
		d.Reader, d.report, d.Asked, d.reading, d.Read, d.Note = member, body, s.now(), "", 0, ""
		return err
	})
	if err != nil {
		return d, err
	}
	if err := s.askAgain(ctx, d); err != nil {
		s.n.Log.Info("a reader is asked later", "member", member, "error", err)
	}
	return s.Get(ctx, d.ID)
}

// AskAgain asks the readers that have not answered.
func (s *Service) AskAgain(ctx context.Context) error {
	all, err := awaited(ctx, s.n.DB, s.now().Add(-askedFor))
	for _, d := range all {
		if err := s.askAgain(ctx, d); err != nil {
			s.n.Log.Debug("a reader does not answer", "member", d.Reader, "error", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return err
}

func (s *Service) askAgain(ctx context.Context, d Debate) error {
	doc, err := seal.DecodeEnvelope([]byte(d.report))
	if err != nil {
		return err
	}
	var answer readAnswer
	if err := s.n.Members.Calls.JSON(ctx, d.Reader, http.MethodPost, pathReading, readRequest{doc}, &answer); err != nil || answer.Reading == nil {
		return err
	}
	keys, err := s.n.Members.Keys(ctx, d.Reader)
	if err != nil {
		return err
	}
	said, _, err := document.Open[document.Reading](*answer.Reading, document.TypeReading, d.Reader, keys)
	if err != nil {
		return err
	}
	data, err := doc.Unverified()
	if err != nil {
		return err
	}
	if said.Report != document.IDOf(data) {
		return document.Bad("it read something else")
	}
	body, err := answer.Reading.Encode()
	if err != nil {
		return err
	}
	_, err = s.change(ctx, d.ID, func(_ context.Context, _ db.Querier, now *Debate) error {
		if now.report == d.report && now.State == Draft {
			now.reading, now.Note, now.Read = string(body), said.Note, s.now()
		}
		return nil
	})
	return err
}

// Routes are the endpoints for members.
func (s *Others) Routes() []peer.Route {
	return []peer.Route{
		{Pattern: "POST " + pathReading, Digest: true, MaxBody: readBody, Handle: s.serveReading},
		{Pattern: "GET " + pathDocuments + "{id}", Public: true, Handle: s.serveDocument},
	}
}

func (s *Others) serveReading(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	var req readRequest
	if err := peer.ReadJSON(r, &req); err != nil {
		return err
	}
	answer, err := s.take(r.Context(), req.Report, from)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, answer)
}

// take takes a member's draft in, once, and answers what somebody here said of it. Returns
// CodeInvalid, CodeDenied, CodeFull.
func (s *Others) take(ctx context.Context, doc seal.Envelope, from core.MemberID) (answer readAnswer, err error) {
	keys, err := s.n.Members.Keys(ctx, from)
	if err != nil {
		return answer, err
	}
	draft, id, err := document.Open[document.Report](doc, document.TypeReport, from, keys)
	if err != nil {
		return answer, err
	}
	if draft.To != s.self() {
		return answer, document.Bad("it is for somebody else")
	}
	have, err := getAsked(ctx, s.n.DB, id)
	if err == nil && have.Owner == from {
		if have.Reading != "" {
			said, err := seal.DecodeEnvelope([]byte(have.Reading))
			return readAnswer{&said}, err
		}
		return answer, nil
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return answer, err
	}
	waiting, err := toRead(ctx, s.n.DB, from)
	if err == nil && len(waiting) >= perMember {
		err = core.Full("assembly.debate.many_drafts", errors.New("too many wait")).With("Limit", perMember)
	}
	if err != nil {
		return answer, err
	}
	body, err := doc.Encode()
	if err != nil {
		return answer, err
	}
	return answer, insertAsked(ctx, s.n.DB, asked{Report: id, Owner: from, Body: string(body), Came: s.now()})
}

func (s *Others) serveDocument(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	id := r.PathValue("id")
	for _, kind := range []string{kindQuestion, kindRemark} {
		if !document.IsID(id) {
			break
		}
		p, err := getPaper(r.Context(), s.n.DB, id, kind, s.self())
		switch {
		case core.CodeOf(err) == core.CodeNotFound:
			continue
		case err != nil:
			return err
		case p.State == withdrawn:
			return core.NotFound("assembly.debate.withdrawn", errors.New("withdrawn"))
		}
		doc, err := seal.DecodeEnvelope([]byte(p.Body))
		if err != nil {
			return err
		}
		return peer.WriteJSON(w, doc)
	}
	return core.NotFound("assembly.debate.no_paper", errors.New("no such document"))
}

// Readers hear what members ask and answer.
func (s *Service) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "assembly-debate", Types: []string{TypeDebate, TypeRemark, TypeWithdrawn, typeOpened}, Read: s.hear,
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return forgetPapers(ctx, s.n.DB, log, index)
		},
	}}
}

// hear takes one entry in. What makes no sense is passed over: it must not stop the rest of
// that logbook.
func (s *Service) hear(ctx context.Context, e logbook.Entry) error {
	var b remarkBody
	switch {
	case e.Typ == typeOpened:
		return s.boxOpened(ctx, e)
	case wire.Peek(e.Body, &b) != nil || !document.IsID(b.Doc):
		return nil //nolint:nilerr // a stranger's mistake
	case e.Typ == TypeWithdrawn:
		return withdraw(ctx, s.n.DB, b.Doc, e.Log)
	}
	p := paper{ID: b.Doc, Owner: e.Log, Kind: kindQuestion, Place: e.Index, Made: min(e.Iat, s.now())}
	if e.Typ == TypeRemark {
		p.Kind, p.About = kindRemark, b.Debate
		own, err := ownQuestion(ctx, s.n.DB, s.self(), b.Debate)
		if err != nil || !own && e.Log != s.self() {
			return err // what others answer each other stands on their pages
		}
	}
	all, same, err := countPapers(ctx, s.n.DB, e.Log, p.About)
	if err != nil || e.Log != s.self() && (all >= allPapers || p.Kind == kindRemark && same >= perDebate) {
		return err
	}
	return insertPaper(ctx, s.n.DB, p)
}

// Jobs are the work of the running node.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "assembly-debate-propose", Every: time.Minute, Jitter: 10 * time.Second, Run: s.Propose},
		{Name: "assembly-debate-ask", Every: askedEvery, Jitter: time.Minute, Run: s.AskAgain},
		{Name: "assembly-debate-fetch", Every: 20 * time.Second, Jitter: 5 * time.Second, Run: s.Fetch},
		{Name: "assembly-debate-forget", Every: day, Jitter: time.Hour, Run: func(ctx context.Context) error { return forgetAsked(ctx, s.n.DB, s.now().Add(-askedKept)) }},
	}
}

// Fetch gets the documents that are due from their authors; one that cannot be had now waits,
// longer each time.
func (s *Others) Fetch(ctx context.Context) error {
	due, err := duePapers(ctx, s.n.DB, s.now(), perRound)
	for _, p := range due {
		if err != nil {
			return err
		}
		s.fetch(ctx, &p)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = savePaper(ctx, s.n.DB, p)
	}
	return err
}

func (s *Others) fetch(ctx context.Context, p *paper) {
	p.Next = s.now().Add(min(firstWait<<min(p.Tries, 12), longWait))
	p.Tries++
	var doc seal.Envelope
	err := s.n.Members.Calls.JSON(ctx, p.Owner, http.MethodGet, pathDocuments+p.ID, nil, &doc)
	if e, ok := errors.AsType[*core.Error](err); ok && e.Key == "assembly.debate.withdrawn" {
		p.State = withdrawn
		return
	}
	if err != nil {
		s.n.Log.Debug("a document was not to be had", "member", p.Owner, "error", err)
		return
	}
	body, err := doc.Encode()
	if err == nil {
		err = s.verify(ctx, doc, p)
	}
	if core.CodeOf(err) == core.CodeNotFound {
		return // its author's keys have not come yet
	}
	p.State, p.Body = held, string(body)
	if err != nil || len(body) > document.Max {
		p.State, p.Body = broken, ""
	}
}

// verify holds a document against what the logbook said of it.
func (s *Others) verify(ctx context.Context, doc seal.Envelope, p *paper) error {
	keys, err := s.n.Members.Keys(ctx, p.Owner)
	if err != nil {
		return err
	}
	var id, about string
	if p.Kind == kindQuestion {
		_, id, err = document.Open[document.Question](doc, document.TypeQuestion, p.Owner, keys)
	} else {
		var r document.Remark
		r, id, err = document.Open[document.Remark](doc, document.TypeRemark, p.Owner, keys)
		about = r.Debate
	}
	if err == nil && (id != p.ID || about != p.About) {
		err = document.Bad("another document than the one that was named")
	}
	return err
}
