package vault

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/backup"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/export"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/upkeep"
)

// Open gives a command the room over the node's own data, and where to print.
type Open func(cmd *cobra.Command) (*Room, *console.Out, error)

// Rescue makes a node anew on an empty data directory, for `vault recover`: the
// same origin and root, new online keys, the logbook back from the members at the
// given addresses and from those it names. It also works on a directory where an earlier
// rescue broke off.
type Rescue struct {
	// Flags adds what says where the new node is; may be nil.
	Flags func(c *cobra.Command)
	Run   func(cmd *cobra.Command, plea Plea) (*Room, *console.Out, error)
}

// Plea is what a person says who wants a node back.
type Plea struct {
	Seed    seal.Seed
	From    []string        // addresses of members
	Without []core.MemberID // not to be asked
	// Rehearse only reads: nothing changes at anybody, and the node that is made never runs.
	Rehearse bool
	Yes      bool // it may take over without asking
}

// Commands are the subcommands of `entrechat vault`; p says what they are for.
func Commands(p *words.Printer, open Open, rescue Rescue) []*cobra.Command {
	c := &cobra.Command{Use: "vault", Short: p.T("vault.cmd.vault", nil)}
	cl := cli{p, open}
	c.AddCommand(cl.create(), cl.list(), cl.env(), cl.status(), cl.check(), cl.kit(), cl.export(), cl.password(), cl.undelete(), cl.acceptFolder(), cl.recover(rescue))
	return []*cobra.Command{c}
}

type cli struct {
	p    *words.Printer
	open Open
}

type args = map[string]any

// command makes one command; run gets the opened room.
func (c cli) command(use, about string, count cobra.PositionalArgs, run func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: c.p.T("vault.cmd."+about, nil), Args: count,
		RunE: func(cmd *cobra.Command, typed []string) error {
			r, out, err := c.open(cmd)
			if err != nil {
				return err
			}
			return run(cmd, r, out, typed)
		},
	}
}

func (c cli) create() *cobra.Command {
	return c.command("create NAME", "create", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		lenders, err := r.pool.All(cmd.Context())
		if err != nil {
			return err
		}
		_, err = r.backups.Create(cmd.Context(), typed[0], func(made backup.Created) error {
			return out.Emit(made, func() {
				out.Say("vault.create.done", args{"Name": made.Name})
				out.Line("")
				out.Say("vault.create.prune", nil)
				out.Line("  " + made.Prune)
				out.Line("")
				out.Say("vault.create.read", args{"Token": made.Read})
				out.Line("")
				out.Say("vault.create.next", args{"Name": made.Name})
				if len(lenders) == 0 {
					out.Line("")
					out.Line(out.P.Error(r.pool.NoLender(cmd.Context())))
				}
			})
		})
		return err
	})
}

func (c cli) list() *cobra.Command {
	return c.command("list", "list", cobra.NoArgs, func(cmd *cobra.Command, r *Room, out *console.Out, _ []string) error {
		report, err := r.doctor.Status(cmd.Context(), "")
		if err != nil {
			return err
		}
		return out.Emit(report.Backups, func() {
			if len(report.Backups) == 0 {
				out.Say("vault.list.none", nil)
				return
			}
			var rows [][]string
			for _, s := range report.Backups {
				rows = append(rows, []string{
					s.Name, out.P.T("vault.level."+string(s.Level), nil), out.P.Ago(s.Offsite, r.n.Now()), out.P.Bytes(core.Size(s.Bytes)),
				})
			}
			out.Table([]string{"vault.col.name", "vault.col.state", "vault.col.offsite", "vault.col.size"}, rows)
		})
	})
}

func (c cli) env() *cobra.Command {
	var given string
	cmd := c.command("env NAME", "env", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		env, err := r.backups.Env(cmd.Context(), typed[0], given)
		if err != nil {
			return err
		}
		return out.Emit(env, func() {
			out.Line("export RESTIC_REPOSITORY=" + quote(env.Repository))
			out.Line("export RESTIC_PASSWORD_FILE=" + quote(env.PasswordFile))
			out.Line("# " + out.P.T("vault.env.caches", nil))
			if env.Password == catalogue.PasswordWrong {
				out.Note("vault.password_wrong", args{"Name": typed[0]})
			}
		})
	})
	cmd.Flags().StringVar(&given, "token", "", c.p.T("vault.flag.token", nil))
	return cmd
}

// quote writes a text as one word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func (c cli) check() *cobra.Command {
	return c.command("check [NAME]", "check", cobra.MaximumNArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		seen, err := r.upkeep.Check(cmd.Context(), strings.Join(typed, ""))
		if err != nil {
			return err
		}
		seen = upkeep.Worst(seen)
		if err := out.Emit(seen, func() { printChecked(out, seen) }); err != nil {
			return err
		}
		bad := 0
		for _, s := range seen {
			if s.Lost+s.Wrong > 0 || s.Error != "" {
				bad++
			}
		}
		if bad > 0 {
			return core.Unsure("vault.check_found", fmt.Errorf("%d members", bad)).With("Count", bad)
		}
		return r.doctor.Readable(cmd.Context(), strings.Join(typed, ""))
	})
}

func printChecked(out *console.Out, seen []recovery.Checked) {
	rows := make([][]string, 0, len(seen))
	for _, s := range seen {
		result := out.P.T("vault.check.fine", nil)
		switch {
		case s.Error != "":
			result = out.P.T("vault.check.silent", nil)
		case s.Lost+s.Wrong > 0:
			result = out.P.T("vault.check.bad", args{"Lost": s.Lost, "Wrong": s.Wrong})
		}
		if s.TakenIn > 0 {
			result += "; " + out.P.T("vault.check.taken_in", args{"Count": s.TakenIn})
		}
		if s.Unknown > 0 {
			result += "; " + out.P.T("vault.check.unknown", args{"Count": s.Unknown})
		}
		rows = append(rows, []string{string(s.Member), fmt.Sprint(s.Want), fmt.Sprint(s.Audited), result})
	}
	out.Table([]string{"vault.col.member", "vault.col.shards", "vault.col.audited", "vault.col.result"}, rows)
}

func (c cli) export() *cobra.Command {
	var without []string
	cmd := c.command("export NAME DIR", "export", cobra.ExactArgs(2), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if err := leaveOut(r, without); err != nil {
			return err
		}
		done, err := r.Export(cmd.Context(), typed[0], typed[1], progress(out, func(e export.Exported) string {
			return out.P.T("vault.export.progress", args{"Files": e.Files + e.Skipped, "Size": core.Size(e.Bytes)})
		}))
		if err != nil {
			return err
		}
		return out.Emit(done, func() {
			out.Say("vault.export.done", args{"Name": typed[0], "Dir": typed[1], "Count": done.Files + done.Skipped, "Size": out.P.Bytes(core.Size(done.Bytes))})
			out.Say("vault.export.password", args{"Path": r.keyring.Path(typed[0], keyring.Password)})
		})
	})
	c.withoutFlag(cmd, &without)
	return cmd
}

// withoutFlag lets a person leave members out that are slow or lie.
func (c cli) withoutFlag(cmd *cobra.Command, into *[]string) {
	cmd.Flags().StringArrayVar(into, "without", nil, c.p.T("vault.flag.without", nil))
}

func leaveOut(r *Room, typed []string) error {
	ids, err := memberIDs(typed)
	r.recovery.LeaveOut(ids...)
	return err
}

func memberIDs(typed []string) ([]core.MemberID, error) {
	out := make([]core.MemberID, 0, len(typed))
	for _, text := range typed {
		id, err := core.ParseMemberID(text)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (c cli) password() *cobra.Command {
	var file string
	cmd := c.command("password NAME", "password", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		password, err := out.ReadPassword(file)
		if err != nil {
			return err
		}
		if err := r.backups.SetPassword(cmd.Context(), typed[0], password); err != nil {
			return err
		}
		return out.Emit(map[string]catalogue.PasswordState{"password": catalogue.PasswordOpens}, func() {
			out.Say("vault.password_kept", args{"Name": typed[0], "Path": r.keyring.Path(typed[0], keyring.Password)})
		})
	})
	cmd.Flags().StringVar(&file, "password-file", "", c.p.T("vault.flag.password_file", nil))
	return cmd
}

// progress shows how far something is, on a terminal only, in one line.
func progress[T any](out *console.Out, text func(T) string) func(T) {
	if !out.TTY() || out.JSON {
		return func(T) {}
	}
	return func(v T) {
		fmt.Fprintf(out.Err, "\r\033[K%s\r", text(v))
	}
}

func (c cli) undelete() *cobra.Command {
	var since string
	var without []string
	cmd := c.command("undelete NAME", "undelete", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if err := leaveOut(r, without); err != nil {
			return err
		}
		day, err := time.Parse(time.DateOnly, since)
		if err != nil {
			return core.Invalid("vault.bad_date", err).With("Value", since)
		}
		count, err := r.removals.Undelete(cmd.Context(), typed[0], core.At(day))
		if err != nil {
			return err
		}
		return out.Emit(map[string]int{"files": count}, func() {
			out.Say("vault.undelete.done", args{"Name": typed[0], "Count": count})
		})
	})
	c.withoutFlag(cmd, &without)
	cmd.Flags().StringVar(&since, "since", "", c.p.T("vault.flag.since", nil))
	if err := cmd.MarkFlagRequired("since"); err != nil {
		panic(err)
	}
	return cmd
}

func (c cli) kit() *cobra.Command {
	var check bool
	var file string
	cmd := c.command("kit", "kit", cobra.NoArgs, func(cmd *cobra.Command, r *Room, out *console.Out, _ []string) error {
		if check {
			typed, err := out.ReadWords(file)
			if err == nil {
				err = r.CheckKit(cmd.Context(), typed)
			}
			if err != nil {
				return err
			}
			return out.Emit(map[string]bool{"ok": true}, func() { out.Say("vault.kit.right", nil) })
		}
		k, err := r.Kit(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(k, func() { printKit(out, k) })
	})
	cmd.Flags().BoolVar(&check, "check", false, c.p.T("vault.flag.check", nil))
	cmd.Flags().StringVar(&file, "seed-file", "", c.p.T("vault.flag.seed_file", nil))
	return cmd
}
