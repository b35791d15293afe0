package report

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"filippo.io/age"

	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/pack/fill"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/disk"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
)

// Commands are `succession pack` with what it holds; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Reports]) []*cobra.Command {
	return []*cobra.Command{console.Group("pack", p.T("succession.pack.cmd", nil), createCommand(p, open), checkCommand(p, open), showCommand(p, open), listCommand(p, open), openCommand(p, open), keyCommand(p, open))}
}

// created is what `pack create` prints.
type created struct {
	Dir   string   `json:"dir"`
	Files []string `json:"files"`
}

func createCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	return console.Command(open, "create SERVICE", p.T("succession.pack.cmd_create", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, typed []string) error {
		dir, made, err := s.Fill.Create(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		v, err := s.Fill.Show(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(created{dir, some(made)}, func() {
			out.Say("succession.pack.created", args{"Dir": dir, "Files": strings.Join(made, " ")})
			gaps(out, v)
			out.Say("succession.pack.next_check", args{"Service": typed[0]})
		})
	})
}

func checkCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	var seen []string
	c := console.Command(open, "check SERVICE", p.T("succession.pack.cmd_check", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, typed []string) error {
		var all []fill.Seen
		for _, text := range seen {
			one, err := fill.ParseSeen(text)
			if err != nil {
				return err
			}
			all = append(all, one)
		}
		if _, err := s.Fill.Check(cmd.Context(), typed[0], all); err != nil {
			return err
		}
		if err := s.Packs.DeliverNow(cmd.Context(), typed[0]); err != nil {
			return err
		}
		v, err := s.Fill.Show(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(v, func() { show(out, v) })
	})
	c.Flags().StringArrayVar(&seen, "seen", nil, p.T("succession.pack.flag_seen", nil))
	return c
}

func showCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	var member string
	c := console.Command(open, "show SERVICE", p.T("succession.pack.cmd_show", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, typed []string) error {
		var v pack.View
		var err error
		if member == "" {
			v, err = s.Fill.Show(cmd.Context(), typed[0])
		} else {
			var owner core.MemberID
			if owner, err = core.ParseMemberID(member); err == nil {
				v, err = s.Packs.ShowHeld(cmd.Context(), owner, typed[0])
			}
		}
		if err != nil {
			return err
		}
		return out.Emit(v, func() { show(out, v) })
	})
	c.Flags().StringVar(&member, "member", "", p.T("succession.pack.flag_member", nil))
	return c
}

// listed is what `pack list` prints.
type listed struct {
	Ours   []pack.View `json:"ours"`
	Theirs []pack.View `json:"theirs"`
}

func listCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	return console.Command(open, "list", p.T("succession.pack.cmd_list", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, _ []string) error {
		ours, broken, err := s.Fill.Ours(cmd.Context())
		if err != nil {
			return err
		}
		theirs, err := s.Packs.Theirs(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(listed{some(ours), some(theirs)}, func() {
			if len(ours)+len(theirs)+len(broken) == 0 {
				out.Say("succession.pack.list_none", nil)
			}
			for _, v := range append(ours, theirs...) {
				kind, until := v.Best()
				out.Say("succession.pack.list_line", args{"Service": v.Service, "Owner": string(v.Owner), "Number": v.Number, "Count": v.Red(), "Kind": kindText(out.P, kind, until)})
			}
			for service, err := range broken {
				out.Line(service + ": " + out.P.Error(err))
			}
		})
	})
}

func openCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	var pointer, dir string
	c := console.Command(open, "open MEMBER SERVICE", p.T("succession.pack.cmd_open", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if pointer == "" || dir == "" {
			return core.Invalid("succession.pack.open_flags", errors.New("no pointer or folder"))
		}
		identity, err := s.readPointer(cmd.Context(), pointer)
		if err != nil {
			return err
		}
		_, sealed, err := s.Packs.Held(cmd.Context(), owner, typed[1])
		if err != nil {
			return err
		}
		f, err := os.Open(sealed)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // only read
		c, err := pack.Open(f, identity)
		if err != nil {
			return err
		}
		if err := c.Files.WriteTo(dir); err != nil {
			return err
		}
		return out.Emit(created{dir, slices.Sorted(maps.Keys(c.Files))}, func() {
			out.Say("succession.pack.opened", args{"Dir": dir, "Count": len(c.People)})
		})
	})
	c.Flags().StringVar(&pointer, "pointer", "", p.T("succession.pack.flag_pointer", nil))
	c.Flags().StringVar(&dir, "out", "", p.T("succession.pack.flag_dir", nil))
	return c
}

// readPointer is the identity in a pointer.
// spec: docs/spec/succession.md#pointer
func (s *Reports) readPointer(ctx context.Context, file string) (*age.X25519Identity, error) {
	text, err := s.Pointer(ctx, file)
	if err != nil {
		return nil, err
	}
	var pointer struct {
		Identity string `json:"identity"`
	}
	if len(text) > 16<<10 || wire.Peek(text, &pointer) != nil {
		return nil, core.Invalid("succession.pack.no_pointer", errors.New("no pointer")).With("File", file)
	}
	identity, err := age.ParseX25519Identity(pointer.Identity)
	if err != nil { // what age says may repeat the key
		return nil, core.Invalid("succession.pack.no_pointer", errors.New("no identity")).With("File", file)
	}
	return identity, nil
}

func keyCommand(p *words.Printer, open console.Opener[*Reports]) *cobra.Command {
	var file string
	c := console.Command(open, "key", p.T("succession.pack.cmd_key", nil), func(cmd *cobra.Command, s *Reports, out *console.Out, _ []string) error {
		if file == "" {
			return core.Invalid("succession.pack.key_file", errors.New("no file"))
		}
		text, err := s.Fill.Pointer(cmd.Context())
		if err != nil {
			return err
		}
		if err := disk.Create(file, text); err != nil {
			return core.Invalid("succession.pack.key_file", err)
		}
		return out.Emit(created{file, []string{}}, func() { out.Say("succession.pack.key_done", args{"File": file}) })
	})
	c.Flags().StringVar(&file, "out", "", p.T("succession.pack.flag_out", nil))
	return c
}

func show(out *console.Out, v pack.View) {
	p := out.P
	if v.Number == 0 {
		out.Say("succession.pack.head_none", args{"Service": v.Service, "Owner": string(v.Owner)})
	} else {
		out.Say("succession.pack.head", args{"Service": v.Service, "Owner": string(v.Owner), "Number": v.Number, "Day": p.Date(v.Made), "Program": strings.TrimSpace(v.Program + " " + v.Version)})
	}
	rows := make([][]string, 0, len(v.Items))
	for _, l := range v.Items {
		rows = append(rows, []string{itemText(p, l.Name), stateText(p, l), proofText(p, l)})
	}
	out.Table([]string{"succession.pack.col_item", "succession.pack.col_state", "succession.pack.col_proof"}, rows)
	gaps(out, v)
	says, why := weekendText(p, v)
	out.Line(strings.TrimSpace(says + " " + why))
	if v.Unsealed {
		out.Say("succession.pack.unsealed", args{"Service": v.Service})
	}
	if v.Sealed != "" {
		out.Say("succession.pack.kept", args{"File": v.Sealed, "Day": p.Date(v.Kept)})
	}
	if len(v.Successors) == 0 {
		out.Say("succession.promise.unknown", args{"Service": v.Service})
	}
	for _, s := range v.Successors {
		if v.Sealed != "" {
			out.Line(p.Pair(string(s.Member), kindText(p, s.Kind, s.Until)))
		} else {
			out.Line(successorText(p, v, s))
		}
	}
}

// gaps prints what lacks, with the line to write.
func gaps(out *console.Out, v pack.View) {
	said := false
	for _, l := range v.Items {
		for _, g := range l.Gaps {
			if !said {
				out.Say("succession.pack.gaps", args{"Dir": v.Dir})
			}
			said = true
			out.Line("    " + gapText(out.P, v, g))
		}
	}
}

// some is a list that JSON writes as one, be it empty.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
