package incident

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/wording"
	"entrechat/internal/room/watch/incident/note"
)

// Open opens an incident of ours that no verdict made. Without services it is about the
// hoster as a whole.
func (s *Reporter) Open(ctx context.Context, services []string, d note.Document) (Incident, error) {
	services = slices.Clone(services)
	slices.Sort(services)
	if err := note.CheckServices(services); err != nil {
		return Incident{}, err
	}
	n, err := s.say(ctx, Body{Kind: KindOpen, Services: services}, d)
	if err != nil {
		return Incident{}, err
	}
	return byID(ctx, s.n.DB, n.Hash)
}

// Say adds to an incident of ours: an update, a correction, the end, a postmortem. What was
// said before stays. id may be the beginning of one. Returns CodeNotFound, CodeDenied for an
// incident of somebody else, CodeInvalid for a postmortem that blames or names somebody,
// CodeConflict for the end of one that is over or in which
// something is still down.
func (s *Reporter) Say(ctx context.Context, id string, kind Kind, d note.Document) (Incident, error) {
	i, err := s.own(ctx, id)
	if err != nil {
		return i, err
	}
	switch {
	case !slices.Contains([]Kind{KindUpdate, KindCorrection, KindClose, KindPostmortem}, kind):
		return i, core.Invalid("watch.incident.bad_entry", errors.New("no such kind of note"))
	case (kind == KindPostmortem) != (d.Postmortem != nil):
		return i, core.Invalid("watch.incident.bad_document", errors.New("a postmortem belongs into a postmortem"))
	case kind == KindClose && !i.Open():
		return i, core.Conflict("watch.incident.closed_already", errors.New("closed")).With("ID", short(i.ID))
	case kind == KindClose && len(i.Down) > 0:
		return i, core.Conflict("watch.incident.still_down", errors.New("down")).With("Service", i.Down[0])
	}
	if err := checkWording(d.Postmortem); err != nil {
		return i, err
	}
	if _, err := s.say(ctx, Body{Incident: i.ID, Kind: kind}, d); err != nil {
		return i, err
	}
	return s.incident(ctx, i.ID)
}

// checkWording refuses a postmortem of ours that names persons or machines, or blames
// somebody; where people answer is an address on purpose.
func checkWording(p *note.Postmortem) error {
	if p == nil {
		return nil
	}
	for _, name := range note.Fields() {
		if name == "answer" {
			continue
		}
		if err := wording.Check(p.Get(name)); err != nil {
			return err
		}
	}
	return nil
}

// Withdraw takes down the text of a note. If we wrote it, our logbook says so, and whoever
// has the text forgets it; another hoster's is forgotten on this node only. The note's line
// stays.
func (s *Reporter) Withdraw(ctx context.Context, name string) error {
	if !note.IsName(name) {
		return core.NotFound("watch.incident.no_note", errors.New("no name of a text"))
	}
	incident, err := about(ctx, s.n, name)
	if core.CodeOf(err) == core.CodeNotFound {
		return s.n.Texts.Withdraw(ctx, s.n.DB, "", name)
	}
	if err != nil {
		return err
	}
	// Here first: the text must go even where the logbook cannot be written now.
	if err := s.n.Texts.Withdraw(ctx, s.n.DB, s.n.Self, name); err != nil {
		return err
	}
	_, err = s.append(ctx, Body{Incident: incident, Kind: KindWithdraw, SHA256: name})
	return err
}

// about is the incident, or the maintenance, that a text of ours speaks of. CodeNotFound.
func about(ctx context.Context, n Needs, name string) (string, error) {
	first, err := noteNamed(ctx, n.DB, name, n.Self)
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		return planNamed(ctx, n.DB, name, n.Self)
	case first.Kind == KindOpen:
		return first.Hash, err
	}
	return first.Incident, err
}

// say stores the text first: what an entry names is always here.
func (s *Reporter) say(ctx context.Context, b Body, d note.Document) (said, error) {
	name, size, err := s.n.Texts.Add(ctx, d)
	if err != nil {
		return said{}, err
	}
	b.SHA256, b.Bytes = name, size
	return s.append(ctx, b)
}

// append writes an entry of ours and takes it in at once, as the reader will again.
func (s *Reporter) append(ctx context.Context, b Body) (said, error) {
	b.At = s.now()
	if err := b.check(); err != nil {
		return said{}, err
	}
	today, all, err := notesBetween(ctx, s.n.DB, s.n.Self, b.At.Add(-day), b.At)
	if err != nil {
		return said{}, err
	}
	if today >= maxNotes || all >= maxAllNotes {
		return said{}, core.Full("watch.incident.many_notes", errors.New("too many notes")).With("Limit", maxNotes)
	}
	var aud []core.MemberID
	if s.n.Voters != nil {
		if aud, err = s.n.Voters(ctx); err != nil {
			return said{}, err
		}
	}
	e, err := s.n.Book.Append(ctx, TypeNote, aud, 0, b)
	if err != nil {
		return said{}, err
	}
	n := said{
		Hash: hex.EncodeToString(e.Hash[:]), Owner: s.n.Self, Index: e.Index, Incident: b.Incident, Kind: b.Kind,
		Name: b.SHA256, At: min(b.At, e.Iat), Said: e.Iat, Services: b.Services,
	}
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return listener{s}.hear(ctx, q, n) })
	if err == nil {
		s.deliver(ctx)
	}
	return n, err
}

// own reads an incident of ours by its id or the beginning of it.
func (s *Reporter) own(ctx context.Context, id string) (Incident, error) {
	i, err := s.Find(ctx, id)
	if err == nil && i.Owner != s.n.Self {
		return i, core.Denied("watch.incident.not_ours", errors.New("another hoster's incident")).With("Member", i.Owner)
	}
	return i, err
}
