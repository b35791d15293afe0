package hall

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/decision"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/record"
	"entrechat/internal/room/assembly/tally"
)

// pageOf is where everybody reads a decision.
func pageOf(id string) string { return Path + "/" + id }

// brief is a decision as a list, the feed and the calendar show it.
func (v Needs) brief(d decision.Summary) record.Record {
	r := record.Record{
		ID: d.ID, Collective: d.Collective, By: d.By, Kind: string(d.Kind), Fallback: d.Fallback, Hurried: d.Hurried, Lang: d.Lang, Title: d.Title, Withdrawn: d.Removed,
		Version: d.Version, Review: d.Review, Page: v.URL + pageOf(d.ID), Rival: d.Rival != "", Replaced: d.Result == tally.Replaced,
		Times: record.Times{Opened: d.Opened, TalkUntil: d.TalkUntil, CommitUntil: d.CommitUntil, RevealUntil: d.RevealUntil, Grace: d.CountedAt.Sub(d.RevealUntil)},
	}
	if d.Phase == tally.PhaseCounted && d.Result != "" {
		r.Count = &record.Count{Result: string(d.Result)}
	}
	return r
}

// whole is a decision as its own page and its minutes show it. Nothing of Own and Can is in it.
func (v Needs) whole(ctx context.Context, p *words.Printer, d *decision.View) record.Record {
	r := v.brief(d.Summary)
	r.Text, r.Options = d.Text, d.Options
	for _, w := range d.Warnings {
		r.Warnings = append(r.Warnings, p.T(w.Key, w.Args))
	}
	for _, one := range d.Versions {
		title := one.Title
		if one.Removed {
			title = p.T("assembly.record.withdrawn_title", nil)
		}
		r.Versions = append(r.Versions, record.Version{ID: one.ID, Number: one.Number, Opened: one.Opened, Title: title, Page: pageOf(one.ID)})
	}
	for _, one := range d.Remarks {
		r.Remarks = append(r.Remarks, record.Remark{By: one.By, At: one.At, Lang: one.Lang, Text: one.Text, Withdrawn: one.Removed, Late: one.Late})
	}
	for _, one := range d.Objections {
		r.Objections = append(r.Objections, record.Objection{
			By: one.By, At: one.At, Lang: one.Lang, Electorate: one.About == motion.AboutElectorate, Harm: one.Harm, Whom: one.Whom, Lift: one.Lift,
			Withdrawn: one.Removed, Lifted: one.Lifted, Late: one.Late,
		})
	}
	for _, one := range d.Reviews {
		r.Reviews = append(r.Reviews, record.Review{Member: one.Member, Word: string(one.Word)})
	}
	v.origins(ctx, p, d, &r)
	v.electorate(ctx, p, d, &r)
	counted(p, d, &r)
	return r
}

// origins says what the proposal comes from: needs and incidents of its author, with a link to ours.
func (v Needs) origins(ctx context.Context, p *words.Printer, d *decision.View, r *record.Record) {
	for _, from := range []struct {
		ids []string
		key string
		get func(context.Context, string) (Origin, error)
	}{{d.From.Needs, "assembly.hall.from_need", v.Need}, {d.From.Incidents, "assembly.hall.from_incident", v.Incident}} {
		for _, id := range from.ids {
			what := id
			one := record.Origin{}
			if d.By == v.Self && from.get != nil {
				if found, err := from.get(ctx, id); err == nil { // what is gone since is named all the same
					one.Page, what = found.Page, brief(found.Title)
				}
			}
			one.Says = p.T(from.key, map[string]any{"What": record.Clean(what)})
			r.Origins = append(r.Origins, one)
		}
	}
}

// electorate says who decides, and while that can still be objected to, why the others do not.
func (v Needs) electorate(ctx context.Context, p *words.Printer, d *decision.View, r *record.Record) {
	lines := map[core.MemberID]elector.Line{}
	named := map[core.MemberID]bool{}
	var drawn elector.View
	if d.Phase != tally.PhaseCounted {
		// Where the charter is not here the page says what the proposal says.
		drawn, _ = v.Decisions.Electorate(ctx, d.Charter)
		for _, l := range drawn.Lines {
			lines[l.Member] = l
		}
	}
	for _, e := range d.Electorate {
		named[e.Member] = true
		one := record.Elector{Member: e.Member, Sleeping: e.Sleeping}
		switch {
		case e.Opened:
			one.Ballot = record.Opened
		case e.Sealed:
			one.Ballot = record.Sealed
		}
		if l, ok := lines[e.Member]; ok && l.Warned {
			one.Note = l.Say(p)
		}
		r.Electorate = append(r.Electorate, one)
	}
	for _, l := range drawn.Lines {
		if !named[l.Member] {
			r.Absent = append(r.Absent, record.Absent{Member: l.Member, Why: l.Say(p)})
		}
	}
}

// counted fills in the count.
func counted(p *words.Printer, d *decision.View, r *record.Record) {
	r.Count = nil
	if d.Count == nil {
		return
	}
	c := &record.Count{
		Result: string(d.Count.Result), N: d.Count.N, Quorum: d.Count.Quorum, Turnout: d.Count.Turnout, Standing: d.Count.Standing, Free: d.Count.Free,
		Order: d.Count.Order, Facilitator: d.Count.Facilitator, Hash: d.Count.Hash,
	}
	for _, e := range d.Electorate {
		l := record.Line{Member: e.Member, Status: string(e.Status), Stance: string(e.Choice.Stance), Grades: e.Choice.Grades}
		if e.Reason != "" {
			l.Why = p.T("assembly.decision.reason_"+string(e.Reason), nil)
		}
		c.Lines = append(c.Lines, l)
	}
	for _, o := range d.Outcomes {
		if o.Alike {
			c.Alike = append(c.Alike, o.Member)
		} else {
			c.Differ = append(c.Differ, record.Differ{Member: o.Member, ItsOutcome: p.T("assembly.record.result_"+string(o.Result), nil)})
		}
	}
	r.Count = c
}
