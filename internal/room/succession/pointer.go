package succession

import (
	"context"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/pointer"
)

func (r *Room) openPointers() *pointer.Service {
	return pointer.New(pointer.Needs{
		DB: r.DB, Self: r.Signer.ID(), Promises: r.Promises, Vault: r.Vault, Letters: r.Letters, Peer: r.Peer, Now: r.Now,
	})
}

func pointerCommands(p *words.Printer, open console.Opener[*Room]) []*cobra.Command {
	return pointer.Commands(p, console.Part(open, func(r *Room) *pointer.Service { return r.Pointers }))
}

// OurSuccessors are the members that may take over a service of ours: the vault names them as
// readers.
func (r *Room) OurSuccessors(ctx context.Context) ([]core.MemberID, error) {
	return r.Promises.OurSuccessors(ctx)
}

// Names says whether an owner names a member for any service now: who keeps its backups lets that
// member fetch them.
func (r *Room) Names(ctx context.Context, owner, member core.MemberID) (bool, error) {
	return r.Promises.Names(ctx, owner, member)
}
