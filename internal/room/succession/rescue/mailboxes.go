package rescue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/rescue/imap"
	"entrechat/internal/room/succession/rescue/whose"
)

// imapDir is where Dovecot's configuration for a rescue lies, beside its files.
func (s *Service) imapDir(owner core.MemberID, service string) string {
	return filepath.Join(s.Records.Folder(owner, service), "imap")
}

// mailboxes are those of a rescue, with the passwords of who has one. Returns CodeNotFound
// "succession.rescue.no_mailboxes".
func (s *Service) mailboxes(ctx context.Context, owner core.MemberID, service string) (out []imap.Mailbox, err error) {
	one, err := s.Records.Get(ctx, owner, service)
	if err != nil {
		return nil, err
	}
	none := core.NotFound("succession.rescue.no_mailboxes", errors.New("no mailboxes")).With("Service", service).With("Member", string(owner))
	if !one.Shown(s.now()) {
		return nil, none
	}
	people, _, items, _, err := s.Records.Layout(owner, service)
	if err != nil {
		return nil, err
	}
	hashes, err := s.Doors.Passwords(ctx, owner)
	if err != nil {
		return nil, err
	}
	by := map[string]string{}
	for _, p := range people {
		by[p.User] = hashes[s.Records.WhoUser(owner, service, p.User)]
		if by[p.User] == "" && p.Mail != "" {
			by[p.User] = hashes[s.Records.WhoMail(owner, p.Mail)]
		}
	}
	for _, it := range items {
		if it.Kind == whose.Maildir && !it.Public {
			out = append(out, imap.Mailbox{User: it.User, Dir: filepath.Join(s.Records.FilesOf(owner, service), filepath.FromSlash(it.Path)), Hash: by[it.User]})
		}
	}
	if len(out) == 0 {
		err = none
	}
	return out, err
}

// refresh writes anew who comes in by IMAP, for the services of an owner that are shown so.
func (s *Service) refresh(ctx context.Context, owner core.MemberID) error {
	all, err := s.Records.List(ctx, owner)
	for _, one := range all {
		dir := s.imapDir(owner, one.Service)
		if _, bad := os.Stat(filepath.Join(dir, "users")); bad != nil {
			continue
		}
		boxes, bad := s.mailboxes(ctx, owner, one.Service)
		if core.CodeOf(bad) == core.CodeNotFound {
			boxes, bad = nil, nil // nobody comes in any more
		}
		if bad == nil {
			bad = imap.Settings{Dir: dir}.WriteUsers(boxes)
		}
		err = errors.Join(err, bad)
	}
	return err
}

func imapCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var set imap.Settings
	var write bool
	c := console.Command(open, "imap MEMBER SERVICE", p.T("succession.rescue.cmd_imap", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		owner, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		boxes, err := s.mailboxes(cmd.Context(), owner, typed[1])
		if err != nil {
			return err
		}
		set.Dir = s.imapDir(owner, typed[1])
		if err := set.Write(boxes); err != nil {
			return err
		}
		if write {
			return out.Emit(map[string]string{"path": set.Conf()}, func() { out.Say("succession.rescue.imap_written", map[string]any{"Path": set.Conf()}) })
		}
		out.Note("succession.rescue.imap_runs", map[string]any{"Listen": set.Listen})
		return dovecot(cmd.Context(), set.Conf())
	})
	c.Flags().StringVar(&set.Listen, "listen", "127.0.0.1:1143", p.T("succession.rescue.flag_listen", nil))
	c.Flags().StringVar(&set.Cert, "cert", "", p.T("succession.rescue.flag_cert", nil))
	c.Flags().StringVar(&set.Key, "key", "", p.T("succession.rescue.flag_key", nil))
	c.Flags().StringVar(&set.RunAs, "run-as", "", p.T("succession.rescue.flag_run_as", nil))
	c.Flags().BoolVar(&write, "write", false, p.T("succession.rescue.flag_write", nil))
	return c
}

// dovecot runs until ctx ends.
func dovecot(ctx context.Context, conf string) error {
	path, err := exec.LookPath("dovecot")
	if err != nil {
		path = "/usr/sbin/dovecot"
	}
	if _, err := os.Stat(path); err != nil {
		return core.NotFound("succession.rescue.no_dovecot", err)
	}
	cmd := exec.CommandContext(ctx, path, "-F", "-c", conf) //nolint:gosec // Debian's program, our own file
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Run(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("dovecot: %w", err)
	}
	return nil
}
