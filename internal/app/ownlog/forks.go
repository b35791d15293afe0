package ownlog

import (
	"github.com/spf13/cobra"

	"entrechat/internal/core"
)

func (l commands) forksCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forks", Short: l.out.P.T("app.cmd.log_forks", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, _, err := l.open(cmd, nil)
			if err != nil {
				return err
			}
			kept, err := book.Forks(cmd.Context())
			if err != nil {
				return err
			}
			type view struct {
				Member   core.MemberID `json:"member"`
				Epoch    int64         `json:"epoch"`
				A        string        `json:"a"`
				B        string        `json:"b"`
				Found    core.Moment   `json:"found_us"`
				Pardoned core.Moment   `json:"pardoned_us,omitzero"`
			}
			views := make([]view, 0, len(kept))
			var rows [][]string
			for _, k := range kept {
				views = append(views, view{k.Member, k.Proof.Epoch, k.Proof.A, k.Proof.B, k.Found, k.Pardoned})
				state := l.out.P.T("app.fork_open", nil)
				if k.Pardoned != 0 {
					state = l.out.P.T("app.fork_pardoned", map[string]any{"When": l.out.P.Date(k.Pardoned)})
				}
				rows = append(rows, []string{string(k.Member), l.out.P.Date(k.Found), state})
			}
			return l.out.Emit(views, func() {
				if len(rows) == 0 {
					l.out.Say("app.no_forks", nil)
					return
				}
				l.out.Table([]string{"app.fork_head_member", "app.fork_head_found", "app.fork_head_state"}, rows)
			})
		},
	}
}

func (l commands) pardonCommand() *cobra.Command {
	p := l.out.P
	return &cobra.Command{
		Use: "pardon MEMBER", Short: p.T("app.cmd.log_pardon", nil), Long: p.T("app.cmd.log_pardon_long", nil), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, typed []string) error {
			book, id, err := l.open(cmd, typed)
			if err != nil {
				return err
			}
			if err := book.Pardon(cmd.Context(), id); err != nil {
				return err
			}
			return l.out.Emit(map[string]any{"member": id, "pardoned": true}, func() {
				l.out.Say("app.log_pardoned", map[string]any{"Member": id})
			})
		},
	}
}
