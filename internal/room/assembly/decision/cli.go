package decision

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/assembly/motion"
	"entrechat/internal/room/assembly/tally"
)

type args = map[string]any

// Command is `decision` with what it holds; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Group("decision", p.T("assembly.decision.cmd", nil),
		proposeCommand(p, open),
		console.Command(open, "list", p.T("assembly.decision.cmd_list", nil), list),
		console.Command(open, "show ID", p.T("assembly.decision.cmd_show", nil), show),
		console.Command(open, "say ID TEXT", p.T("assembly.decision.cmd_say", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			id, err := s.Say(cmd.Context(), typed[0], typed[1])
			return done(out, err, args{"id": id}, "assembly.decision.said", args{"ID": short(id)})
		}),
		objectCommand(p, open),
		console.Command(open, "lift ID", p.T("assembly.decision.cmd_lift", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			return done(out, s.Lift(cmd.Context(), typed[0]), args{"lifted": true}, "assembly.decision.lifted", nil)
		}),
		voteCommand(p, open), approveCommand(p, open),
		console.Command(open, "withdraw ID", p.T("assembly.decision.cmd_withdraw", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			return done(out, s.Withdraw(cmd.Context(), typed[0]), args{"withdrawn": typed[0]}, "assembly.decision.withdrawn", nil)
		}),
		console.Command(open, "review ID WORD", p.T("assembly.decision.cmd_review", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			return done(out, s.Review(cmd.Context(), typed[0], Word(typed[1])), args{"word": typed[1]}, "assembly.decision.reviewed", nil)
		}),
		console.Command(open, "electors ID", p.T("assembly.decision.cmd_electors", nil), electors),
		console.Command(open, "export ID DIR", p.T("assembly.decision.cmd_export", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			n, err := s.a.Export(cmd.Context(), typed[0], typed[1])
			return done(out, err, args{"members": n, "folder": typed[1]}, "assembly.decision.exported", args{"Count": n, "Dir": typed[1]})
		}),
		recoverCommand(p, open))
}

// done says what was done.
func done(out *console.Out, err error, v any, key string, a args) error {
	if err != nil {
		return err
	}
	return out.Emit(v, func() { out.Say(key, a) })
}

func proposeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var d Draft
	var kind, file, talk, commit, reveal, grace string
	c := console.Command(open, "propose", p.T("assembly.decision.cmd_propose", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		d.Kind = tally.Kind(kind)
		if file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return core.NotFound("assembly.decision.no_file", err).With("Path", file)
			}
			d.Text = string(text)
		}
		for text, into := range map[*string]*time.Duration{&talk: &d.Talk, &commit: &d.Commit, &reveal: &d.Reveal, &grace: &d.Grace} {
			var err error
			if *into, err = parseSpan(*text); err != nil {
				return err
			}
		}
		id, err := s.Propose(cmd.Context(), d)
		if err != nil {
			return err
		}
		v, err := s.View(cmd.Context(), id)
		return done(out, err, v, "assembly.decision.proposed", args{"ID": short(id), "Talk": v.TalkUntil, "Commit": v.CommitUntil})
	})
	f := c.Flags()
	f.StringVar(&d.Collective, "collective", "", p.T("assembly.decision.flag_collective", nil))
	f.StringVar(&kind, "kind", string(tally.KindConsent), p.T("assembly.decision.flag_kind", nil))
	f.StringVar(&d.Title, "title", "", p.T("assembly.decision.flag_title", nil))
	f.StringVar(&file, "text", "", p.T("assembly.decision.flag_text", nil))
	f.StringArrayVar(&d.Options, "option", nil, p.T("assembly.decision.flag_option", nil))
	f.StringVar(&d.Review, "review", "", p.T("assembly.decision.flag_review", nil))
	f.StringVar(&talk, "talk", "", p.T("assembly.decision.flag_talk", nil))
	f.StringVar(&commit, "commit", "", p.T("assembly.decision.flag_commit", nil))
	f.StringVar(&reveal, "reveal", "", p.T("assembly.decision.flag_reveal", nil))
	f.StringVar(&grace, "grace", "", p.T("assembly.decision.flag_grace", nil))
	f.StringVar(&d.Replaces, "replaces", "", p.T("assembly.decision.flag_replaces", nil))
	f.BoolVar(&d.Fallback, "fallback", false, p.T("assembly.decision.flag_fallback", nil))
	f.StringArrayVar(&d.Needs, "need", nil, p.T("assembly.decision.flag_need", nil))
	f.StringArrayVar(&d.Incidents, "incident", nil, p.T("assembly.decision.flag_incident", nil))
	f.SortFlags = false
	return c
}

// parseSpan reads "7d", "6h", "90s"; empty is 0, the usual time.
func parseSpan(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, core.Invalid("assembly.decision.bad_span", errors.New("no duration")).With("Value", text)
	}
	return max(d, time.Microsecond), nil
}

func objectCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var h Harm
	var about string
	c := console.Command(open, "object ID", p.T("assembly.decision.cmd_object", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h.About = motion.About(about)
		id, err := s.Object(cmd.Context(), typed[0], h)
		return done(out, err, args{"id": id}, "assembly.decision.objected", args{"ID": short(id)})
	})
	c.Flags().StringVar(&h.Harm, "harm", "", p.T("assembly.decision.flag_harm", nil))
	c.Flags().StringVar(&h.Whom, "whom", "", p.T("assembly.decision.flag_whom", nil))
	c.Flags().StringVar(&h.Lift, "lift", "", p.T("assembly.decision.flag_lift", nil))
	c.Flags().StringVar(&about, "about", string(motion.AboutText), p.T("assembly.decision.flag_about", nil))
	c.Flags().SortFlags = false
	return c
}

func voteCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var stance, grades, who string
	c := console.Command(open, "vote ID", p.T("assembly.decision.cmd_vote", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		choice, err := parseChoice(stance, grades)
		if err != nil {
			return err
		}
		waits, err := s.Vote(cmd.Context(), typed[0], choice, who)
		key := "assembly.decision.voted"
		if waits {
			key = "assembly.decision.vote_waits"
		}
		return done(out, err, args{"waits": waits}, key, nil)
	})
	c.Flags().StringVar(&stance, "stance", "", p.T("assembly.decision.flag_stance", nil))
	c.Flags().StringVar(&grades, "grade", "", p.T("assembly.decision.flag_grade", nil))
	c.Flags().StringVar(&who, "as", "", p.T("assembly.decision.flag_as", nil))
	c.Flags().SortFlags = false
	return c
}

// parseChoice reads a stance, or grades like "5,0,3".
func parseChoice(stance, grades string) (c tally.Choice, err error) {
	c.Stance = tally.Stance(stance)
	if grades == "" {
		return c, nil
	}
	for text := range strings.SplitSeq(grades, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return c, core.Invalid("assembly.decision.bad_grade", err).With("Value", text)
		}
		c.Grades = append(c.Grades, n)
	}
	return c, nil
}

func approveCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var who string
	c := console.Command(open, "approve ID", p.T("assembly.decision.cmd_approve", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		return done(out, s.Approve(cmd.Context(), typed[0], who), args{"approved": true}, "assembly.decision.voted", nil)
	})
	c.Flags().StringVar(&who, "as", "", p.T("assembly.decision.flag_as", nil))
	return c
}

func recoverCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var file string
	c := console.Command(open, "recover", p.T("assembly.decision.cmd_recover", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		text, err := out.ReadWords(file)
		if err != nil {
			return err
		}
		seed, err := seal.ParseSeed(text)
		if err != nil {
			return err
		}
		identity, err := seed.RecoveryIdentity()
		if err != nil {
			return err
		}
		opened, shut, err := s.Recover(cmd.Context(), identity)
		if err == nil && shut > 0 && opened == 0 {
			err = core.Invalid("assembly.motion.not_ours", errors.New("other words"))
		}
		return done(out, err, args{"opened": opened, "shut": shut}, "assembly.decision.recovered", args{"Count": opened})
	})
	c.Flags().StringVar(&file, "seed-file", "", p.T("assembly.decision.flag_seed", nil))
	return c
}

func electors(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	v, err := s.Electorate(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	return out.Emit(v, func() {
		rows := make([][]string, 0, len(v.Lines))
		for _, l := range v.Lines {
			rows = append(rows, []string{string(l.Member), out.P.T("assembly.decision.in_"+strconv.FormatBool(l.In), nil), strings.Join(slices.Concat([]string{l.Say(out.P)}, l.Notes(out.P)), "; ")})
		}
		out.Table([]string{"assembly.decision.col_member", "assembly.decision.col_decides", "assembly.decision.col_why"}, rows)
	})
}
