package breakglass

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/ask"
)

// objection is how somebody objects: by this node's key, with the words, or with what a
// person signed.
type objection struct {
	words     bool
	seed      string // file of the words
	card      string
	signature string // file
}

func vetoCommand(p *words.Printer, open console.Opener[*Asks]) *cobra.Command {
	var o objection
	var text bool
	c := console.Command(open, "veto ID", p.T("custody.breakglass.cmd_veto", nil), func(cmd *cobra.Command, a *Asks, out *console.Out, typed []string) error {
		id, err := a.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if text {
			_, err = fmt.Fprint(out.W, string(ask.CardText(id)))
			return err
		}
		if err := o.object(cmd.Context(), a, out, id); err != nil {
			return err
		}
		// Told at once where there is a line; the running node goes on.
		if err := a.Run(cmd.Context()); err != nil {
			return err
		}
		return showAsk(cmd, a, out, []string{id})
	})
	c.Flags().BoolVar(&o.words, "words", false, p.T("custody.breakglass.flag_words", nil))
	c.Flags().StringVar(&o.seed, "seed-file", "", p.T("custody.breakglass.flag_seed", nil))
	c.Flags().BoolVar(&text, "text", false, p.T("custody.breakglass.flag_text", nil))
	c.Flags().StringVar(&o.card, "card", "", p.T("custody.breakglass.flag_card", nil))
	c.Flags().StringVar(&o.signature, "signature", "", p.T("custody.breakglass.flag_signature", nil))
	return c
}

func (o objection) object(ctx context.Context, a *Asks, out *console.Out, id string) error {
	if o.card != "" {
		file, err := os.ReadFile(o.signature)
		if err != nil {
			return core.NotFound("custody.breakglass.no_file", err).With("File", o.signature)
		}
		return a.ObjectByCard(ctx, id, o.card, string(file[:min(len(file), maxSignature)]))
	}
	if !o.words && o.seed == "" {
		return a.Object(ctx, id, nil)
	}
	text, err := out.ReadWords(o.seed)
	if err != nil {
		return err
	}
	seed, err := seal.ParseSeed(text)
	if err != nil {
		return err
	}
	return a.Object(ctx, id, seal.NewSigner(a.self(), seed.RootKey()))
}
