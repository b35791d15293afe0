package incident

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/incident/note"
	"entrechat/internal/room/watch/verdict"
)

// Incidents lists a hoster's incidents that were open at some time since a moment, the
// newest first, at most limit (1,000 at most). owner empty: everybody's.
func (s *Reporter) Incidents(ctx context.Context, owner core.MemberID, since core.Moment, limit int) ([]Incident, error) {
	all, err := list(ctx, s.n.DB, owner, since, min(max(limit, 0), maxListed))
	if err != nil {
		return nil, err
	}
	for n, i := range all {
		if all[n], err = s.settled(ctx, i); err != nil {
			return nil, err
		}
	}
	// One that its owner closed may have been over before.
	return slices.DeleteFunc(all, func(i Incident) bool { return !i.Open() && i.Closed < since }), nil
}

// Find reads an incident by its id, the hash of one of its certificates, or the beginning of
// its id, of at least four digits. CodeNotFound; CodeInvalid for a beginning of several.
func (s *Reporter) Find(ctx context.Context, id string) (Incident, error) {
	if note.IsName(id) {
		return s.incident(ctx, id)
	}
	if len(id) < 4 || len(id) > 64 || !hexDigits(id) {
		return Incident{}, core.NotFound("watch.incident.unknown", errors.New("no id")).With("ID", short(id))
	}
	// An incident of ours comes before one of somebody else.
	for _, owner := range []core.MemberID{s.n.Self, ""} {
		found, err := like(ctx, s.n.DB, owner, id)
		switch {
		case err != nil:
			return Incident{}, err
		case len(found) == 1:
			return s.settled(ctx, found[0])
		case len(found) > 1:
			return Incident{}, core.Invalid("watch.incident.ambiguous", errors.New("several")).With("ID", id)
		}
	}
	return Incident{}, core.NotFound("watch.incident.unknown", errors.New("none")).With("ID", id)
}

// TextNamed finds the name of a text in a note or a maintenance by its beginning, of at least
// four digits. CodeNotFound; CodeInvalid for the beginning of several.
func (s *Reporter) TextNamed(ctx context.Context, prefix string) (string, error) {
	if len(prefix) < 4 || len(prefix) > 64 || !hexDigits(prefix) {
		return "", core.NotFound("watch.incident.no_note", errors.New("no name of a text"))
	}
	names, err := namesLike(ctx, s.n.DB, prefix)
	switch {
	case err != nil:
		return "", err
	case len(names) == 0:
		return "", core.NotFound("watch.incident.no_note", errors.New("none"))
	case len(names) > 1:
		return "", core.Invalid("watch.incident.ambiguous", errors.New("several")).With("ID", prefix)
	}
	return names[0], nil
}

func hexDigits(s string) bool {
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

func (s *Reporter) incident(ctx context.Context, id string) (Incident, error) {
	i, err := byID(ctx, s.n.DB, id)
	if err != nil {
		return i, err
	}
	return s.settled(ctx, i)
}

// settled closes an incident whose owner said that it is over, where nothing is known to be
// down: verdicts that nobody can establish any more hold none open for ever.
func (s *Reporter) settled(ctx context.Context, i Incident) (Incident, error) {
	if !i.Open() || i.Scope == Manual || len(i.Down) > 0 {
		return i, nil
	}
	notes, err := notesOf(ctx, s.n.DB, i.Owner, i.ID, maxLines)
	if err != nil {
		return i, err
	}
	last, err := lastStep(ctx, s.n.DB, i.Owner, i.ID)
	for _, n := range notes {
		if n.Kind == KindClose && n.At >= last {
			i.Closed = max(n.At, i.Opened+1)
			break
		}
	}
	return i, err
}

// Incident tells an incident with its timeline. id as for Find.
func (s *Reporter) Incident(ctx context.Context, id string) (Story, error) {
	i, err := s.Find(ctx, id)
	if err != nil {
		return Story{}, err
	}
	story := Story{Incident: i}
	steps, err := stepsOf(ctx, s.n.DB, i.Owner, i.ID, maxLines)
	if err != nil {
		return story, err
	}
	for _, one := range steps {
		story.Lines = append(story.Lines, one.line())
	}
	if err := addNotes(ctx, s.n, &story); err != nil {
		return story, err
	}
	for _, source := range s.n.Lines {
		more, err := source(ctx, i)
		if err != nil {
			return story, err
		}
		story.Lines = append(story.Lines, more[:min(len(more), maxLines)]...)
	}
	slices.SortStableFunc(story.Lines, func(a, b Line) int { return cmp.Compare(a.At, b.At) })
	return story, nil
}

func (one step) line() Line {
	kinds := map[verdict.State]LineKind{verdict.Up: LineUp, verdict.Down: LineDown, verdict.Partial: LinePartial, verdict.Unknown: LineUnknown, Withdrawn: LineGone}
	return Line{
		At: one.At, Kind: kinds[one.State], Service: one.Service, Target: one.Target,
		Failing: one.Failing, Voters: max(one.Voters, 0), Alone: one.Voters == 0, Weak: one.Weak, Entry: one.Certificate,
	}
}

// addNotes adds what the hoster said, with the texts that are here. The newest postmortem is
// the story's.
func addNotes(ctx context.Context, n Needs, story *Story) error {
	notes, err := notesOf(ctx, n.DB, story.Owner, story.ID, maxLines)
	if err != nil {
		return err
	}
	if story.Scope == Manual {
		first, err := noteByHash(ctx, n.DB, story.ID)
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return err
		}
		if err == nil {
			notes = append([]said{first}, notes...)
		}
	}
	var names []string
	for _, one := range notes {
		names = append(names, one.Name)
	}
	texts, err := n.Texts.All(ctx, story.Owner, names)
	if err != nil {
		return err
	}
	for _, one := range notes {
		if one.Kind == KindWithdraw {
			continue // the line of the text says that it is withdrawn
		}
		line, text := one.line(), texts[one.Name]
		line.Text = &text
		story.Lines = append(story.Lines, *line)
		if one.Kind == KindPostmortem && text.Postmortem != nil {
			story.Postmortem, story.Lang, story.Told = text.Postmortem, text.Lang, one.At
			if story.Answer, err = note.Link(text.Postmortem.Answer); err != nil {
				return err
			}
		}
	}
	return nil
}

// Learned lists the newest postmortems of a hoster, or of everybody, that are here.
func (s *Reporter) Learned(ctx context.Context, owner core.MemberID, limit int) ([]Story, error) {
	notes, err := postmortems(ctx, s.n.DB, owner, min(max(limit, 0), maxNotes))
	if err != nil {
		return nil, err
	}
	var out []Story
	seen := map[string]bool{}
	for _, n := range notes {
		story, err := s.Incident(ctx, n.Incident)
		if core.CodeOf(err) == core.CodeNotFound || err == nil && (story.Owner != n.Owner || story.Postmortem == nil || seen[story.ID]) {
			continue
		}
		if err != nil {
			return nil, err
		}
		seen[story.ID] = true
		out = append(out, story)
	}
	return out, nil
}
