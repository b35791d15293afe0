package deal

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/share"
)

// printCommand is `custody deal print`.
func printCommand(p *words.Printer, open console.Opener[*Deals]) *cobra.Command {
	var file string
	var again bool
	c := console.Command(open, "print DEAL NUMBER", p.T("custody.deal.cmd_print", nil), func(cmd *cobra.Command, d *Deals, out *console.Out, typed []string) error {
		own, number, err := shareOf(cmd, d, typed)
		if err != nil {
			return err
		}
		return d.Print(cmd.Context(), own.ID, number, again, func(f Fetched) error {
			if file == "" {
				return printShare(out, f)
			}
			return writePaper(cmd.Context(), d, out, f, file)
		})
	})
	c.Flags().StringVar(&file, "html", "", p.T("custody.deal.flag_html", nil))
	c.Flags().BoolVar(&again, "again", false, p.T("custody.deal.flag_again", nil))
	return c
}

// writePaper writes the page of a share into a new file that nobody else may read.
func writePaper(ctx context.Context, d *Deals, out *console.Out, f Fetched, file string) error {
	if len(f.Sealed) > 0 {
		return core.Invalid("custody.deal.sealed_page", nil)
	}
	paper, err := d.Paper(ctx, f)
	if err != nil {
		return err
	}
	page, err := paper.Document(out.P)
	if err != nil {
		return err
	}
	if err := writeNew(file, string(page)); err != nil {
		return err
	}
	return out.Emit(args{"deal": f.Deal.ID, "number": f.Number, "file": file}, func() {
		out.Say("custody.deal.paper_file", args{"Path": file})
		out.Note("custody.deal.paper_next", args{"ID": string(f.Deal.ID[:8]), "Number": f.Number})
	})
}

// writeNew writes a file of mode 0600 that is not there yet.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return core.Invalid("custody.deal.cannot_write", err).With("Path", path)
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return core.Full("custody.deal.cannot_write", err).With("Path", path)
	}
	return nil
}

// maxCalled is how many lines of whom to call a page has room for.
const maxCalled = 12

// Paper is the page of a share that was fetched to be printed, with whom to call.
func (d *Deals) Paper(ctx context.Context, f Fetched) (share.Paper, error) {
	contacts, err := d.n.People.Contacts(ctx)
	if err != nil {
		return share.Paper{}, err
	}
	call := slices.DeleteFunc(strings.Split(string(contacts), "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
	return share.Paper{
		Share: f.Share, Deal: f.Deal.ID, N: int(f.Deal.N), Owner: string(f.Deal.Owner), Scope: string(f.Deal.Scope),
		Wait: f.Deal.Wait(), Call: call[:min(len(call), maxCalled)], Made: f.Deal.Made,
	}, nil
}
