package debate

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wording"
	"entrechat/internal/room/assembly/debate/document"
	"entrechat/internal/room/assembly/need"
	"entrechat/internal/room/assembly/stranger"
)

// remarks are what members answered to a question of ours, the oldest first.
func (s *Others) remarks(ctx context.Context, doc string) ([]Remark, error) {
	papers, err := papersOf(ctx, s.n.DB, doc)
	out := make([]Remark, 0, len(papers))
	for _, p := range papers {
		if err == nil {
			var r Remark
			r, err = p.remark()
			out = append(out, r)
		}
	}
	return out, err
}

func (p paper) remark() (Remark, error) {
	r := Remark{ID: p.ID, Member: p.Owner, Debate: p.About, Standing: p.Standing, Became: p.Became, At: p.Made, Gone: p.State == withdrawn}
	if p.State != held || p.Body == "" {
		return r, nil
	}
	text, err := document.Read[document.Remark](p.Body)
	r.Lang, r.Text = text.Lang, text.Text
	return r, err
}

// Answer says something to the question of another member, by its id or the beginning of it.
// Returns CodeInvalid, CodeNotFound, CodeFull for more than five in one debate.
func (s *Others) Answer(ctx context.Context, question, lang, text string) (Remark, error) {
	text = stranger.Tidy(text)
	if text == "" {
		return Remark{}, core.Invalid("assembly.debate.bad_empty", errors.New("nothing said"))
	}
	if err := errors.Join(stranger.Check(text, document.MaxRemark), wording.Check(text)); err != nil {
		return Remark{}, err
	}
	about, err := getPaper(ctx, s.n.DB, question, kindQuestion, "")
	if err != nil {
		return Remark{}, err
	}
	if about.Owner == s.self() || about.State != held {
		return Remark{}, core.Conflict("assembly.debate.no_answer", errors.New("our own question, or one that is gone"))
	}
	if _, same, err := countPapers(ctx, s.n.DB, s.self(), about.ID); err != nil || same >= perDebate {
		if err == nil {
			err = core.Full("assembly.debate.many_remarks", errors.New("too many remarks")).With("Limit", perDebate)
		}
		return Remark{}, err
	}
	id, body, err := document.Sign(document.TypeRemark, document.Remark{Common: document.NewCommon(s.self()), Debate: about.ID, Lang: lang, Text: text}, s.n.Members.Signer)
	if err != nil {
		return Remark{}, err
	}
	p := paper{ID: id, Owner: s.self(), Kind: kindRemark, About: about.ID, Body: body, State: held, Place: -1, Made: s.now()}
	if err := insertPaper(ctx, s.n.DB, p); err != nil {
		return Remark{}, err
	}
	if err := s.n.Append(ctx, TypeRemark, []core.MemberID{about.Owner}, remarkBody{about.ID, id}); err != nil {
		return Remark{}, errors.Join(err, forgetPaper(ctx, s.n.DB, id, s.self()))
	}
	return p.remark()
}

// Let shows a remark to everybody, or refuses it and deletes its text. Returns CodeNotFound,
// CodeConflict for one that has not come, or is gone.
func (s *Others) Let(ctx context.Context, id string, show bool) error {
	return s.judge(ctx, id, func(p *paper) error {
		p.Standing = Shown
		if !show {
			p.Standing, p.Body, p.State = Refused, "", withdrawn
		}
		return nil
	})
}

// judge changes a remark on a question of ours.
func (s *Others) judge(ctx context.Context, id string, do func(p *paper) error) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		p, err := getPaper(ctx, q, id, kindRemark, "")
		if err != nil {
			return err
		}
		if own, err := ownQuestion(ctx, q, s.self(), p.About); err != nil || !own || p.State != held {
			if err == nil {
				err = core.Conflict("assembly.debate.no_answer", errors.New("not about us, or gone"))
			}
			return err
		}
		if err := do(&p); err != nil {
			return err
		}
		return savePaper(ctx, q, p)
	})
}

// MakeNeed makes a need of a remark: it waits for a moderator as any other. A second time
// nothing happens.
func (s *Others) MakeNeed(ctx context.Context, id string) error {
	p, err := getPaper(ctx, s.n.DB, id, kindRemark, "")
	if err != nil || p.Became == "need" {
		return err
	}
	r, err := p.remark()
	if err != nil {
		return err
	}
	if err := s.Became(ctx, id, "need"); err != nil {
		return err
	}
	return s.n.Tell(ctx, r.Lang, firstOf(r.Text, need.MaxText))
}

// Became notes what was made of a remark: need, action.
func (s *Others) Became(ctx context.Context, id, what string) error {
	return s.judge(ctx, id, func(p *paper) error { p.Became = what; return nil })
}

// Withdraw takes down a question of ours, with title and story, or a remark of ours, by its id:
// whoever holds it deletes the text. A postmortem is withdrawn at the watch. Returns
// CodeNotFound.
func (s *Others) Withdraw(ctx context.Context, id string) error {
	p, err := getPaper(ctx, s.n.DB, id, kindRemark, s.self())
	if core.CodeOf(err) == core.CodeNotFound {
		p, err = s.ownPaper(ctx, id)
	}
	if err != nil {
		return err
	}
	// Here first: the text must go even where the logbook cannot be written now.
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := withdraw(ctx, q, p.ID, s.self()); err != nil || p.Kind == kindRemark {
			return err
		}
		d, err := get(ctx, q, p.ID)
		if err != nil {
			return err
		}
		d.Title, d.Story, d.Question, d.report, d.reading, d.Note = "", Story{}, "", "", "", ""
		return save(ctx, q, d)
	})
	if err != nil {
		return err
	}
	return s.n.Append(ctx, TypeWithdrawn, s.concerned(ctx, p), docBody{p.ID})
}

// concerned are those who hold a paper of ours for sure: of a remark, whose question it is
// about.
func (s *Others) concerned(ctx context.Context, p paper) []core.MemberID {
	if p.Kind != kindRemark {
		return nil
	}
	about, err := getPaper(ctx, s.n.DB, p.About, kindQuestion, "")
	if err != nil {
		return nil
	}
	return []core.MemberID{about.Owner}
}

// ownPaper is a question of ours by its id, or by the id of its debate.
func (s *Others) ownPaper(ctx context.Context, id string) (paper, error) {
	d, err := get(ctx, s.n.DB, id)
	if err != nil {
		return paper{}, err
	}
	if d.Doc == "" {
		return paper{}, core.NotFound("assembly.debate.no_paper", errors.New("it was never public"))
	}
	return getPaper(ctx, s.n.DB, d.Doc, kindQuestion, s.self())
}

// Their is a question of another member, with what we answered.
type Their struct {
	ID       string        `json:"id"`
	Member   core.MemberID `json:"member"`
	Reason   Reason        `json:"reason"`
	Lang     string        `json:"lang"`
	Title    string        `json:"title"`
	Question string        `json:"question"`
	From     core.Moment   `json:"from_us,omitzero"`
	Until    core.Moment   `json:"until_us,omitzero"`
	Story    Story         `json:"story"` // empty where the postmortem is not here
	// Reader is the member whose signature says that it was read before; empty where we could
	// not verify it.
	Reader  core.MemberID `json:"reader,omitempty"`
	At      core.Moment   `json:"at_us"`
	Answers []Remark      `json:"answers"`
}

// Theirs are the questions of the other members that are here, the newest first.
func (s *Others) Theirs(ctx context.Context, limit int) ([]Their, error) {
	papers, err := questions(ctx, s.n.DB, s.self(), limit)
	out := make([]Their, 0, len(papers))
	for _, p := range papers {
		if err == nil {
			var one Their
			one, err = s.their(ctx, p)
			out = append(out, one)
		}
	}
	return out, err
}

// Their is one question of another member. Returns CodeNotFound, also for one that is gone.
func (s *Others) Their(ctx context.Context, id string) (Their, error) {
	p, err := getPaper(ctx, s.n.DB, id, kindQuestion, "")
	if err == nil && (p.State != held || p.Owner == s.self()) {
		err = core.NotFound("assembly.debate.no_paper", errors.New("not here, or ours"))
	}
	if err != nil {
		return Their{}, err
	}
	return s.their(ctx, p)
}

func (s *Others) their(ctx context.Context, p paper) (t Their, err error) {
	q, err := document.Read[document.Question](p.Body)
	if err != nil {
		return t, err
	}
	t = Their{ID: p.ID, Member: p.Owner, Reason: q.Reason, Lang: q.Lang, Title: q.Title, Question: q.Question, From: q.From, Until: q.Until, At: p.Made, Answers: []Remark{}}
	if q.Story != nil {
		t.Story = *q.Story
	} else if t.Story, err = s.told(ctx, q.Incident); err != nil {
		return t, err
	}
	t.Reader = s.readerOf(ctx, q)
	papers, err := papersOf(ctx, s.n.DB, p.ID)
	for _, a := range papers {
		if err == nil && a.Owner == s.self() {
			var r Remark
			r, err = a.remark()
			t.Answers = append(t.Answers, r)
		}
	}
	return t, err
}
