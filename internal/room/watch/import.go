package watch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/deadman"
	"entrechat/internal/room/watch/imports"
	"entrechat/internal/room/watch/target"
)

// imported is what `watch import` answers.
type imported struct {
	Added    []added           `json:"added"`
	Present  int               `json:"present"` // were targets already
	Findings []imports.Finding `json:"findings"`
	DryRun   bool              `json:"dry_run,omitzero"`
}

// importCommand is `watch import`.
func importCommand(p *words.Printer, open console.Opener[*Room]) *cobra.Command {
	var dry bool
	c := console.Command(open, "import FILE...", p.T("watch.cmd_import", nil), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		files, err := readFiles(typed)
		if err != nil {
			return err
		}
		found, findings, err := imports.ReadAll(files)
		if err != nil {
			return err
		}
		done, err := adder{r}.take(cmd.Context(), found, dry)
		done.Findings = findings
		return errors.Join(out.Emit(done, func() { done.say(out) }), err)
	})
	c.Flags().BoolVar(&dry, "dry-run", false, p.T("watch.flag_dry_run", nil))
	return c
}

func readFiles(names []string) ([]imports.File, error) {
	files := make([]imports.File, 0, len(names))
	for _, name := range names {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, core.NotFound("watch.no_file", err).With("Path", name)
		}
		if err == nil && info.Size() > imports.MaxBytes {
			return nil, core.Invalid("watch.large_file", fmt.Errorf("%s has %d bytes", name, info.Size())).With("Path", name)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, core.Invalid("watch.unread_file", err).With("Path", name)
		}
		files = append(files, imports.File{Name: name, Text: text})
	}
	return files, nil
}

// take adds what is new of these targets, or says what it would add.
func (r adder) take(ctx context.Context, found []target.Target, dry bool) (imported, error) {
	done := imported{DryRun: dry, Added: []added{}}
	for _, t := range found {
		if dry {
			done.Added = append(done.Added, added{View: r.Targets.Draft(t).View()})
			continue
		}
		t, token, err := issue(t)
		if err != nil {
			return done, err
		}
		t, err = r.Targets.Add(ctx, t)
		switch {
		case core.CodeOf(err) == core.CodeConflict:
			done.Present++
		case err != nil:
			return done, err
		default:
			one := added{View: t.View()}
			if token != "" {
				one.Ping = deadman.URL(r.URL, token)
			}
			done.Added = append(done.Added, one)
		}
	}
	return done, nil
}

func (i imported) say(out *console.Out) {
	for _, f := range i.Findings {
		if !f.Taken {
			out.Line(fmt.Sprintf("%s:%d: %s", f.File, f.Line, out.P.T(f.Key, f.Args)))
		}
	}
	for _, t := range i.Added {
		if t.Ping != "" {
			out.Say("watch.ping_imported", args{"Service": t.Service, "URL": t.Ping})
		}
	}
	key := "watch.imported"
	if i.DryRun {
		key = "watch.would_import"
	}
	out.Say(key, args{"Count": len(i.Added), "Present": i.Present})
}
