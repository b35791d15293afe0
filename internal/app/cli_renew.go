package app

import (
	"context"
	"crypto/ed25519"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
)

// renewed is what a rotation or a new epoch answers.
type renewed struct {
	Epoch   int64 `json:"epoch"`
	Size    int64 `json:"size"` // entries of our whole history that stand
	Version int64 `json:"version"`
	NewKey  bool  `json:"new_key"`
}

func (l *cli) rotateCommand() *cobra.Command {
	p := l.out.P
	var file string
	c := &cobra.Command{
		Use: "rotate", Short: p.T("app.cmd.log_rotate", nil), Long: p.T("app.cmd.log_rotate_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change := func(ctx context.Context, a *App, root ed25519.PrivateKey) error {
				_, err := a.Book.Recovery.ReplaceKeys(ctx, root, a.Config.Node.URL)
				return err
			}
			return l.renew(cmd.Context(), file, renewal{newKey: true, change: change}, "app.log_rotated")
		},
	}
	c.Flags().StringVar(&file, "seed-file", "", p.T("app.flag.seed_file", nil))
	return c
}

func (l *cli) moveCommand() *cobra.Command {
	p := l.out.P
	var file string
	c := &cobra.Command{
		Use: "move", Short: p.T("app.cmd.log_move", nil), Long: p.T("app.cmd.log_move_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change := func(ctx context.Context, a *App, root ed25519.PrivateKey) error {
				_, err := a.Book.Recovery.ReplaceKeys(ctx, root, a.Config.Node.URL)
				return err
			}
			return l.renew(cmd.Context(), file, renewal{change: change}, "app.log_moved")
		},
	}
	c.Flags().StringVar(&file, "seed-file", "", p.T("app.flag.seed_file", nil))
	return c
}

func (l *cli) epochCommand() *cobra.Command {
	p := l.out.P
	var (
		file   string
		size   int64
		newKey bool
	)
	c := &cobra.Command{
		Use: "epoch", Short: p.T("app.cmd.log_epoch", nil), Long: p.T("app.cmd.log_epoch_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change := func(ctx context.Context, a *App, root ed25519.PrivateKey) error {
				_, err := a.Book.Recovery.OpenEpoch(ctx, root, size)
				return err
			}
			return l.renew(cmd.Context(), file, renewal{newKey: newKey, change: change}, "app.log_epoch")
		},
	}
	c.Flags().StringVar(&file, "seed-file", "", p.T("app.flag.seed_file", nil))
	c.Flags().Int64Var(&size, "size", -1, p.T("app.flag.size", nil))
	c.Flags().BoolVar(&newKey, "new-key", false, p.T("app.flag.new_key", nil))
	return c
}

// renew asks for the root words, makes the change and says what it did.
func (l *cli) renew(ctx context.Context, seedFile string, r renewal, said string) error {
	a, err := l.open(ctx)
	if err != nil {
		return err
	}
	text, err := l.out.ReadWords(seedFile)
	if err != nil {
		return err
	}
	if r.seed, err = seal.ParseSeed(text); err != nil {
		return err
	}
	if err := r.run(ctx, a); err != nil {
		return err
	}
	m, err := a.Book.Member(ctx, a.Signer.ID())
	if err != nil {
		return err
	}
	view := renewed{Epoch: m.Epoch, Size: m.Size, Version: m.Version, NewKey: r.newKey}
	return l.out.Emit(view, func() {
		l.out.Say(said, map[string]any{"Epoch": view.Epoch, "Size": view.Size, "Version": view.Version, "URL": m.URL})
		if r.newKey {
			l.out.Say("app.log_new_key", nil)
		}
	})
}

// openLog opens the book for a command, with the member that was typed or ourselves.
func (l *cli) openLog(cmd *cobra.Command, words []string) (*logbook.Book, core.MemberID, error) {
	a, err := l.open(cmd.Context())
	if err != nil {
		return nil, "", err
	}
	if len(words) == 0 {
		return a.Book, a.Signer.ID(), nil
	}
	id, err := core.ParseMemberID(words[0])
	if err != nil {
		return nil, "", err
	}
	_, err = a.Book.Member(cmd.Context(), id)
	return a.Book, id, err
}
