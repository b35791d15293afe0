package deal

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/box"
)

type args = map[string]any

// Commands are `custody deal ...` and `custody box ...`.
func Commands(p *words.Printer, open console.Opener[*Deals], kept console.Opener[*Keeper]) []*cobra.Command {
	deals := console.Group("deal", p.T("custody.deal.cmd", nil),
		makeCommand(p, open),
		console.Command(open, "list", p.T("custody.deal.cmd_list", nil), list),
		console.Command(open, "show DEAL", p.T("custody.deal.cmd_show", nil), show),
		console.Command(open, "bring DEAL", p.T("custody.deal.cmd_bring", nil), bring),
		console.Command(open, "stand DEAL", p.T("custody.deal.cmd_stand", nil), standNow),
		console.Command(open, "cancel DEAL", p.T("custody.deal.cmd_cancel", nil), giveUp),
		printCommand(p, open),
		console.Command(open, "have DEAL NUMBER", p.T("custody.deal.cmd_have", nil), have),
		console.Command(kept, "held", p.T("custody.deal.cmd_held", nil), heldList),
	)
	return []*cobra.Command{deals, console.Group("box", p.T("custody.deal.cmd_box", nil),
		sealCommand(p, open), console.Command(open, "list", p.T("custody.deal.cmd_box_list", nil), boxes))}
}

// makeCommand is `custody deal make SCOPE ...`.
func makeCommand(p *words.Printer, open console.Opener[*Deals]) *cobra.Command {
	var w Wish
	var file string
	var wait time.Duration
	c := console.Command(open, "make SCOPE", p.T("custody.deal.cmd_make", nil), func(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
		scope, err := box.ParseScope(typed[0])
		if err != nil {
			return err
		}
		if w.Scope = scope; cmd.Flags().Changed("wait") {
			w.Wait = &wait
		}
		if w.Content, err = d.content(cmd.Context(), out, scope, file); err != nil {
			return err
		}
		id, err := d.Make(cmd.Context(), w)
		if err != nil {
			return err
		}
		return emit(cmd, d, out, string(id))
	})
	c.Flags().IntVar(&w.K, "needed", 3, p.T("custody.deal.flag_needed", nil))
	c.Flags().StringSliceVar(&w.To, "to", nil, p.T("custody.deal.flag_to", nil))
	c.Flags().StringSliceVar(&w.Paper, "paper", nil, p.T("custody.deal.flag_paper", nil))
	c.Flags().StringVar(&file, "file", "", p.T("custody.deal.flag_file", nil))
	c.Flags().StringArrayVar(&w.Holds, "holds", nil, p.T("custody.deal.flag_holds", nil))
	c.Flags().DurationVar(&wait, "wait", 0, p.T("custody.deal.flag_wait", nil))
	c.Flags().BoolVar(&w.Alone, "alone", false, p.T("custody.deal.flag_alone", nil))
	c.Flags().SortFlags = false
	return c
}

func sealCommand(p *words.Printer, open console.Opener[*Deals]) *cobra.Command {
	var file string
	var holds []string
	c := console.Command(open, "seal SCOPE", p.T("custody.deal.cmd_box_seal", nil), func(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
		scope, err := box.ParseScope(typed[0])
		if err != nil {
			return err
		}
		text, err := d.content(cmd.Context(), out, scope, file)
		if err != nil {
			return err
		}
		version, err := d.Replace(cmd.Context(), scope, text, holds)
		if err != nil {
			return err
		}
		return out.Emit(args{"scope": scope, "version": version}, func() { out.Say("custody.deal.replaced", args{"Scope": string(scope), "Version": version}) })
	})
	c.Flags().StringVar(&file, "file", "", p.T("custody.deal.flag_file", nil))
	c.Flags().StringArrayVar(&holds, "holds", nil, p.T("custody.deal.flag_holds", nil))
	return c
}

// content is what goes into a box: a file, or standard input; for root the words as a person
// types them, for a backup of ours its pointer unless a file is named.
func (d *Deals) content(ctx context.Context, out *console.Out, scope box.Scope, file string) ([]byte, error) {
	if pointers, ok := d.n.Pointers(); ok && file == "" && scope.Repository() != "" {
		text, err := pointers.Pointer(ctx, scope.Repository())
		if err == nil {
			out.Note("custody.deal.pointer", args{"Name": scope.Repository()})
		}
		if core.CodeOf(err) != core.CodeNotFound { // the accounts are in no backup
			return text, err
		}
	}
	if scope == box.Root {
		if file == "-" {
			file = ""
		}
		text, err := out.ReadWords(file)
		return []byte(text), err
	}
	from := out.In
	if file != "" && file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, core.NotFound("custody.deal.no_file", err).With("Path", file)
		}
		defer f.Close() //nolint:errcheck // only read
		from = f
	} else {
		out.Note("custody.deal.type_content", nil)
	}
	text, err := io.ReadAll(io.LimitReader(from, box.MaxContent+1))
	if err != nil {
		return nil, fmt.Errorf("read what the box holds: %w", err)
	}
	return text, nil
}

func emit(cmd *cobra.Command, d *Deals, out *console.Out, typed string) error {
	own, err := d.FindOwn(cmd.Context(), typed)
	if err != nil {
		return err
	}
	v, err := d.View(cmd.Context(), own.ID)
	if err != nil {
		return err
	}
	return out.Emit(v, func() { say(out, v) })
}

func say(out *console.Out, v View) {
	out.Say("custody.deal.head_"+string(v.State), args{"Scope": string(v.Scope), "ID": string(v.ID), "K": v.K, "N": v.N, "Acked": v.Acked})
	out.Say("custody.deal.wait", args{"Wait": time.Duration(v.WaitHours) * time.Hour, "Until": v.Until})
	rows := make([][]string, 0, len(v.Holders))
	for _, h := range v.Holders {
		state := out.P.T("custody.deal.holder_waits", nil)
		if h.Acked != 0 {
			state = out.P.T("custody.deal.holder_has", args{"Day": out.P.Day(h.Acked)})
		} else if h.Trouble != "" {
			state = out.P.T(h.Trouble, nil)
		}
		rows = append(rows, []string{strconv.FormatInt(h.Number, 10), h.Name(), out.P.T("custody.deal.way_"+h.Way, nil), state})
	}
	out.Table([]string{"custody.deal.col_number", "custody.deal.col_holder", "custody.deal.col_way", "custody.deal.col_state"}, rows)
	for _, h := range v.Holders {
		if h.Acked == 0 && h.Way != byNode && v.State != Cancelled {
			out.Say("custody.deal.next_"+h.Way, args{"ID": string(v.ID[:8]), "Number": h.Number, "Holder": h.Name()})
		}
	}
	if v.MayForce() {
		out.Say("custody.deal.may_force", args{"ID": string(v.ID[:8])})
	}
}

func show(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
	return emit(cmd, d, out, typed[0])
}

func list(cmd *cobra.Command, d *Deals, out *console.Out, _ []string) error {
	views, err := d.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(views, func() {
		if len(views) == 0 {
			out.Say("custody.deal.none", nil)
			return
		}
		rows := make([][]string, 0, len(views))
		for _, v := range views {
			rows = append(rows, []string{string(v.ID[:8]), string(v.Scope), out.P.T("custody.deal.state_"+string(v.State), nil), fmt.Sprintf("%d/%d", v.K, v.N), fmt.Sprintf("%d/%d", v.Acked, v.N), out.P.Day(v.Made)})
		}
		out.Table([]string{"custody.deal.col_deal", "custody.deal.col_scope", "custody.deal.col_state", "custody.deal.col_needed", "custody.deal.col_acked", "custody.deal.col_made"}, rows)
	})
}

func bring(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
	own, err := d.FindOwn(cmd.Context(), typed[0])
	if err == nil {
		err = d.Bring(cmd.Context(), own.ID)
	}
	if err != nil {
		return err
	}
	return emit(cmd, d, out, string(own.ID))
}

func standNow(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
	own, err := d.FindOwn(cmd.Context(), typed[0])
	if err == nil {
		err = d.Stand(cmd.Context(), own.ID)
	}
	if err != nil {
		return err
	}
	return emit(cmd, d, out, string(own.ID))
}

func giveUp(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
	own, err := d.FindOwn(cmd.Context(), typed[0])
	if err == nil {
		err = d.Cancel(cmd.Context(), own.ID)
	}
	if err != nil {
		return err
	}
	return emit(cmd, d, out, string(own.ID))
}
