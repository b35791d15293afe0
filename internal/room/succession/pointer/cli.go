package pointer

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// Commands are `succession pointer`, `succession pointers` and `succession inherit`.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	return []*cobra.Command{
		giveCommand(p, open),
		console.Command(open, "pointers", p.T("succession.pointer.cmd_pointers", nil), list),
		console.Command(open, "inherit FILE DIR", p.T("succession.pointer.cmd_inherit", nil), inherit),
	}
}

func giveCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var file, member string
	var yes bool
	cmd := console.Command(open, "pointer NAME", p.T("succession.pointer.cmd_pointer", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		to := core.MemberID("")
		if member != "" {
			var err error
			if to, err = core.ParseMemberID(member); err != nil {
				return err
			}
		}
		if file == "" && to == "" {
			return core.Invalid("succession.pointer.where", errors.New("neither --out nor --to"))
		}
		m, err := s.Make(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) { warn(side, typed[0], to, m) }); err != nil {
			return err
		}
		return give(cmd, s, out, gift{m, typed[0], file, to})
	})
	cmd.Flags().StringVar(&file, "out", "", p.T("succession.pointer.flag_out", nil))
	cmd.Flags().StringVar(&member, "to", "", p.T("succession.pointer.flag_to", nil))
	cmd.Flags().BoolVar(&yes, "yes", false, p.T("succession.pointer.flag_yes", nil))
	return cmd
}

// warn says what leaves the house.
func warn(out *console.Out, backup string, to core.MemberID, m Made) {
	out.Say("succession.pointer.opens", args{"Name": backup})
	if m.Older > 0 {
		out.Say("succession.pointer.older", args{"Name": backup, "Count": m.Older})
	}
	if to == "" {
		out.Say("succession.pointer.plain", nil)
	}
}

// gift is a pointer and where it goes.
type gift struct {
	Made

	backup, file string
	to           core.MemberID
}

func give(cmd *cobra.Command, s *Service, out *console.Out, g gift) error {
	said := args{"backup": g.backup, "older_files": g.Older, "to": string(g.to), "file": g.file}
	if g.file == "" {
		if err := s.Send(cmd.Context(), g.Made, g.backup, g.to); err != nil {
			return err
		}
		return out.Emit(said, func() {
			out.Say("succession.pointer.sent", args{"Name": g.backup, "Member": string(g.to)})
			sayOlder(out, g)
		})
	}
	text := append(g.text, '\n')
	if g.to != "" {
		var err error
		if text, err = s.Seal(cmd.Context(), g.Made, g.to); err != nil {
			return err
		}
	}
	if err := seal.WriteSecret(g.file, text); err != nil {
		return err
	}
	return out.Emit(said, func() {
		key := "succession.pointer.written"
		if g.to != "" {
			key = "succession.pointer.written_sealed"
		}
		out.Say(key, args{"Name": g.backup, "Path": g.file, "Member": string(g.to)})
		sayOlder(out, g)
	})
}

func sayOlder(out *console.Out, g gift) {
	if g.Older > 0 {
		out.Say("succession.pointer.older", args{"Name": g.backup, "Count": g.Older})
	}
}

func list(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	given, err := s.Given(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(append([]Given{}, given...), func() {
		if len(given) == 0 {
			out.Say("succession.pointer.no_pointers", nil)
		}
		for _, g := range given {
			out.Say("succession.pointer.given", args{"Owner": string(g.Owner), "Name": g.Backup, "Day": out.P.Day(g.At)})
		}
	})
}

func inherit(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	password, err := s.Inherit(cmd.Context(), typed[0], typed[1], func(files, bytes int64) {
		if out.TTY() && !out.JSON {
			fmt.Fprintf(out.Err, "\r\033[K%s\r", out.P.T("succession.pointer.progress", args{"Count": files, "Size": core.Size(bytes)}))
		}
	})
	if err != nil {
		return err
	}
	return out.Emit(args{"repository": typed[1], "password_file": password}, func() {
		out.Say("succession.pointer.inherited", args{"Dir": typed[1], "Path": password})
	})
}
