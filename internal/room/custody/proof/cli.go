package proof

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/wire"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/deal"
)

type args = map[string]any

// Command is `custody proof ...`; now is the clock of the machine it runs on.
func Command(p *words.Printer, open console.Opener[*Proofs], now func() time.Time) *cobra.Command {
	plain := func(cmd *cobra.Command) (core.Moment, *console.Out, error) { // needs no node
		json, err := cmd.Flags().GetBool("json")
		return core.At(now()), &console.Out{W: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: p, JSON: json}, err
	}
	return console.Group("proof", p.T("custody.proof.cmd", nil),
		console.Command(open, "list", p.T("custody.proof.cmd_list", nil), list),
		console.Command(open, "send", p.T("custody.proof.cmd_send", nil), sendNow),
		console.Command(open, "challenge DEAL NUMBER", p.T("custody.proof.cmd_challenge", nil), challenge),
		console.Command(plain, "answer FILE", p.T("custody.proof.cmd_answer", nil), answer),
		console.Command(open, "take", p.T("custody.proof.cmd_take", nil), take),
	)
}

// sentenceOf is the one above the shares of a deal. One that its holders have not all
// acknowledged is on its way: nothing of it is lost, and dealing again does not help.
func sentenceOf(v View) string {
	switch {
	case v.State == deal.Pending:
		return "custody.proof.on_its_way"
	case !v.Enough():
		return "custody.proof.too_few"
	}
	return "custody.proof.enough"
}

func list(cmd *cobra.Command, p *Proofs, out *console.Out, _ []string) error {
	views, err := p.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(views, func() {
		if len(views) == 0 {
			out.Say("custody.deal.none", nil)
		}
		for _, v := range views {
			out.Say(sentenceOf(v), args{"Scope": string(v.Scope), "Good": v.Good, "K": v.K, "N": v.N})
			rows := make([][]string, 0, len(v.Shares))
			for _, s := range v.Shares {
				last := "—"
				if s.Last != 0 {
					last = out.P.Day(s.Last)
				}
				rows = append(rows, []string{strconv.FormatInt(s.Number, 10), s.Name(), out.P.T("custody.proof.standing_"+string(s.Standing), nil), last})
			}
			out.Table([]string{"custody.deal.col_number", "custody.deal.col_holder", "custody.deal.col_state", "custody.proof.col_last"}, rows)
		}
	})
}

func sendNow(cmd *cobra.Command, p *Proofs, out *console.Out, _ []string) error {
	if err := p.Send(cmd.Context()); err != nil {
		return err
	}
	return out.Emit(struct{}{}, func() { out.Say("custody.proof.sent", nil) })
}

func challenge(cmd *cobra.Command, p *Proofs, out *console.Out, typed []string) error {
	own, err := p.Deals.FindOwn(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	number, err := strconv.ParseInt(typed[1], 10, 64)
	if err != nil {
		return core.NotFound("custody.deal.no_share", err)
	}
	c, err := p.Challenge(cmd.Context(), own.ID, number)
	if err != nil {
		return err
	}
	text, err := wire.Encode(c)
	if err != nil {
		return err
	}
	return out.Emit(c, func() {
		out.Line(string(text))
		out.Note("custody.proof.challenge_next", nil)
	})
}

// answer runs on the person's own machine.
func answer(_ *cobra.Command, now core.Moment, out *console.Out, typed []string) error {
	text, err := os.ReadFile(typed[0])
	if err != nil {
		return core.NotFound("custody.deal.no_file", err).With("Path", typed[0])
	}
	out.Note("custody.proof.type_share", nil)
	typedShare, err := io.ReadAll(io.LimitReader(out.In, 1<<10))
	if err != nil {
		return fmt.Errorf("read a share: %w", err)
	}
	one, err := Answer(text, string(typedShare), now)
	if err != nil {
		return err
	}
	line, err := wire.Encode(one)
	if err != nil {
		return err
	}
	return out.Emit(one, func() {
		out.Line(string(line))
		out.Note("custody.proof.answer_next", nil)
	})
}

func take(cmd *cobra.Command, p *Proofs, out *console.Out, _ []string) error {
	text, err := io.ReadAll(io.LimitReader(out.In, maxDocument+1))
	if err != nil {
		return fmt.Errorf("read a proof: %w", err)
	}
	one, err := p.TakeOf(cmd.Context(), text)
	if err != nil {
		return err
	}
	return out.Emit(one, func() { out.Say("custody.proof.taken", args{"Number": one.Number, "Period": one.Period}) })
}
