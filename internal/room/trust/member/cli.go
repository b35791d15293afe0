package member

import (
	"bufio"
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/task"
)

// Open gives a command the members over the node's own data, and where to print.
type Open = console.Opener[*Service]

type args = map[string]any

// InviteCommand is `invite`; p says what it is for.
func InviteCommand(p *words.Printer, open Open) *cobra.Command {
	var hours int
	c := console.Command(open, "invite", p.T("trust.cmd.invite", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		valid := time.Duration(hours) * time.Hour
		in, err := s.Invite(cmd.Context(), valid)
		if err != nil {
			return err
		}
		until := s.now().Add(valid)
		view := struct {
			Link        string      `json:"link"`
			Until       core.Moment `json:"until_us"`
			Fingerprint string      `json:"fingerprint"`
		}{in.String(), until, seal.Fingerprint(in.Root)}
		return out.Emit(view, func() {
			out.Say("trust.invite.link", nil)
			out.Line("")
			out.Line(view.Link)
			out.Line("")
			out.Say("trust.invite.valid", args{"Until": out.P.Date(until)})
		})
	})
	c.Flags().IntVar(&hours, "for", 72, p.T("trust.flag.for", nil))
	return c
}

// Command is `member` with what it holds; p says what it is for.
func Command(p *words.Printer, open Open) *cobra.Command {
	return console.Group("member", p.T("trust.cmd.member", nil), addCommand(p, open), listCommand(p, open), showCommand(p, open),
		vouchCommand(p, open, "vouch", "trust.member.vouched", (*Service).Vouch),
		vouchCommand(p, open, "unvouch", "trust.member.unvouched", (*Service).Unvouch),
		refuseCommand(p, open))
}

func addCommand(p *words.Printer, open Open) *cobra.Command {
	var fingerprint string
	c := console.Command(open, "add LINK|DOMAIN", p.T("trust.cmd.member_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		var (
			address Address
			code    string
		)
		if text := strings.Join(typed, ""); IsInvite(text) {
			in, err := ParseInvite(text)
			if err != nil {
				return err
			}
			address, code = in.Address, in.Code
		} else {
			var err error
			if address, err = s.Locate(cmd.Context(), text); err != nil {
				return err
			}
			if err := compare(out, address, fingerprint); err != nil {
				return err
			}
		}
		if _, err := s.Add(cmd.Context(), address, code); err != nil {
			return err
		}
		view, err := s.View(cmd.Context(), address.Member)
		if err != nil {
			return err
		}
		return out.Emit(view, func() {
			out.Say("trust.member.added", args{"Member": view.Member, "Words": view.Fingerprint})
			if len(view.Waiting) > 0 {
				out.Say("trust.member.hello_pending", nil)
				task.Print(out, view.Waiting)
			}
		})
	})
	c.Args = cobra.MinimumNArgs(1) // a link that a mail broke in two
	c.Flags().StringVar(&fingerprint, "fingerprint", "", p.T("trust.flag.fingerprint", nil))
	return c
}

// compare has a person compare the fingerprint: by a word on the command line,
// or by a question on a terminal. Nothing is ever added unseen.
func compare(out *console.Out, a Address, given string) error {
	six := seal.Fingerprint(a.Root)
	if given != "" {
		if strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(given, "-", " "))), "-") != six {
			return core.Denied("trust.fingerprint_differs", nil)
		}
		return nil
	}
	out.Note("trust.member.compare", args{"Member": a.Member, "URL": a.URL, "Words": six})
	if f, ok := out.In.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return core.Denied("trust.compare_first", nil).With("Words", six)
	}
	out.Note("trust.member.confirm", nil)
	answer, err := bufio.NewReader(out.In).ReadString('\n')
	if err != nil || !slices.Contains([]string{"oui", "o", "yes", "y"}, strings.ToLower(strings.TrimSpace(answer))) {
		return core.Denied("trust.fingerprint_differs", err)
	}
	return nil
}

func listCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "list", p.T("trust.cmd.member_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		list, err := s.List(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(list, func() {
			if len(list) == 0 {
				out.Say("trust.member.none", nil)
				return
			}
			var rows [][]string
			for _, v := range list {
				rows = append(rows, []string{
					string(v.Member), standingWords(out.P, v), out.P.T("trust.log."+string(v.Log), nil),
					out.P.Ago(v.Heard, s.Now()), v.Fingerprint,
				})
			}
			out.Table([]string{"trust.col.member", "trust.col.standing", "trust.col.log", "trust.col.heard", "trust.col.fingerprint"}, rows)
			for _, v := range list {
				if v.Standing == Asked && !v.Refused {
					out.Line("")
					out.Say("trust.member.asks", args{"Member": v.Member, "Words": v.Fingerprint})
				}
			}
		})
	})
}

func standingWords(p *words.Printer, v View) string {
	if v.Refused {
		return p.T("trust.standing.refused", nil)
	}
	return p.T("trust.standing."+string(v.Standing), nil)
}

func showCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "show DOMAIN", p.T("trust.cmd.member_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		id, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		v, err := s.View(cmd.Context(), id)
		if err != nil {
			return err
		}
		return out.Emit(v, func() {
			out.Line(string(v.Member))
			for _, row := range [][2]string{
				{"trust.col.standing", standingWords(out.P, v)},
				{"trust.label.since", out.P.Date(v.Since)},
				{"trust.col.fingerprint", v.Fingerprint},
				{"trust.label.root", v.Root.String()},
				{"trust.label.url", v.URL},
				{"trust.col.log", out.P.T("trust.log."+string(v.Log), nil) + ", " + out.P.Ago(v.Heard, s.Now())},
				{"trust.label.vouched_by", Names(out.P, v.VouchedBy)},
				{"trust.label.we_vouch", YesNo(out.P, v.WeVouch)},
			} {
				out.Line("  " + out.P.Pair(out.P.T(row[0], nil), row[1]))
			}
			task.Print(out, v.Waiting)
		})
	})
}

func vouchCommand(p *words.Printer, open Open, use, said string, do verb) *cobra.Command {
	return console.Command(open, use+" DOMAIN", p.T("trust.cmd."+"member_"+use, nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		id, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if err := do(s, cmd.Context(), id); err != nil {
			return err
		}
		return emit(cmd, s, out, id, said)
	})
}

func refuseCommand(p *words.Printer, open Open) *cobra.Command {
	var undo bool
	c := console.Command(open, "refuse DOMAIN", p.T("trust.cmd.member_refuse", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		id, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if err := s.Refuse(cmd.Context(), id, !undo); err != nil {
			return err
		}
		said := "trust.member.refused_now"
		if undo {
			said = "trust.member.unrefused"
		}
		return emit(cmd, s, out, id, said)
	})
	c.Flags().BoolVar(&undo, "undo", false, p.T("trust.flag.undo", nil))
	return c
}

func emit(cmd *cobra.Command, s *Service, out *console.Out, id core.MemberID, said string) error {
	v, err := s.View(cmd.Context(), id)
	if err != nil {
		return err
	}
	return out.Emit(v, func() { out.Say(said, args{"Member": id}) })
}

// Names lists members on one line, or says that there is nobody.
func Names(p *words.Printer, ids []core.MemberID) string {
	if len(ids) == 0 {
		return p.T("trust.nobody", nil)
	}
	var out []string
	for _, id := range ids {
		out = append(out, string(id))
	}
	return strings.Join(out, ", ")
}

// YesNo is the word for an answer.
func YesNo(p *words.Printer, yes bool) string {
	if yes {
		return p.T("trust.yes", nil)
	}
	return p.T("trust.no", nil)
}

// verb is what a command does to one member.
type verb func(s *Service, ctx context.Context, id core.MemberID) error
