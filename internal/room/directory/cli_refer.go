package directory

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/room/directory/catalogue"
)

// everyKind is how commands name the choice that is for every kind.
const everyKind = "any"

func (c cli) refer() *cobra.Command {
	none := false
	cmd := c.command("refer [KIND|any [HOSTER...]]", "refer", cobra.ArbitraryArgs, func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		kinds := slices.Concat([]catalogue.Kind{catalogue.KindUnknown}, catalogue.Kinds())
		if len(typed) > 0 {
			kind := catalogue.Kind(typed[0])
			if kind == everyKind {
				kind = catalogue.KindUnknown
			}
			if !slices.Contains(kinds, kind) {
				return core.Invalid("directory.bad_kind", fmt.Errorf("%.40q", kind)).With("Kind", typed[0]).With("Kinds", everyKind+", "+kindList())
			}
			if len(typed) > 1 || none {
				if err := r.Referral.Refer(cmd.Context(), kind, typed[1:]); err != nil {
					return err
				}
			}
			kinds = []catalogue.Kind{kind}
		}
		return showChosen(cmd, r, out, kinds)
	})
	cmd.Long = c.p.T("directory.cmd.refer_long", nil)
	cmd.Flags().BoolVar(&none, "none", false, c.p.T("directory.flag.none", nil))
	return cmd
}

// chosenKind is one line of `directory refer --json`.
type chosenKind struct {
	Kind    string   `json:"kind"` // "any" = behind those of each kind
	Hosters []string `json:"hosters"`
}

func showChosen(cmd *cobra.Command, r *Room, out *console.Out, kinds []catalogue.Kind) error {
	all, err := r.Referral.Chosen(cmd.Context())
	if err != nil {
		return err
	}
	list, rows := []chosenKind{}, [][]string{}
	for _, k := range kinds {
		if len(all[k]) == 0 {
			continue
		}
		name := string(k)
		if k == catalogue.KindUnknown {
			name = everyKind
		}
		list = append(list, chosenKind{name, all[k]})
		rows = append(rows, []string{name, strings.Join(all[k], ", ")})
	}
	return out.Emit(list, func() {
		if len(rows) == 0 {
			out.Say("directory.refer.nobody", nil)
			return
		}
		out.Table([]string{"directory.col.kind", "directory.col.hosters"}, rows)
	})
}
