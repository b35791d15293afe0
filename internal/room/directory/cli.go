package directory

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/statool"
)

// Open gives a command the room, and where to print. With node, there must be one;
// without, what others publish can be read before there is.
type Open func(cmd *cobra.Command, node bool) (*Room, *console.Out, error)

// Commands are the subcommands of `entrechat directory`; p says what they are for.
func Commands(p *words.Printer, open Open) []*cobra.Command {
	c := &cobra.Command{Use: "directory", Short: p.T("directory.cmd.directory", nil)}
	cl := cli{p, open}
	c.AddCommand(cl.draft(), cl.validate(), cl.list(), cl.show(), cl.publish(), cl.set(), cl.withdraw(), cl.importFiles(), cl.files(), cl.forget(), cl.search(), cl.hosters(), cl.refer())
	return []*cobra.Command{c}
}

type cli struct {
	p    *words.Printer
	open Open
}

type args = map[string]any

// command makes one command about our own files; run gets the node's room.
func (c cli) command(use, about string, count cobra.PositionalArgs, run func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: c.p.T("directory.cmd."+about, nil), Args: count,
		RunE: func(cmd *cobra.Command, typed []string) error {
			r, out, err := c.open(cmd, true)
			if err != nil {
				return err
			}
			return run(cmd, r, out, typed)
		},
	}
}

// finding is one line of `directory validate --json`.
type finding struct {
	Line     int              `json:"line"` // 0 = the whole file
	Severity statool.Severity `json:"severity"`
	Field    string           `json:"field,omitempty"`
	Key      string           `json:"key"`
	Text     string           `json:"text"`
}

// verdict is the answer about one file.
type verdict struct {
	File     string        `json:"file"`
	Class    statool.Class `json:"class"`
	Valid    bool          `json:"valid"`
	Findings []finding     `json:"findings"`
	More     int           `json:"more,omitempty"` // findings beyond those listed
}

func (c cli) validate() *cobra.Command {
	return &cobra.Command{
		Use: "validate FILE|URL...", Short: c.p.T("directory.cmd.validate", nil), Long: c.p.T("directory.cmd.validate_long", nil),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, typed []string) error {
			r, out, err := c.open(cmd, false)
			if err != nil {
				return err
			}
			verdicts, wrong := []verdict{}, 0
			for _, from := range typed {
				v, err := r.Validate(cmd.Context(), from)
				if err != nil {
					return err
				}
				verdicts = append(verdicts, verdictOf(out.P, v))
				if !v.Report.OK() {
					wrong++
				}
			}
			if err := out.Emit(verdicts, func() { printVerdicts(out, verdicts) }); err != nil {
				return err
			}
			if wrong > 0 {
				return core.Invalid("directory.not_valid", fmt.Errorf("%d files", wrong)).With("Count", wrong)
			}
			return nil
		},
	}
}

func verdictOf(p *words.Printer, v Validated) verdict {
	out := verdict{File: v.File, Class: v.Report.Class, Valid: v.Report.OK(), More: v.Report.More, Findings: []finding{}}
	for _, f := range v.Report.Findings {
		out.Findings = append(out.Findings, finding{f.Line, f.Severity, f.Field, f.Key, p.T(f.Key, f.Args)})
	}
	return out
}

// printVerdicts prints a finding a line, in the form that editors jump to.
func printVerdicts(out *console.Out, all []verdict) {
	for _, v := range all {
		for _, f := range v.Findings {
			out.Line(fmt.Sprintf("%s:%d: %s: %s", v.File, f.Line, out.P.T("directory.severity."+string(f.Severity), nil), f.Text))
		}
		if v.More > 0 {
			out.Say("directory.more_findings", args{"Count": v.More})
		}
		key := "directory.valid"
		if !v.Valid {
			key = "directory.invalid"
		}
		out.Say(key, args{"File": v.File, "Class": string(v.Class)})
	}
}

// drafted is the answer of `directory draft --json` about one domain.
type drafted struct {
	Domain   core.MemberID `json:"domain"`
	Services []subject     `json:"services"`
	Hoster   []fact        `json:"hoster"`
	Charter  []criterion   `json:"charter"`
	Files    []string      `json:"files,omitempty"` // written
}

type subject struct {
	Kind  string `json:"kind"`
	Facts []fact `json:"facts"`
}

type fact struct {
	Field  draft.Field `json:"field"`
	Value  string      `json:"value"`
	Source string      `json:"source"`
	At     core.Moment `json:"at_us"`
}

type criterion struct {
	Key      string         `json:"key"`
	Standing draft.Standing `json:"standing"`
	Text     string         `json:"text"`
	How      string         `json:"how,omitempty"`
}

func (c cli) draft() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use: "draft DOMAIN...", Short: c.p.T("directory.cmd.draft", nil), Long: c.p.T("directory.cmd.draft_long", nil),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, typed []string) error {
			r, out, err := c.open(cmd, false)
			if err != nil {
				return err
			}
			all := []drafted{}
			for _, domain := range typed {
				d, err := r.Draft(cmd.Context(), domain)
				if err != nil {
					return err
				}
				into := dir
				if dir != "" && len(typed) > 1 {
					into = filepath.Join(dir, strings.ReplaceAll(string(d.Domain), ":", "_"))
				}
				written, err := d.WriteTo(into)
				if err != nil {
					return err
				}
				answer := draftedOf(out.P, d)
				answer.Files = written
				all = append(all, answer)
			}
			return out.Emit(all, func() {
				for _, d := range all {
					printDraft(out, d)
				}
			})
		},
	}
	cmd.Flags().StringVar(&dir, "out", "", c.p.T("directory.flag.out", nil))
	return cmd
}

func draftedOf(p *words.Printer, d draft.Drafted) drafted {
	out := drafted{Domain: d.Domain, Hoster: factsOf(d.Hoster), Services: []subject{}}
	for _, s := range d.Services {
		out.Services = append(out.Services, subject{s.Kind, factsOf(s.Facts)})
	}
	for _, c := range d.Charter {
		one := criterion{Key: c.Key, Standing: c.Standing, Text: p.T("directory.charter."+c.Key, nil)}
		if c.Standing != draft.Found {
			one.How = p.T("directory.charter."+c.Key+"_how", nil)
		}
		out.Charter = append(out.Charter, one)
	}
	return out
}

func factsOf(all draft.Facts) []fact {
	out := make([]fact, 0, len(all))
	for _, f := range all {
		out = append(out, fact{f.Field, f.Value, f.Source, f.At})
	}
	return out
}

func printDraft(out *console.Out, d drafted) {
	out.Say("directory.draft.head", args{"Domain": d.Domain, "Count": len(d.Services)})
	about := func(title string, facts []fact) {
		if len(facts) == 0 {
			return
		}
		out.Line("\n" + title)
		for _, f := range facts {
			out.Line(fmt.Sprintf("  %s: %s  (%s)", out.P.T("directory.fact."+string(f.Field), nil), f.Value, f.Source))
		}
	}
	for _, s := range d.Services {
		about(s.Kind, s.Facts)
	}
	about(string(d.Domain), d.Hoster)
	for _, standing := range []draft.Standing{draft.Found, draft.Missing, draft.OnlyYou} {
		var lines []string
		for _, c := range d.Charter {
			if c.Standing != standing {
				continue
			}
			line := "  " + c.Text
			if c.How != "" {
				line = out.P.Pair(line, c.How)
			}
			lines = append(lines, line)
		}
		if len(lines) > 0 {
			out.Line("\n" + out.P.T("directory.standing."+string(standing), nil) + "\n" + strings.Join(lines, "\n"))
		}
	}
	if len(d.Files) > 0 {
		out.Say("directory.draft.written", args{"Files": strings.Join(d.Files, ", ")})
	}
}
