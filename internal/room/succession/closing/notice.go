package closing

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wording"
	"entrechat/internal/room/succession/closing/paper"
)

// checkWording refuses a text that names a person or a machine, or blames somebody.
func checkWording(n paper.Notice) error {
	return errors.Join(wording.Check(n.TextFR), wording.Check(n.TextEN))
}

// Tell writes a notice for the users of a service of ours. Returns CodeInvalid
// "succession.paper.bad", what wording.Check does, CodeNotFound "succession.closing.no_service".
func (s *Notices) Tell(ctx context.Context, service, french, english string) (id string, err error) {
	n := paper.Notice{Document: paper.Document{V: 1, Owner: s.self(), Service: service}, Made: s.now(), TextFR: strings.TrimSpace(french), TextEN: strings.TrimSpace(english)}
	if err := s.knows(ctx, service); err != nil {
		return "", err
	}
	if err := checkWording(n); err != nil {
		return "", err
	}
	env, id, err := paper.Sign(paper.TypeNotice, n, s.n.Signer)
	if err != nil {
		return "", err
	}
	if err := s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeNotice, Owner: s.self(), Service: service, Envelope: env, Got: s.now()}); err != nil {
		return "", err
	}
	return id, s.append(ctx, paper.TypeNoticeSaid, paper.NoticeSaid{Service: service, Notice: id})
}

// Untell takes the notice for a service of ours back.
func (s *Notices) Untell(ctx context.Context, service string) error {
	id, err := s.papers.NoticeID(ctx, s.self(), service)
	if err != nil {
		return err
	}
	if id == "" {
		return core.NotFound("succession.closing.no_notice", errors.New("there is none")).With("Service", service)
	}
	return s.append(ctx, paper.TypeNoticeSaid, paper.NoticeSaid{Service: service})
}

// Notice is what an owner tells the users of a service now; ok is false for nothing.
func (s *Notices) Notice(ctx context.Context, owner core.MemberID, service string) (n paper.Notice, ok bool, err error) {
	id, err := s.papers.NoticeID(ctx, owner, service)
	if err != nil || id == "" {
		return n, false, err
	}
	n, err = s.papers.Notice(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return n, false, nil
	}
	return n, err == nil && n.Owner == owner && n.Service == service, err
}

// servePaper answers a handover that both signed, or a notice that stands.
func (s *Notices) servePaper(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	ctx, id := r.Context(), r.PathValue("id")
	held, err := s.papers.Get(ctx, id)
	if err != nil {
		return err
	}
	unknown := core.NotFound("succession.paper.unknown", errors.New("not for others"))
	switch held.Typ {
	case paper.TypeHandover:
		if len(held.Envelope.Signatures) < 2 {
			return unknown
		}
	case paper.TypeNotice:
		now, err := s.papers.NoticeID(ctx, held.Owner, held.Service)
		if err != nil {
			return err
		}
		if now != id || held.Refused != "" {
			return unknown
		}
	default:
		return unknown
	}
	return peer.WriteJSON(w, paperOut{held.Envelope})
}

// Fetch gets the documents that logbooks name and that are not here: of the owner, or of whoever
// else may have it, so that they are here when the owner is not.
func (s *Notices) Fetch(ctx context.Context) error {
	all, err := s.Of(ctx, "")
	if err != nil {
		return err
	}
	for _, st := range all {
		if st.Handover == "" {
			continue
		}
		from, err := s.papers.Namers(ctx, st.Handover)
		if err != nil {
			return err
		}
		if err := s.fetch(ctx, st.Handover, append([]core.MemberID{st.Owner}, from...), s.keepHandover); err != nil {
			return err
		}
	}
	notices, err := s.papers.NoticeSubjects(ctx)
	if err != nil {
		return err
	}
	for _, n := range notices {
		id, err := s.papers.NoticeID(ctx, n.Owner, n.Service)
		if err != nil {
			return err
		}
		successors, err := s.n.Promises.Of(ctx, n.Owner)
		if err != nil {
			return err
		}
		from := []core.MemberID{n.Owner}
		for _, x := range successors {
			from = append(from, x.Member)
		}
		if err := s.fetch(ctx, id, from, s.keepNotice); err != nil {
			return err
		}
	}
	return nil
}

// mostAsked is how many members are asked for one document in a round.
const mostAsked = 4

// fetch gets one document, when it is not here. What a member answers that is another document, or
// does not verify, is passed over: the next one is asked.
func (s *Notices) fetch(ctx context.Context, id string, from []core.MemberID, keep func(ctx context.Context, id string, env seal.Envelope) error) error {
	if id == "" {
		return nil
	}
	if _, err := s.papers.Get(ctx, id); core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	asked := 0
	for i, m := range from {
		if m == s.self() || slices.Contains(from[:i], m) || asked == mostAsked {
			continue
		}
		asked++
		var out paperOut
		err := s.n.Calls.JSON(ctx, m, http.MethodGet, pathPapers+id, nil, &out)
		if err == nil {
			err = keep(ctx, id, out.Paper)
		}
		if err == nil {
			return nil
		}
		s.n.Log.Debug("a document about the end of a service is not to be had", "member", m, "document", id, "error", err)
	}
	return ctx.Err()
}

func (s *Notices) keepHandover(ctx context.Context, id string, env seal.Envelope) error {
	peek, err := paper.Peek[paper.Handover](env)
	if err != nil {
		return err
	}
	h, got, err := paper.Open[paper.Handover](ctx, env, paper.TypeHandover, s.n.Book.Keys, peek.Owner, peek.To)
	if err != nil {
		return err
	}
	if got != id {
		return core.Invalid("succession.paper.bad", errors.New("another document"))
	}
	return s.papers.Put(ctx, paper.Held{ID: id, Typ: paper.TypeHandover, Owner: h.Owner, Service: h.Service, Member: h.To, Envelope: env, Got: s.now()})
}

// keepNotice keeps a notice. One whose wording is refused here is kept, so that it is not asked for
// again, and shown to nobody.
func (s *Notices) keepNotice(ctx context.Context, id string, env seal.Envelope) error {
	peek, err := paper.Peek[paper.Notice](env)
	if err != nil {
		return err
	}
	n, got, err := paper.Open[paper.Notice](ctx, env, paper.TypeNotice, s.n.Book.Keys, peek.Owner)
	if err != nil {
		return err
	}
	if got != id {
		return core.Invalid("succession.paper.bad", errors.New("another document"))
	}
	held := paper.Held{ID: id, Typ: paper.TypeNotice, Owner: n.Owner, Service: n.Service, Envelope: env, Got: s.now()}
	if err := checkWording(n); err != nil {
		held.Refused = "succession.paper.refused_wording"
	}
	return s.papers.Put(ctx, held)
}
