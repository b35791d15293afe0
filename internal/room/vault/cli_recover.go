package vault

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/recovery"
)

func (c cli) recover(rescue Rescue) *cobra.Command {
	var without []string
	var file string
	var plea Plea
	cmd := &cobra.Command{
		Use: "recover", Short: c.p.T("vault.cmd.recover", nil), Long: c.p.T("vault.cmd.recover_long", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if plea.Without, err = memberIDs(without); err != nil {
				return err
			}
			text, err := (&console.Out{Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: c.p}).ReadWords(file)
			if err != nil {
				return err
			}
			if plea.Seed, err = seal.ParseSeed(text); err != nil {
				return err
			}
			if len(plea.From) == 0 {
				return core.Invalid("vault.recover_from", errors.New("no member's address"))
			}
			r, out, err := rescue.Run(cmd, plea)
			if err != nil {
				return err
			}
			r.recovery.LeaveOut(plea.Without...)
			return recoverInto(cmd, r, out, plea)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "seed-file", "", c.p.T("vault.flag.seed_file", nil))
	flags.StringArrayVar(&plea.From, "from", nil, c.p.T("vault.flag.from", nil))
	flags.BoolVar(&plea.Rehearse, "rehearse", false, c.p.T("vault.flag.rehearse", nil))
	flags.BoolVar(&plea.Yes, "yes", false, c.p.T("vault.flag.yes", nil))
	c.withoutFlag(cmd, &without)
	if rescue.Flags != nil {
		rescue.Flags(cmd)
	}
	return cmd
}

func recoverInto(cmd *cobra.Command, r *Room, out *console.Out, plea Plea) error {
	identity, err := plea.Seed.RecoveryIdentity()
	if err != nil {
		return err
	}
	found, err := r.recovery.Recover(cmd.Context(), identity, func(m recovery.MemberFound) {
		switch {
		case out.JSON:
		case m.Err != nil:
			out.Note("vault.recover.silent", args{"Member": m.Member, "Why": out.P.Error(m.Err)})
		default:
			out.Note("vault.recover.member", args{"Member": m.Member, "Count": m.Shards})
		}
	})
	if err != nil {
		return err
	}
	if err := out.Emit(found, func() { printRecovered(out, found, plea.Rehearse) }); err != nil {
		return err
	}
	return unfinished(found)
}

func printRecovered(out *console.Out, found recovery.Recovered, rehearsal bool) {
	for _, b := range found.Backups {
		out.Say("vault.recover.backup", args{"Name": b.Name, "Count": b.Files, "Size": out.P.Bytes(core.Size(b.Bytes))})
		if b.Incomplete > 0 {
			out.Say("vault.recover.incomplete", args{"Name": b.Name, "Count": b.Incomplete})
		}
		if !b.Password {
			out.Say("vault.recover.no_password", args{"Name": b.Name})
		}
		if b.Locked {
			out.Say("vault.password_wrong", args{"Name": b.Name})
		}
	}
	if len(found.Silent) > 0 {
		out.Say("vault.recover.awaited", args{"Members": catalogue.Joined(found.Silent), "Count": len(found.Silent)})
	}
	if len(found.Backups) == 0 {
		out.Say("vault.recover.nothing", nil)
		return
	}
	out.Line("")
	next := "vault.recover.next"
	if rehearsal {
		next = "vault.recover.next_rehearsal"
	}
	out.Say(next, args{"Name": found.Backups[0].Name})
}

// unfinished says that something is missing, and at whom. Returns CodeUnsure, nil when
// nothing is.
func unfinished(r recovery.Recovered) error {
	files, backups := r.Missing()
	if backups == 0 && !r.Hidden {
		return lockedIn(r)
	}
	e := core.Unsure("vault.recover_incomplete", fmt.Errorf("%d files in %d backups, %d members silent", files, backups, len(r.Silent))).
		With("Members", catalogue.Joined(r.Silent)).With("Hidden", r.Hidden)
	if files > 0 {
		e = e.With("Files", files)
	}
	return e
}

// lockedIn says that a backup came back which its password does not open. Returns CodeDenied,
// nil when there is none.
func lockedIn(r recovery.Recovered) error {
	for _, b := range r.Backups {
		if b.Locked {
			return core.Denied("vault.password_wrong", errors.New("the recorded password opens no key")).With("Name", b.Name)
		}
	}
	return nil
}
