// Package ownlog has the commands that show our logbook and the mirrors of others'.
package ownlog

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/logbook"
)

// Opener opens the node for a command, and answers the book and the member that was
// typed, or ourselves.
type Opener func(cmd *cobra.Command, typed []string) (*logbook.Book, core.MemberID, error)

// commands are those of `entrechat log`.
type commands struct {
	out  *console.Out
	open Opener
}

// Command is `entrechat log`, with more subcommands of others.
func Command(out *console.Out, open Opener, more ...*cobra.Command) *cobra.Command {
	l := commands{out, open}
	p := out.P
	c := &cobra.Command{Use: "log", Short: p.T("app.cmd.log", nil)}
	var from int64
	show := &cobra.Command{
		Use: "show [MEMBER]", Short: p.T("app.cmd.log_show", nil), Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, words []string) error {
			book, id, err := l.open(cmd, words)
			if err != nil {
				return err
			}
			entries, err := book.Entries(cmd.Context(), id, from, 1000)
			if err != nil {
				return err
			}
			return l.showEntries(entries)
		},
	}
	show.Flags().Int64Var(&from, "from", 0, p.T("app.flag.from_entry", nil))
	verify := &cobra.Command{
		Use: "verify [MEMBER]", Short: p.T("app.cmd.log_verify", nil), Long: p.T("app.cmd.log_verify_long", nil), Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, words []string) error {
			book, id, err := l.open(cmd, words)
			if err != nil {
				return err
			}
			size, err := book.Verify(cmd.Context(), id)
			if err != nil {
				return err
			}
			view := map[string]any{"origin": id, "size": size, "ok": true}
			return l.out.Emit(view, func() { l.out.Say("app.log_verified", map[string]any{"Origin": id, "Size": size}) })
		},
	}
	alone := &cobra.Command{
		Use: "alone", Short: p.T("app.cmd.log_alone", nil), Long: p.T("app.cmd.log_alone_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			book, _, err := l.open(cmd, nil)
			if err != nil {
				return err
			}
			if err := book.Guard.ConfirmAlone(cmd.Context()); err != nil {
				return err
			}
			return l.out.Emit(map[string]bool{"ok": true}, func() { l.out.Say("app.log_alone", nil) })
		},
	}
	c.AddCommand(append(more, show, verify, l.statusCommand(), alone, l.forksCommand(), l.pardonCommand())...)
	return c
}

// showEntries prints entries as a table, or as they are in JSON.
func (l commands) showEntries(entries []logbook.Entry) error {
	type view struct {
		Index int64           `json:"index"`
		Typ   string          `json:"typ"`
		Iat   core.Moment     `json:"iat_us"`
		Hash  string          `json:"hash"`
		Body  json.RawMessage `json:"body"`
	}
	views := make([]view, 0, len(entries))
	rows := make([][]string, 0, len(entries))
	for _, e := range entries {
		views = append(views, view{e.Index, e.Typ, e.Iat, e.Hash.String(), e.Body})
		body := []rune(string(e.Body))
		if len(body) > 90 {
			body = append(body[:89], '…')
		}
		rows = append(rows, []string{fmt.Sprint(e.Index), l.out.P.Date(e.Iat), e.Typ + " " + string(body)})
	}
	return l.out.Emit(views, func() {
		l.out.Table([]string{"app.log_head_entry", "app.log_head_when", "app.log_head_what"}, rows)
	})
}
