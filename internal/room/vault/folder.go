package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/vault/catalogue"
)

// FolderStore is the folder of what is kept for others.
const FolderStore = catalogue.FolderStore

// FolderMark is how the directory of a folder is known again: its id stands in the
// database.
func FolderMark(d *db.DB, folder string) blob.Mark { return catalogue.FolderMark(d, folder) }

// AcceptFolder takes what lies at the path of a folder for it, be it empty: its disk was
// lost, or moved. What others' shards are missing from the store is seen at once, and they
// send it again. Returns CodeInvalid for a name that is none.
func (r *Room) AcceptFolder(ctx context.Context, folder string) error {
	switch folder {
	case catalogue.FolderStore:
		if r.n.Lending != nil {
			return r.n.Lending.Accept(ctx)
		}
	case catalogue.FolderLocal:
		return r.local.Accept()
	case catalogue.FolderLocks:
		return r.locks.disk.Accept()
	}
	return core.Invalid("vault.no_folder", fmt.Errorf("no folder %q", folder)).With("Name", folder)
}

// FolderAway says why a folder is not the one that was there before; nil when it is.
func (r *Room) FolderAway(folder string) error {
	switch folder {
	case catalogue.FolderStore:
		if r.n.Lending != nil {
			return r.n.Lending.Away()
		}
	case catalogue.FolderLocal:
		return r.local.Check()
	case catalogue.FolderLocks:
		return r.locks.disk.Check()
	}
	return core.Invalid("vault.no_folder", fmt.Errorf("no folder %q", folder)).With("Name", folder)
}

func (c cli) acceptFolder() *cobra.Command {
	var yes bool
	cmd := c.command("accept-folder store|shelf|locks", "accept_folder", cobra.ExactArgs(1),
		func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
			away := r.FolderAway(typed[0])
			if core.CodeOf(away) == core.CodeInvalid {
				return away
			}
			if away != nil { // a disk that is only not mounted would be given up
				if err := out.Confirm(yes, func(side *console.Out) { side.Say("vault.folder_given_up", args{"Name": typed[0]}) }); err != nil {
					return err
				}
			}
			if err := r.AcceptFolder(cmd.Context(), typed[0]); err != nil {
				return err
			}
			out.Say("vault.folder_accepted", args{"Name": typed[0]})
			return nil
		})
	cmd.Flags().BoolVar(&yes, "yes", false, c.p.T("vault.flag.yes_accept_folder", nil))
	return cmd
}

// folders says whether the directories of what is ours are there.
func (r *Room) folders() error { return errors.Join(r.local.Check(), r.locks.disk.Check()) }
