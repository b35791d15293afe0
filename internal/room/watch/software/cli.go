package software

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// Command is `watch versions`: the oldest safe versions of programs.
func Command(p *words.Printer, open console.Opener[*Watch]) *cobra.Command {
	return console.Group("versions", p.T("watch.software.cmd", nil),
		console.Command(open, "list", p.T("watch.software.cmd_list", nil), list),
		console.Command(open, "publish FILE", p.T("watch.software.cmd_publish", nil), func(cmd *cobra.Command, w *Watch, out *console.Out, typed []string) error {
			t, err := read(typed[0])
			if err != nil {
				return err
			}
			if err := w.Publish(cmd.Context(), t); err != nil {
				return err
			}
			return out.Emit(t, func() {
				out.Say("watch.software.published", args{"Count": len(t.Programs), "Hoster": string(w.n.Self)})
				if uses, err := w.uses(cmd.Context(), t); err == nil && !uses {
					out.Say("watch.software.not_ours", args{"File": typed[0]})
				}
			})
		}),
	)
}

// list shows the table that counts here.
func list(cmd *cobra.Command, w *Watch, out *console.Out, _ []string) error {
	t, err := w.Table(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(t, func() {
		if len(t.Programs) == 0 {
			out.Say("watch.software.none", nil)
			return
		}
		rows := make([][]string, 0, len(t.Programs))
		for _, p := range t.Programs {
			rows = append(rows, []string{p.Software, strings.Join(p.Safe, ", "), p.Why})
		}
		out.Table([]string{"watch.software.head_software", "watch.software.head_safe", "watch.software.head_why"}, rows)
	})
}

// uses says whether what counts for our own services has every program of a table.
func (w *Watch) uses(ctx context.Context, t Table) (bool, error) {
	ours, err := w.Table(ctx)
	has := map[string]bool{}
	for _, p := range ours.Programs {
		has[p.Software] = true
	}
	for _, p := range t.Programs {
		if !has[p.Software] {
			return false, err
		}
	}
	return true, err
}

// read reads a table that a person wrote. Returns CodeNotFound, CodeInvalid.
func read(path string) (Table, error) {
	f, err := os.Open(path)
	if err != nil {
		return Table{}, unread(path, err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Table{}, unread(path, err)
	}
	return ParseFile(text)
}

func unread(path string, err error) error {
	code := core.CodeInvalid
	if errors.Is(err, fs.ErrNotExist) {
		code = core.CodeNotFound
	}
	return (&core.Error{Code: code, Key: "watch.software.no_file", Err: fmt.Errorf("read a table of versions: %w", err)}).With("Path", path)
}
