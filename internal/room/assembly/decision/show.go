package decision

import (
	"context"
	"errors"
	"slices"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

// Find is the whole id of a decision by its first signs. Returns CodeNotFound, CodeConflict for
// two.
func (v viewer) Find(ctx context.Context, begin string) (string, error) {
	return archive.Find(ctx, v.n.DB, begin)
}

// Electorate shows who would decide about a proposal that opens now, and why the others would
// not. charter is the id of a collective, or its beginning. Returns CodeNotFound, CodeInvalid.
func (v viewer) Electorate(ctx context.Context, charter string) (elector.View, error) {
	d, err := v.n.Electors.Draw(ctx, charter, v.now())
	if err != nil {
		return elector.View{}, err
	}
	earlier, err := v.a.Parts(ctx, d.Charter.ID, v.now())
	return d.View(earlier), err
}

// List lists decisions, those that opened last first, at most limit versions. A version that
// another one replaced is left out.
func (v viewer) List(ctx context.Context, limit int) ([]Summary, error) {
	all, err := archive.Proposals(ctx, v.n.DB, limit)
	if err != nil {
		return nil, err
	}
	names, err := v.names(ctx)
	if err != nil {
		return nil, err
	}
	out, seen := []Summary{}, map[string]bool{}
	for _, r := range all {
		s, _, err := v.summary(ctx, r, names)
		if code := core.CodeOf(err); code == core.CodeInvalid || code == core.CodeInternal && ctx.Err() == nil {
			v.n.Log.Error("a decision is left out of the list: what is kept of it cannot be read", "decision", short(r.ID), "error", err)
			continue
		}
		if err != nil {
			return nil, err
		}
		if s.Result == tally.Replaced && seen[r.Chain] {
			continue
		}
		seen[r.Chain] = true
		out = append(out, s)
	}
	return out, nil
}

// names are those of the collectives that we follow.
func (v viewer) names(ctx context.Context) (map[string]string, error) {
	all, err := v.n.Electors.Followed(ctx)
	names := map[string]string{}
	for _, c := range all {
		names[c.ID] = c.Name
	}
	return names, err
}

func (v viewer) summary(ctx context.Context, r archive.Row, names map[string]string) (s Summary, c archive.Counted, err error) {
	if c, err = v.a.Count(ctx, v.n.DB, r); err != nil {
		return s, c, err
	}
	said, gone, err := v.text(ctx, r.ID)
	if err != nil {
		return s, c, err
	}
	p := r.P
	s = Summary{
		ID: r.ID, Chain: r.Chain, Charter: p.Charter, Collective: names[p.Charter], By: p.By, Kind: p.Kind, Fallback: p.Fallback, Hurried: c.Q.Hurried(),
		Version: p.Version, Lang: p.Lang, Title: said.Title, Removed: gone, Phase: c.Q.Phase(v.now()), Opened: p.Opened, TalkUntil: p.TalkUntil,
		CommitUntil: p.CommitUntil, RevealUntil: p.RevealUntil, CountedAt: p.CountedAt(), Review: p.Review, Electors: len(p.Electorate),
	}
	if s.Rival, err = archive.Rival(ctx, v.n.DB, r); err != nil {
		return s, c, err
	}
	entries, err := archive.EntriesOf(ctx, v.n.DB, r.ID)
	if err != nil {
		return s, c, err
	}
	if s.Phase == tally.PhaseCounted {
		s.Result, s.Tally = c.T.Result, c.T.Hash
		s.Standing = standing(r, s.Result, reviews(r, entries), v.now())
	} else if newer, err := v.replacing(ctx, r); err != nil {
		return s, c, err
	} else if newer {
		s.Result = tally.Replaced
	}
	sealed := map[core.MemberID]bool{}
	for _, e := range entries {
		if e.Typ == tally.TypeBallot && p.Has(e.Member) && e.Iat <= p.CommitUntil {
			sealed[e.Member] = true
		}
	}
	s.Sealed = len(sealed)
	for _, o := range outcomes(r, entries, s.Tally) {
		if o.Alike {
			s.Alike++
		} else if s.Tally != "" {
			s.Differ++
		}
	}
	mine, err := ballotsOf(ctx, v.n.DB, r.ID)
	cast := sealed[v.self()] || len(mine) > 0 && mine[len(mine)-1].entry != archive.TooLate
	s.Await = s.Phase == tally.PhaseCommit && p.Kind != tally.KindLazy && p.Has(v.self()) && !cast && s.Rival == "" && s.Result == ""
	return s, c, err
}

// outcomes are what members of the electorate say they counted, the first word of each.
func outcomes(r archive.Row, entries []archive.Entry, ours string) []OutcomeView {
	out, done := []OutcomeView{}, map[core.MemberID]bool{}
	for _, e := range entries {
		var b tally.OutcomeBody
		if e.Typ != tally.TypeOutcome || done[e.Member] || !r.P.Has(e.Member) || wire.Decode(e.Body, &b) != nil {
			continue
		}
		done[e.Member] = true
		out = append(out, OutcomeView{e.Member, e.Iat, b.Result, b.Tally, b.Tally == ours})
	}
	return out
}

// View is all that is said of one version of a decision. id is its id or the beginning of it.
// Returns CodeNotFound, CodeConflict for a beginning that two have.
func (v viewer) View(ctx context.Context, id string) (o View, err error) {
	id, err = archive.Find(ctx, v.n.DB, id)
	if err != nil {
		return o, err
	}
	r, err := archive.Proposal(ctx, v.n.DB, id)
	if err != nil {
		return o, err
	}
	names, err := v.names(ctx)
	if err != nil {
		return o, err
	}
	var c archive.Counted
	if o.Summary, c, err = v.summary(ctx, r, names); err != nil {
		return o, err
	}
	said, _, err := v.text(ctx, id)
	if err != nil {
		return o, err
	}
	o.Text, o.Options, o.From = said.Text, append([]string{}, said.Options...), said.From
	entries, err := archive.EntriesOf(ctx, v.n.DB, id)
	if err != nil {
		return o, err
	}
	o.Reviews, o.Outcomes = reviews(r, entries), outcomes(r, entries, o.Tally)
	o.electorate(r, entries, c)
	if o.Warnings, err = v.warnings(ctx, r); err != nil {
		return o, err
	}
	return o, errors.Join(v.chain(ctx, &o, r), v.own(ctx, &o, r))
}

// electorate fills in who decides, and the count once it is due.
func (o *View) electorate(r archive.Row, entries []archive.Entry, c archive.Counted) {
	o.Electorate = []ElectorView{}
	sealed, open := map[core.MemberID]bool{}, map[core.MemberID]bool{}
	for _, e := range entries {
		switch e.Typ {
		case tally.TypeBallot:
			sealed[e.Member] = true
		case tally.TypeOpening:
			open[e.Member] = true
		}
	}
	for i, e := range r.P.Electorate {
		one := ElectorView{Member: e.Member, Sleeping: e.Sleeping, Sealed: sealed[e.Member], Opened: open[e.Member], Refused: []tally.Refused{}}
		if o.Phase == tally.PhaseCounted {
			l := c.T.Lines[i]
			one.Status, one.Choice, one.Reason, one.Refused = l.Status, l.Choice, l.Reason, append(one.Refused, l.Refused...)
		}
		o.Electorate = append(o.Electorate, one)
	}
	if o.Phase != tally.PhaseCounted {
		return
	}
	t := c.T
	o.Count = &CountView{
		Result: t.Result, N: t.N, Quorum: t.Quorum, Turnout: t.Turnout, Standing: append([]core.MemberID{}, t.Standing...), Free: append([]core.MemberID{}, t.Free...),
		Order: append([]int{}, t.Order...), Medians: append([]int{}, t.Medians...), Facilitator: t.Facilitator, Text: t.Text, Hash: t.Hash,
	}
}

// chain fills in the versions and what was said to each.
func (v viewer) chain(ctx context.Context, o *View, r archive.Row) error {
	o.Versions, o.Remarks, o.Objections = []VersionView{}, []RemarkView{}, []ObjectionView{}
	all, err := archive.Chain(ctx, v.n.DB, r.Chain)
	if err != nil {
		return err
	}
	for _, one := range all {
		said, gone, err := v.text(ctx, one.ID)
		if err != nil {
			return err
		}
		shown := VersionView{ID: one.ID, Number: one.P.Version, Opened: one.P.Opened, Title: said.Title, Removed: gone}
		if v.now() > one.P.CountedAt() {
			c, err := v.a.Count(ctx, v.n.DB, one)
			if err != nil {
				return err
			}
			shown.Result = c.T.Result
		}
		o.Versions = append(o.Versions, shown)
		if err := v.words(ctx, o, one); err != nil {
			return err
		}
	}
	return nil
}

// words fills in what was said to one version.
func (v viewer) words(ctx context.Context, o *View, r archive.Row) error {
	entries, err := archive.EntriesOf(ctx, v.n.DB, r.ID)
	if err != nil {
		return err
	}
	at := map[string]core.Moment{}
	for _, e := range entries {
		if key := string(e.Member) + " " + e.Doc; at[key] == 0 && (e.Typ == archive.TypeRemark || e.Typ == tally.TypeObjection) {
			at[key] = e.Iat
		}
	}
	papers, err := archive.PapersOf(ctx, v.n.DB, r.ID)
	if err != nil {
		return err
	}
	q := archive.Question([]archive.Row{r}, r.ID)
	for _, p := range papers {
		said := at[string(p.Author)+" "+p.ID]
		if said == 0 { // of ours, on its way into the logbook
			said = p.Kept
		}
		late := said > q.End(q.WordPhase())
		switch p.Kind {
		case archive.KindRemark:
			o.Remarks = append(o.Remarks, remark(p, r, said, late))
		case archive.KindObjection:
			one := objection(p, r, said, late)
			if one.Lifted, err = v.liftedAt(ctx, p); err != nil {
				return err
			}
			o.Objections = append(o.Objections, one)
		case archive.KindProposal:
		}
	}
	return nil
}

func remark(p archive.Paper, r archive.Row, said core.Moment, late bool) RemarkView {
	one := RemarkView{ID: p.ID, Version: r.P.Version, By: p.Author, At: said, Removed: p.Gone, Late: late}
	if m, _, err := motion.ReadRemark(p.Envelope); err == nil {
		one.Lang, one.Text = m.Lang, m.Text
	}
	return one
}

func objection(p archive.Paper, r archive.Row, said core.Moment, late bool) ObjectionView {
	one := ObjectionView{ID: p.ID, Version: r.P.Version, By: p.Author, At: said, Removed: p.Gone, Late: late}
	if m, _, err := motion.ReadObjection(p.Envelope); err == nil {
		one.About, one.Lang, one.Harm, one.Whom, one.Lift = m.About, m.Lang, m.Harm, m.Whom, m.Lift
		one.Late = late || m.About == motion.AboutElectorate && said > r.P.TalkUntil
	}
	return one
}

// liftedAt is when the author of an objection took it back; 0 = it did not.
func (v viewer) liftedAt(ctx context.Context, p archive.Paper) (core.Moment, error) {
	all, err := archive.EntriesNaming(ctx, v.n.DB, tally.TypeLifted, p.ID)
	for _, e := range all {
		if e.Member == p.Author {
			return e.Iat, nil
		}
	}
	return 0, err
}

// warnings say where an electorate is another than what we would have drawn up, and what else
// people have to know.
func (v viewer) warnings(ctx context.Context, r archive.Row) (out []Warning, err error) {
	out = []Warning{}
	if r.P.By == v.self() {
		return out, nil
	}
	d, err := archive.Doubt(ctx, v.a, r)
	if err != nil {
		return nil, err
	}
	if d.Came != 0 {
		out = append(out, Warning{"assembly.decision.came_late", map[string]any{"Opened": r.P.Opened, "Came": d.Came}})
	}
	if d.Unblocked {
		out = append(out, Warning{"assembly.decision.not_blocked", nil})
	}
	c, err := v.n.Electors.Recheck(ctx, elector.Named{Charter: r.P.Charter, At: r.P.Opened, Electorate: r.P.Electorate, Heads: r.P.Heads})
	if err != nil {
		return append(out, Warning{"assembly.decision.unchecked", nil}), nil //nolint:nilerr // the warning says so
	}
	for _, one := range []struct {
		key string
		ids []core.MemberID
	}{{"decision.not_asleep", d.Awake}, {"elector.behind", c.Behind}, {"elector.missing", c.Missing}, {"elector.extra", c.Extra}, {"elector.other_key", c.OtherKey}, {"elector.unread", c.Unread}} {
		if len(one.ids) > 0 {
			out = append(out, Warning{"assembly." + one.key, map[string]any{"Members": joined(one.ids)}})
		}
	}
	return out, nil
}

// own fills in our part, and what we can do.
func (v viewer) own(ctx context.Context, o *View, r archive.Row) (err error) {
	if o.Own.Elector = r.P.Has(v.self()); !o.Own.Elector {
		return nil
	}
	if o.Own.Choice, o.Own.Cast, err = v.last(ctx, r.ID); err != nil {
		return err
	}
	w, waits, err := getWaiting(ctx, v.n.DB, r.ID)
	if err != nil {
		return err
	}
	o.Own.WaitsBy = w.who
	if waits {
		o.Own.Waits = v.waits(r.ID, w)
	}
	list, err := archive.Unsaid(ctx, v.n.DB)
	if err != nil {
		return err
	}
	o.Own.Pending = slices.ContainsFunc(list, func(s archive.Saying) bool { return s.Proposal == r.ID })
	own, err := v.objections(ctx, r.Chain)
	if err != nil {
		return err
	}
	for _, one := range own {
		if !one.lifted {
			o.Own.Objection = one.doc
		}
	}
	last, err := archive.Newest(ctx, v.n.DB, r.Chain)
	if err == nil && last.ID == r.ID && o.Rival == "" {
		o.Can = v.can(o, r)
	}
	return err
}

// can says what we can do about the newest version.
func (v viewer) can(o *View, r archive.Row) Can {
	now, p := v.now(), r.P
	q := p.Question(r.ID)
	words, ended := now <= q.End(q.WordPhase()), o.Phase == tally.PhaseCounted
	day, reviewed := reviewDay(p.Review)
	can := Can{
		Vote: o.Phase == tally.PhaseCommit && p.Kind != tally.KindLazy, FourEyes: v.n.FourEyes,
		Say: now <= p.CountedAt().Add(talkAfter), Object: words && o.Own.Objection == "", ObjectElectorate: now <= p.TalkUntil && o.Own.Objection == "",
		Lift: words && o.Own.Objection != "", Review: ended && reviewed && now >= day && (o.Result == tally.Passed || o.Result == tally.Chosen),
		Withdraw: p.By == v.self() && !o.Removed,
	}
	can.Approve = can.Vote && o.Own.WaitsBy != ""
	if p.By == v.self() {
		again := o.Result == tally.Blocked || o.Result == tally.NoQuorum || o.Result == tally.Objected
		can.Revise = p.Version < 3 && (words || ended && again)
		can.Fallback = p.Version == 3 && p.Kind == tally.KindConsent && o.Result == tally.Blocked && ended && now >= p.RevealUntil.Add(motion.FallbackWait)
	}
	return can
}

func joined(ids []core.MemberID) string {
	names := make([]string, 0, len(ids))
	for _, id := range ids {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}
