package debate

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/debate/document"
	"entrechat/internal/room/assembly/stranger"
)

// Publish makes a draft public that somebody of another member read: the postmortem by the
// watch, where the incident is one of its own, and the question by our logbook. Doing it again
// after it broke off goes on. Returns CodeConflict while nobody read it, CodeInvalid.
func (s *Service) Publish(ctx context.Context, id string) (Debate, error) {
	d, err := get(ctx, s.n.DB, id)
	if err == nil {
		err = isDraft(&d)
	}
	if err != nil {
		return d, err
	}
	if d.reading == "" {
		return d, core.Conflict("assembly.debate.not_read", errors.New("nobody read it"))
	}
	if err := errors.Join(d.Check(true), d.CheckWording()); err != nil {
		return d, err
	}
	if d, err = s.prepare(ctx, d.ID); err != nil {
		return d, err
	}
	if d.Incident != "" {
		watch, ok := s.n.Incidents()
		if !ok {
			return d, core.Unsure("assembly.debate.no_watch", errors.New("no watch"))
		}
		texts := map[string]string{"answer": s.address(d.ID)}
		for _, p := range d.Story.Parts() {
			texts[p.Name] = *p.Text
		}
		if err := watch.PublishPostmortem(ctx, d.Incident, d.Lang, texts); err != nil {
			return d, err
		}
	}
	if err := s.n.Append(ctx, TypeDebate, nil, docBody{d.Doc}); err != nil {
		return d, err
	}
	return s.change(ctx, d.ID, func(_ context.Context, _ db.Querier, d *Debate) error {
		d.State, d.Published, d.report = Public, s.now(), ""
		if d.Incident != "" {
			d.Story = Story{} // it stands in the postmortem, and is withdrawn there
		}
		return nil
	})
}

// address is where people answer, as a postmortem may name it: https alone. A node without it
// is one of a test.
func (s *Service) address(id string) string {
	_, host, _ := strings.Cut(s.n.URL, "://")
	return "https://" + host + Path + "/" + id
}

// prepare signs the question and keeps it, once: what the entry names is always here.
func (s *Service) prepare(ctx context.Context, id string) (Debate, error) {
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, d *Debate) error {
		if d.Doc != "" {
			return nil
		}
		said, err := seal.DecodeEnvelope([]byte(d.reading))
		if err != nil {
			return err
		}
		doc := document.Question{
			Common: document.NewCommon(s.self()), Incident: d.Incident, Reason: d.Reason, Lang: d.Lang, Title: d.Title, From: d.From, Until: d.Until,
			Story: &d.Story, Question: d.Question, Reading: said,
		}
		if d.Incident != "" {
			doc.Story = nil
		}
		var body string
		if d.Doc, body, err = document.Sign(document.TypeQuestion, doc, s.n.Members.Signer); err != nil {
			return err
		}
		return insertPaper(ctx, q, paper{ID: d.Doc, Owner: s.self(), Kind: kindQuestion, Body: body, State: held, Place: -1, Made: s.now()})
	})
}

// readerOf is the member whose signature says that it read a question's report; empty where
// there is none we can verify.
func (s *Others) readerOf(ctx context.Context, q document.Question) core.MemberID {
	data, err := q.Reading.Unverified()
	var said document.Reading
	if err != nil || wire.Decode(data, &said) != nil || said.By == q.By {
		return ""
	}
	keys, err := s.n.Members.Keys(ctx, said.By)
	if said.By == s.self() {
		keys, err = []ed25519.PublicKey{s.n.Members.Signer.Public()}, nil
	}
	if err != nil {
		return ""
	}
	if _, _, err := document.Open[document.Reading](q.Reading, document.TypeReading, said.By, keys); err != nil {
		return ""
	}
	return said.By
}

// ToRead is a draft of another member that somebody here is asked to read.
type ToRead struct {
	ID     string        `json:"id"`
	Member core.MemberID `json:"member"`
	Reason Reason        `json:"reason"`
	Texts
	From  core.Moment `json:"from_us,omitzero"`
	Until core.Moment `json:"until_us,omitzero"`
	Came  core.Moment `json:"came_us"`
	Read  core.Moment `json:"read_us,omitzero"`
}

func (a asked) toRead() (ToRead, error) {
	r, err := document.Read[document.Report](a.Body)
	return ToRead{a.Report, a.Owner, r.Reason, r.Texts, r.From, r.Until, a.Came, a.Read}, err
}

// Drafts are those of others that wait to be read here, the oldest first.
func (s *Others) Drafts(ctx context.Context) ([]ToRead, error) {
	all, err := toRead(ctx, s.n.DB, "")
	out := make([]ToRead, 0, len(all))
	for _, a := range all {
		if err == nil {
			var one ToRead
			one, err = a.toRead()
			out = append(out, one)
		}
	}
	return out, err
}

// Draft is one of them. Returns CodeNotFound.
func (s *Others) Draft(ctx context.Context, id string) (ToRead, error) {
	a, err := getAsked(ctx, s.n.DB, id)
	if err != nil {
		return ToRead{}, err
	}
	return a.toRead()
}

// SayRead says that somebody here read a draft, with what its author should hear; the author's
// node fetches it. Returns CodeInvalid, CodeNotFound, CodeConflict for one that was read.
func (s *Others) SayRead(ctx context.Context, id, note string) error {
	note = stranger.Tidy(note)
	if err := stranger.Check(note, document.MaxNote); err != nil {
		return err
	}
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		a, err := getAsked(ctx, q, id)
		if err != nil {
			return err
		}
		if a.Reading != "" {
			return core.Conflict("assembly.debate.read_already", errors.New("it was read"))
		}
		_, body, err := document.Sign(document.TypeReading, document.Reading{Common: document.NewCommon(s.self()), Report: a.Report, Note: note}, s.n.Members.Signer)
		a.Reading, a.Read = body, s.now()
		if err != nil {
			return err
		}
		return saveAsked(ctx, q, a)
	})
}
