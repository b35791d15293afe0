package ownlog

import (
	"fmt"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
)

// statusCommand shows how the exchange of logbooks goes with each member.
func (l commands) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: l.out.P.T("app.cmd.log_status", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, self, err := l.open(cmd, nil)
			if err != nil {
				return err
			}
			own, err := book.Member(cmd.Context(), self)
			if err != nil {
				return err
			}
			all, err := book.Contacts(cmd.Context())
			if err != nil {
				return err
			}
			return l.showContacts(own, all)
		},
	}
}

func (l commands) showContacts(own logbook.Member, all []logbook.Contact) error {
	type view struct {
		Member  core.MemberID `json:"member"`
		Holds   int64         `json:"holds"`
		Trouble string        `json:"trouble,omitempty"`
		Since   core.Moment   `json:"since_us,omitzero"`
		Tries   int64         `json:"tries,omitzero"`
		Next    core.Moment   `json:"next_us,omitzero"`
	}
	views := make([]view, 0, len(all))
	rows := make([][]string, 0, len(all))
	for _, c := range all {
		v := view{Member: c.Member, Holds: c.Holds}
		says := l.out.P.T("app.neighbour_well", nil)
		if c.Trouble != nil {
			v.Trouble, v.Since, v.Tries, v.Next = l.out.P.Error(c.Trouble), c.Since, c.Tries, c.Next
			says = l.out.P.T("app.neighbour_late", map[string]any{"Member": c.Member, "Since": l.out.P.Date(c.Since), "Trouble": v.Trouble})
		}
		views = append(views, v)
		rows = append(rows, []string{string(c.Member), fmt.Sprintf("%d/%d", c.Holds, own.Size), says})
	}
	return l.out.Emit(views, func() {
		l.out.Table([]string{"app.log_head_member", "app.log_head_holds", "app.log_head_exchange"}, rows)
	})
}
