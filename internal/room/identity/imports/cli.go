package imports

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// Commands are `identity import`.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	var format, source string
	var dry bool
	c := console.Command(open, "import FILE", p.T("identity.imports.cmd", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		kind, err := ParseFormat(format)
		if err != nil {
			return err
		}
		text, err := readFile(typed[0])
		if err != nil {
			return err
		}
		records, findings, err := Read(typed[0], text, kind)
		if err != nil {
			return err
		}
		run := s.Apply
		if dry {
			run = s.Plan
		}
		done, err := run(cmd.Context(), source, records)
		done.Findings = findings
		if err != nil && len(done.Steps) == 0 {
			return err
		}
		return errors.Join(out.Emit(done, func() { done.say(out) }), err)
	})
	c.Flags().StringVar(&format, "format", "", p.T("identity.imports.flag_format", nil))
	c.Flags().StringVar(&source, "source", DefaultSource, p.T("identity.imports.flag_source", nil))
	c.Flags().BoolVar(&dry, "dry-run", false, p.T("identity.imports.flag_dry_run", nil))
	return []*cobra.Command{c}
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.NotFound("identity.imports.no_file", err).With("Path", name)
	}
	if err == nil && info.Size() > MaxBytes {
		return nil, core.Invalid("identity.imports.too_big", fmt.Errorf("%d bytes", info.Size())).With("Most", core.Size(MaxBytes))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, core.Invalid("identity.imports.unread", err).With("Path", name)
	}
	return text, nil
}

// say prints everybody where it is a dry run, else who needs a word; then the sums.
func (p Plan) say(out *console.Out) {
	for _, f := range p.Findings {
		out.Say("identity.imports.at_line", args{"Line": f.Line, "What": out.P.T(f.Key, f.Args)})
	}
	var rows [][]string
	for _, s := range p.Steps {
		what := make([]string, len(s.Findings))
		for i, f := range s.Findings {
			what[i] = out.P.T(f.Key, f.Args)
		}
		if p.DryRun || len(what) > 0 {
			rows = append(rows, []string{strconv.Itoa(s.Line), s.UID, out.P.T(s.Fate.Key(), nil), strings.Join(what, " ")})
		}
	}
	if len(rows) > 0 {
		out.Table([]string{"identity.imports.head_line", "identity.imports.head_uid", "identity.imports.head_fate", "identity.imports.head_what"}, rows)
	}
	key := "identity.imports.done"
	if p.DryRun {
		key = "identity.imports.would"
	}
	out.Say(key, args{"Count": p.Counts[New] + p.Counts[Renamed], "Renamed": p.Counts[Renamed], "Present": p.Counts[Present], "Refused": p.Counts[Refused]})
	if p.Invite > 0 {
		out.Say("identity.imports.invite", args{"Count": p.Invite})
	}
}
