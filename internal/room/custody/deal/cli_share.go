package deal

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/room/custody/box"
)

// printed is what `custody deal print` answers.
type printed struct {
	Deal   string `json:"deal"`
	Number int64  `json:"number"`
	Share  string `json:"share,omitempty"`  // ecshare1...
	Sealed string `json:"sealed,omitempty"` // an armoured age file to the person
}

// shareOf finds a share of a deal that is still to be handed over.
func shareOf(cmd *cobra.Command, d *Deals, typed []string) (Own, int64, error) {
	own, err := d.FindOwn(cmd.Context(), typed[0])
	if err != nil {
		return own, 0, err
	}
	number, err := strconv.ParseInt(typed[1], 10, 64)
	if err != nil {
		err = core.NotFound("custody.deal.no_share", err)
	}
	return own, number, err
}

func printShare(out *console.Out, f Fetched) error {
	id, text := string(f.Deal.ID), f.Share.Text()
	next := args{"ID": id[:8], "Number": f.Number}
	if len(f.Sealed) > 0 {
		text, err := armoured(f.Sealed)
		if err != nil {
			return err
		}
		return out.Emit(printed{Deal: id, Number: f.Number, Sealed: text}, func() {
			out.Line(text)
			out.Note("custody.deal.sealed_next", next)
		})
	}
	return out.Emit(printed{Deal: id, Number: f.Number, Share: text}, func() {
		out.Say("custody.deal.paper", args{"Owner": string(f.Deal.Owner), "Scope": string(f.Deal.Scope), "Number": f.Number, "K": f.Deal.K, "N": f.Deal.N})
		out.Line(text)
		out.Note("custody.deal.paper_once", nil)
		out.Note("custody.deal.paper_next", next)
	})
}

// armoured is an age file as text.
func armoured(sealed []byte) (string, error) {
	var b bytes.Buffer
	w := armor.NewWriter(&b)
	_, err := w.Write(sealed)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", fmt.Errorf("write an age file as text: %w", err)
	}
	return b.String(), nil
}

func have(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
	own, number, err := shareOf(cmd, d, typed)
	if err != nil {
		return err
	}
	out.Note("custody.deal.type_six", nil)
	lines := bufio.NewScanner(out.In)
	lines.Scan()
	if err := errors.Join(lines.Err(), d.Acknowledge(cmd.Context(), own.ID, number, lines.Text())); err != nil {
		return err
	}
	return emit(cmd, d, out, string(own.ID))
}

// HeldView is a deal of another member as commands and pages show it.
type HeldView struct {
	ID       string        `json:"id"`
	Owner    core.MemberID `json:"owner"`
	Scope    box.Scope     `json:"scope"`
	State    State         `json:"state"`
	Number   int64         `json:"number"`
	K        int64         `json:"k"`
	N        int64         `json:"n"`
	Received core.Moment   `json:"received_us"`
	Until    core.Moment   `json:"until_us"`
	Good     bool          `json:"good"` // the share opens, and holds
}

// Views shows what we keep for others.
func (k *Keeper) Views(ctx context.Context) ([]HeldView, error) {
	list, err := k.Held(ctx)
	out := make([]HeldView, 0, len(list))
	for _, h := range list {
		_, bad := k.open(h)
		out = append(out, HeldView{string(h.ID), h.Owner, h.Scope, h.State, h.Number, h.K, h.N, h.Received, h.Until, bad == nil})
	}
	return out, err
}

func heldList(cmd *cobra.Command, k *Keeper, out *console.Out, _ []string) error {
	views, err := k.Views(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(views, func() {
		if len(views) == 0 {
			out.Say("custody.deal.held_none", nil)
			return
		}
		rows := make([][]string, 0, len(views))
		for _, v := range views {
			good := "custody.deal.share_good"
			if !v.Good {
				good = "custody.deal.share_bad"
			}
			rows = append(rows, []string{v.ID[:8], string(v.Owner), string(v.Scope), out.P.T("custody.deal.state_"+string(v.State), nil), out.P.T(good, nil), out.P.Day(v.Received)})
		}
		out.Table([]string{"custody.deal.col_deal", "custody.deal.col_owner", "custody.deal.col_scope", "custody.deal.col_state", "custody.deal.col_share", "custody.deal.col_since"}, rows)
	})
}

func boxes(cmd *cobra.Command, d *Deals, out *console.Out, _ []string) error {
	views, err := d.Views(cmd.Context())
	if err != nil {
		return err
	}
	type boxView struct {
		Scope   box.Scope   `json:"scope"`
		Version int64       `json:"version"`
		Sealed  core.Moment `json:"sealed_us"`
		State   State       `json:"state"`   // of its deal
		Holders int64       `json:"holders"` // members that keep this version
	}
	list := []boxView{}
	rows := [][]string{}
	for _, v := range views {
		if v.State != Standing && v.State != Pending {
			continue
		}
		b := boxView{Scope: v.Scope, Version: v.Box, Sealed: v.Sealed, State: v.State}
		for _, h := range v.Holders {
			if h.Box == v.Box {
				b.Holders++
			}
		}
		list = append(list, b)
		rows = append(rows, []string{string(b.Scope), strconv.FormatInt(b.Version, 10), out.P.Date(b.Sealed), out.P.T("custody.deal.state_"+string(b.State), nil), strconv.FormatInt(b.Holders, 10)})
	}
	return out.Emit(list, func() {
		if len(list) == 0 {
			out.Say("custody.deal.none", nil)
			return
		}
		out.Table([]string{"custody.deal.col_scope", "custody.deal.col_version", "custody.deal.col_sealed", "custody.deal.col_state", "custody.deal.col_copies"}, rows)
	})
}
