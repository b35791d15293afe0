package motion_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/elector"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

const day = 24 * time.Hour

func signer(t testing.TB) seal.Signer {
	t.Helper()
	return seal.NewSigner("chaton-a.test", ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
}

// whole is a proposal that keeps all rules.
func whole() motion.Proposal {
	at := core.At(time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC))
	return motion.Proposal{
		Charter: strings.Repeat("a", 64), Kind: tally.KindConsent, Lang: "fr", Title: "One backup more", Text: "We do it.", Version: 1,
		Opened: at, TalkUntil: at.Add(7 * day), CommitUntil: at.Add(14 * day), RevealUntil: at.Add(17 * day), GraceUS: (6 * time.Hour).Microseconds(), Review: "2027-11-30",
		Electorate: []elector.Elector{{Member: "chaton-a.test", Root: core.RootKey{1}}, {Member: "chaton-b.test", Root: core.RootKey{2}, Sleeping: true}},
		Heads:      []elector.Head{{Member: "chaton-a.test", Size: 5}},
	}
}

func key(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return strings.TrimPrefix(e.Key, "assembly.motion.")
	}
	return ""
}

func TestProposals(t *testing.T) {
	long := strings.Repeat("x", motion.MaxTitle+1)
	for name, c := range map[string]struct {
		change func(*motion.Proposal)
		want   string
	}{
		"whole":    {func(*motion.Proposal) {}, ""},
		"a poll":   {func(p *motion.Proposal) { p.Kind, p.Options, p.Review = tally.KindPoll, []string{"a", "b"}, "" }, ""},
		"a choice": {func(p *motion.Proposal) { p.Kind, p.Options = tally.KindChoice, []string{"a", "b"} }, ""},
		"lazy": {func(p *motion.Proposal) {
			p.Kind, p.CommitUntil, p.RevealUntil = tally.KindLazy, p.TalkUntil, p.TalkUntil
		}, ""},
		"hurried": {func(p *motion.Proposal) {
			p.TalkUntil, p.CommitUntil, p.RevealUntil, p.GraceUS = p.Opened, p.Opened+2, p.Opened+9, 1
		}, ""},
		"a second version":      {func(p *motion.Proposal) { p.Version, p.Replaces, p.TalkUntil = 2, p.Charter, p.Opened }, ""},
		"the last round":        {func(p *motion.Proposal) { p.Version, p.Replaces, p.Fallback = 4, p.Charter, true }, ""},
		"no title":              {func(p *motion.Proposal) { p.Title = "" }, "bad_title"},
		"a title of two lines":  {func(p *motion.Proposal) { p.Title = "a\nb" }, "bad_title"},
		"a long title":          {func(p *motion.Proposal) { p.Title = long }, "assembly.need.bad_length"},
		"a title turned around": {func(p *motion.Proposal) { p.Title = "a\u202eb" }, "assembly.need.bad_signs"},
		"no text":               {func(p *motion.Proposal) { p.Text = "" }, "no_text"},
		"a long text":           {func(p *motion.Proposal) { p.Text = strings.Repeat("é", motion.MaxText+1) }, "assembly.need.bad_length"},
		"no kind":               {func(p *motion.Proposal) { p.Kind = "vote" }, "bad_kind"},
		"options of a consent":  {func(p *motion.Proposal) { p.Options = []string{"a", "b"} }, "no_options"},
		"one option":            {func(p *motion.Proposal) { p.Kind, p.Options = tally.KindChoice, []string{"a"} }, "bad_options"},
		"eleven options": {func(p *motion.Proposal) {
			p.Kind, p.Options = tally.KindChoice, strings.Split("a b c d e f g h i j k", " ")
		}, "bad_options"},
		"an option twice":              {func(p *motion.Proposal) { p.Kind, p.Options = tally.KindChoice, []string{"a", "a"} }, "bad_options"},
		"another language":             {func(p *motion.Proposal) { p.Lang = "<b>" }, "bad"},
		"no collective":                {func(p *motion.Proposal) { p.Charter = "x" }, "bad"},
		"version 0":                    {func(p *motion.Proposal) { p.Version = 0 }, "too_many_versions"},
		"version 4 without last round": {func(p *motion.Proposal) { p.Version, p.Replaces = 4, p.Charter }, "too_many_versions"},
		"version 5":                    {func(p *motion.Proposal) { p.Version, p.Replaces, p.Fallback = 5, p.Charter, true }, "too_many_versions"},
		"a first last round":           {func(p *motion.Proposal) { p.Fallback = true }, "too_many_versions"},
		"a second that replaces none":  {func(p *motion.Proposal) { p.Version = 2 }, "bad"},
		"a last round of a choice": {func(p *motion.Proposal) {
			p.Kind, p.Options, p.Version, p.Replaces, p.Fallback = tally.KindChoice, []string{"a", "b"}, 4, p.Charter, true
		}, "bad"},
		"ends before it opens":  {func(p *motion.Proposal) { p.TalkUntil = p.Opened - 1 }, "bad_times"},
		"no time to vote":       {func(p *motion.Proposal) { p.CommitUntil = p.TalkUntil }, "bad_times"},
		"no time to open":       {func(p *motion.Proposal) { p.RevealUntil = p.CommitUntil.Add(p.Grace()) }, "bad_times"},
		"two years":             {func(p *motion.Proposal) { p.RevealUntil = p.Opened.Add(700 * day) }, "bad_times"},
		"a month of grace":      {func(p *motion.Proposal) { p.GraceUS = (30 * day).Microseconds() }, "bad_times"},
		"a time that overflows": {func(p *motion.Proposal) { p.GraceUS = 1<<53 - 1 }, "bad_times"},
		"lazy and hurried": {func(p *motion.Proposal) {
			p.Kind, p.TalkUntil = tally.KindLazy, p.Opened.Add(day)
			p.CommitUntil, p.RevealUntil = p.TalkUntil, p.TalkUntil
		}, "lazy_hurried"},
		"lazy without grace": {func(p *motion.Proposal) {
			p.Kind, p.CommitUntil, p.RevealUntil, p.GraceUS = tally.KindLazy, p.TalkUntil, p.TalkUntil, 0
		}, "lazy_hurried"},
		"no review":                  {func(p *motion.Proposal) { p.Review = "" }, "bad_review"},
		"a review before the count":  {func(p *motion.Proposal) { p.Review = "2026-12-01" }, "bad_review"},
		"a review of a poll":         {func(p *motion.Proposal) { p.Kind, p.Options = tally.KindPoll, []string{"a", "b"} }, "bad_review"},
		"nobody decides":             {func(p *motion.Proposal) { p.Electorate = nil }, "bad"},
		"electors out of order":      {func(p *motion.Proposal) { p.Electorate[0].Member = "chaton-z.test" }, "bad"},
		"an elector without root":    {func(p *motion.Proposal) { p.Electorate[1].Root = core.RootKey{} }, "bad"},
		"its author does not decide": {func(p *motion.Proposal) { p.Electorate = p.Electorate[1:] }, "not_elector"},
		"a head twice":               {func(p *motion.Proposal) { p.Heads = append(p.Heads, p.Heads[0]) }, "bad"},
		"from too much":              {func(p *motion.Proposal) { p.From.Needs = make([]string, 21) }, "bad"},
	} {
		t.Run(name, func(t *testing.T) {
			p := whole()
			c.change(&p)
			_, d, err := motion.Propose(p, signer(t))
			if got := key(err); got != c.want {
				t.Fatalf("%q, want %q: %v", got, c.want, err)
			}
			if err != nil {
				return
			}
			read, back, err := motion.ReadProposal(d.Envelope)
			if err != nil || back.ID != d.ID || read.Title != p.Title || !motion.ValidID(d.ID) {
				t.Fatalf("%+v, %v", read, err)
			}
		})
	}
}

// Whatever the times are, what is signed is read again, and is hurried exactly when one of them
// is shorter than usual.
func TestTimes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := whole()
		spans := rapid.SliceOfN(rapid.Int64Range(0, int64(20*day/time.Hour)), 3, 3).Draw(rt, "hours")
		p.GraceUS = rapid.Int64Range(0, (8*day).Microseconds()).Draw(rt, "grace")
		hour := func(n int64) time.Duration { return time.Duration(n) * time.Hour }
		p.TalkUntil = p.Opened.Add(hour(spans[0]))
		p.CommitUntil = p.TalkUntil.Add(hour(spans[1]))
		p.RevealUntil = p.CommitUntil.Add(hour(spans[2]))
		holds := spans[1] > 0 && hour(spans[2]) > p.Grace() && p.Grace() <= 7*day
		said, d, err := motion.Propose(p, signer(t))
		if (err == nil) != holds {
			rt.Fatalf("%v, %v: %v", spans, p.Grace(), err)
		}
		if err != nil {
			return
		}
		q := said.Question(d.ID)
		if hurried := hour(spans[0]) < 7*day || hour(spans[1]) < 7*day || hour(spans[2]) < 3*day || p.Grace() < 6*time.Hour; q.Hurried() != hurried {
			rt.Fatalf("hurried %v", q.Hurried())
		}
		if frame, err := wire.Encode(said.WithoutText()); err != nil || bytes.Contains(frame, []byte(p.Title)) {
			rt.Fatalf("%s, %v", frame, err)
		}
	})
}

func TestVersionsFollow(t *testing.T) {
	first := whole()
	first.By = "chaton-a.test"
	id := strings.Repeat("b", 64)
	for name, c := range map[string]struct {
		change func(*motion.Proposal)
		ok     bool
	}{
		"the next":             {func(*motion.Proposal) {}, true},
		"of another author":    {func(p *motion.Proposal) { p.By = "chaton-b.test" }, false},
		"of another house":     {func(p *motion.Proposal) { p.Charter = id }, false},
		"of another kind":      {func(p *motion.Proposal) { p.Kind = tally.KindPoll }, false},
		"the one after":        {func(p *motion.Proposal) { p.Version = 3 }, false},
		"of another one":       {func(p *motion.Proposal) { p.Replaces = p.Charter }, false},
		"opened before":        {func(p *motion.Proposal) { p.Opened = first.Opened }, false},
		"the last round early": {func(p *motion.Proposal) { p.Fallback = true }, false},
	} {
		p := first
		p.Version, p.Replaces, p.Opened = 2, id, first.Opened+1
		c.change(&p)
		if err := p.Follows(first, id); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWords(t *testing.T) {
	id, by := strings.Repeat("b", 64), signer(t)
	d, err := motion.Say(motion.Remark{Proposal: id, Lang: "fr", Text: "Yes."}, by)
	if err != nil {
		t.Fatal(err)
	}
	if r, back, err := motion.ReadRemark(d.Envelope); err != nil || r.Text != "Yes." || back.ID != d.ID {
		t.Fatalf("%+v, %v", r, err)
	}
	if _, _, err := motion.ReadObjection(d.Envelope); err == nil {
		t.Error("a remark was read as an objection")
	}
	for text, want := range map[string]string{"": "no_remark", " x": "no_remark", strings.Repeat("x", motion.MaxRemark+1): "assembly.need.bad_length"} {
		if _, err := motion.Say(motion.Remark{Proposal: id, Lang: "fr", Text: text}, by); key(err) != want {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	whole := motion.Objection{Proposal: id, About: motion.AboutText, Lang: "fr", Harm: "one two three", Whom: "one two three", Lift: "one two three"}
	for name, c := range map[string]struct {
		change func(*motion.Objection)
		want   string
	}{
		"whole":          {func(*motion.Objection) {}, ""},
		"to electors":    {func(o *motion.Objection) { o.About = motion.AboutElectorate }, ""},
		"to nothing":     {func(o *motion.Objection) { o.About = "" }, "bad_about"},
		"two words":      {func(o *motion.Objection) { o.Lift = "one two" }, "no_objection"},
		"to nobody":      {func(o *motion.Objection) { o.Whom = "" }, "no_objection"},
		"of no proposal": {func(o *motion.Objection) { o.Proposal = "x" }, "bad"},
	} {
		o := whole
		c.change(&o)
		if _, err := motion.Object(o, by); key(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Signed by somebody else than it says.
	other := seal.NewSigner("chaton-b.test", ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize)))
	payload, err := d.Envelope.Unverified()
	if err != nil {
		t.Fatal(err)
	}
	forged, err := seal.SignDoc(motion.TypeRemark, payload, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := motion.ReadRemark(forged); key(err) != "bad" {
		t.Errorf("of another signer: %v", err)
	}
}

func TestBallots(t *testing.T) {
	var seed, other seal.Seed
	other[0] = 1
	mine, err := seed.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := other.RecoveryIdentity()
	if err != nil {
		t.Fatal(err)
	}
	id := strings.Repeat("b", 64)
	long := core.MemberID(strings.Repeat("a", 253))
	b, err := motion.Vote(id, long, tally.Choice{Grades: []int{5, 5, 5, 5, 5, 5, 5, 5, 5, 5}}, mine.Recipient())
	if err != nil || len(b.Sealed) > tally.MaxSealed || tally.Commit(b.Opening) != b.Commit {
		t.Fatalf("%d bytes, %v", len(b.Sealed), err)
	}
	again, err := motion.Vote(id, long, tally.Choice{Stance: tally.Agree}, nil)
	if err != nil || again.Commit == b.Commit || again.Sealed != nil {
		t.Fatalf("%+v, %v", again, err)
	}
	if text, err := motion.Unseal(b.Sealed, b.Commit, mine); err != nil || !bytes.Equal(text, b.Opening) {
		t.Fatalf("%q, %v", text, err)
	}
	if _, err := motion.Unseal(b.Sealed, b.Commit, theirs); key(err) != "not_ours" {
		t.Errorf("with other words: %v", err)
	}
	if _, err := motion.Unseal(b.Sealed, again.Commit, mine); key(err) != "not_ours" {
		t.Errorf("of another ballot: %v", err)
	}
}

func FuzzProposal(f *testing.F) {
	_, d, err := motion.Propose(whole(), signer(f))
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, d, motion.TypeProposal, func(env seal.Envelope) (string, error) {
		p, d, err := motion.ReadProposal(env)
		if err == nil {
			q := p.Question(d.ID)
			tally.Count(q, nil)
		}
		return d.ID, err
	})
}

func FuzzRemark(f *testing.F) {
	d, err := motion.Say(motion.Remark{Proposal: strings.Repeat("b", 64), Lang: "fr", Text: "Yes."}, signer(f))
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, d, motion.TypeRemark, func(env seal.Envelope) (string, error) {
		_, d, err := motion.ReadRemark(env)
		return d.ID, err
	})
}

func FuzzObjection(f *testing.F) {
	d, err := motion.Object(motion.Objection{Proposal: strings.Repeat("b", 64), About: "text", Lang: "fr", Harm: "one two three", Whom: "one two three", Lift: "one two three"}, signer(f))
	if err != nil {
		f.Fatal(err)
	}
	fuzz(f, d, motion.TypeObjection, func(env seal.Envelope) (string, error) {
		_, d, err := motion.ReadObjection(env)
		return d.ID, err
	})
}

// fuzz reads whatever stands in an envelope: it is refused as invalid, or has its id.
func fuzz(f *testing.F, d motion.Document, typ string, read func(seal.Envelope) (string, error)) {
	f.Helper()
	payload, err := d.Envelope.Unverified()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload)
	f.Add([]byte(`{}`))
	by := signer(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		env, err := seal.SignDoc(typ, text, by)
		if err != nil {
			return
		}
		id, err := read(env)
		if err != nil && core.CodeOf(err) != core.CodeInvalid {
			t.Fatal(err)
		}
		if err == nil && id != motion.ID(text) {
			t.Fatalf("%s", id)
		}
	})
}
