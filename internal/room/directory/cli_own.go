package directory

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/statool"
)

// ownFile is one line of `directory list --json`.
type ownFile struct {
	Name  string        `json:"name"`
	Class statool.Class `json:"class"`
	Valid bool          `json:"valid"`
	URL   string        `json:"url"`
}

func ownOf(f own.File) ownFile { return ownFile{f.Name, f.Report.Class, f.Report.OK(), f.URL} }

func (c cli) list() *cobra.Command {
	return c.command("list", "list", cobra.NoArgs, func(cmd *cobra.Command, r *Room, out *console.Out, _ []string) error {
		files, err := r.Own.List(cmd.Context())
		if err != nil {
			return err
		}
		all := make([]ownFile, 0, len(files))
		rows := make([][]string, 0, len(files))
		for _, f := range files {
			all = append(all, ownOf(f))
			state := "directory.state.valid"
			if !f.Report.OK() {
				state = "directory.state.invalid"
			}
			rows = append(rows, []string{f.Name, string(f.Report.Class), out.P.T(state, nil), f.URL})
		}
		return out.Emit(all, func() {
			if len(rows) == 0 {
				out.Say("directory.none_yet", nil)
				return
			}
			out.Table([]string{"directory.col.name", "directory.col.class", "directory.col.state", "directory.col.url"}, rows)
		})
	})
}

func (c cli) show() *cobra.Command {
	return c.command("show NAME", "show", cobra.ExactArgs(1), func(_ *cobra.Command, r *Room, out *console.Out, typed []string) error {
		text, err := r.Own.Text(typed[0])
		if err != nil {
			return err
		}
		return out.Emit(map[string]string{"name": typed[0], "url": r.Own.Address(typed[0]), "text": string(text)}, func() {
			out.Line(strings.TrimRight(string(text), "\n"))
		})
	})
}

func (c cli) publish() *cobra.Command {
	return c.command("publish FILE...", "publish", cobra.MinimumNArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		all := []ownFile{}
		for _, path := range typed {
			text, err := readFile(path)
			if err != nil {
				return err
			}
			f, err := r.Own.Publish(cmd.Context(), statool.FileName(strings.TrimSuffix(filepath.Base(path), own.Suffix)), text)
			if err != nil {
				return &core.Error{Code: core.CodeOf(err), Key: "directory.refused", Args: args{"File": path, "Why": out.P.Error(err)}, Err: err}
			}
			all = append(all, ownOf(f))
		}
		return out.Emit(all, func() {
			for _, f := range all {
				out.Say("directory.published", args{"Name": f.Name, "URL": f.URL})
			}
		})
	})
}

func (c cli) set() *cobra.Command {
	return c.command("set NAME KEY=VALUE...", "set", cobra.MinimumNArgs(2), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		fields := map[string]string{}
		for _, pair := range typed[1:] {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				return core.Invalid("directory.no_pair", fmt.Errorf("%.60q", pair)).With("Pair", pair)
			}
			fields[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
		f, err := r.Own.Change(cmd.Context(), typed[0], fields)
		if err != nil {
			return err
		}
		return out.Emit(ownOf(f), func() { out.Say("directory.published", args{"Name": f.Name, "URL": f.URL}) })
	})
}

func (c cli) withdraw() *cobra.Command {
	return c.command("withdraw NAME", "withdraw", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if err := r.Own.Withdraw(cmd.Context(), typed[0]); err != nil {
			return err
		}
		return out.Emit(map[string]string{"name": typed[0]}, func() { out.Say("directory.withdrawn", args{"Name": typed[0]}) })
	})
}
