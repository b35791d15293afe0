package rescue

import (
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
	"entrechat/internal/room/custody/collect"
	"entrechat/internal/room/custody/share"
)

type args = map[string]any

// typed are the flags.
type typed struct {
	origin, reason, file, out, boxOf string
	papers                           []string
	private                          bool
	w                                Wish
}

// Command is `custody recover`: it needs no node. needs makes what it is made of; private
// allows plain http and addresses of this machine, for tests.
func Command(p *words.Printer, needs func(private bool, log *slog.Logger) Needs) *cobra.Command {
	var t typed
	c := &cobra.Command{
		Use: "recover", Short: p.T("custody.rescue.cmd", nil), Long: p.T("custody.rescue.cmd_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			json, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			out := &console.Out{W: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: p, JSON: json}
			return t.run(cmd, New(needs(t.private, slog.New(slog.DiscardHandler)), t.file), out)
		},
	}
	f := c.Flags()
	f.StringVar(&t.origin, "origin", "", p.T("custody.rescue.flag_origin", nil))
	f.StringArrayVar(&t.w.From, "from", nil, p.T("custody.rescue.flag_from", nil))
	f.StringVar(&t.w.Scope, "scope", "root", p.T("custody.rescue.flag_scope", nil))
	f.StringVar(&t.reason, "reason", string(ask.LostOwn), p.T("custody.rescue.flag_reason", nil))
	f.StringVar(&t.w.Purpose, "purpose", "", p.T("custody.rescue.flag_purpose", nil))
	f.StringVar(&t.file, "file", "custody-recovery.json", p.T("custody.rescue.flag_file", nil))
	f.StringVar(&t.out, "out", "custody-box.txt", p.T("custody.rescue.flag_out", nil))
	f.StringArrayVar(&t.papers, "share", nil, p.T("custody.rescue.flag_share", nil))
	f.StringVar(&t.boxOf, "box-of", "", p.T("custody.rescue.flag_box", nil))
	f.BoolVar(&t.private, "allow-private", false, p.T("custody.rescue.flag_private", nil))
	_ = c.MarkFlagRequired("origin")
	return c
}

func (t *typed) run(cmd *cobra.Command, r *Rescue, out *console.Out) (err error) {
	if t.w.Origin, err = core.ParseMemberID(t.origin); err != nil {
		return err
	}
	if t.boxOf != "" {
		if t.w.BoxOf, err = core.ParseMemberID(t.boxOf); err != nil {
			return err
		}
	}
	t.w.Reason = ask.Reason(t.reason)
	for _, name := range t.papers {
		s, err := readShare(name)
		if err != nil {
			return err
		}
		t.w.Paper = append(t.w.Paper, s)
	}
	var content string
	c, err := r.Run(cmd.Context(), t.w, func(text []byte) error {
		content = string(text)
		return seal.ReplaceSecret(t.out, text)
	})
	if err != nil {
		return err
	}
	return out.Emit(c, func() { t.say(out, c, content) })
}

func readShare(name string) (share.Share, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return share.Share{}, core.NotFound("custody.rescue.no_file", err).With("File", name)
	}
	return share.Parse(string(text[:min(len(text), 4<<10)]))
}

func (t *typed) say(out *console.Out, c collect.Collected, content string) {
	rows := make([][]string, 0, len(c.From))
	for _, f := range c.From {
		var state string
		switch {
		case f.Silent:
			state = out.P.T("custody.rescue.silent_one", nil)
		case f.Bad != "":
			state = out.P.T(f.Bad, nil)
		default:
			state = out.P.T("custody.rescue.state_"+string(f.State), nil)
			if f.Left > 0 {
				state += " (" + out.P.Span(time.Duration(f.Left)*time.Microsecond) + ")"
			}
		}
		rows = append(rows, []string{string(f.Member), state})
	}
	out.Table([]string{"custody.rescue.col_member", "custody.rescue.col_state"}, rows)
	if !c.Opened {
		out.Say("custody.rescue.have", args{"Have": c.Have, "Needed": c.Needed, "Words": c.Words, "File": t.file})
		return
	}
	out.Say("custody.rescue.opened", args{"Out": t.out, "File": t.file})
	if _, err := seal.ParseSeed(content); err == nil && t.w.Scope == "root" {
		from := "URL"
		if len(t.w.From) > 0 {
			from = strings.Join(t.w.From, " --from ")
		}
		out.Say("custody.rescue.next", args{"Origin": string(t.w.Origin), "Out": t.out, "From": from})
	}
}
