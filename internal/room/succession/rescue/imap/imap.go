package imap

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/disk"
	"entrechat/internal/room/succession/rescue/mailbox"
	"entrechat/internal/room/succession/rescue/whose"
)

// Mailbox is one person's Maildir.
type Mailbox struct {
	User string // what they type as their name
	Dir  string // whole path
	// Hash is the lower-case hexadecimal SHA-256 of their password for programs.
	Hash string
}

// Settings say where Dovecot listens, and lies.
type Settings struct {
	Dir    string // of the configuration and of what Dovecot notes
	Listen string // host:port
	// Cert and Key are files for TLS; both empty = none, for loopback only.
	Cert, Key string
	// RunAs is the user that Dovecot runs as; empty = ours. Dovecot refuses to read mail as root.
	RunAs string
}

// files of the configuration.
const (
	confName  = "dovecot.conf"
	usersName = "users"
	aclName   = "acl"
)

// Conf is where the configuration lies.
func (s Settings) Conf() string { return filepath.Join(s.Dir, confName) }

// conf is one setting a line. Percent signs are Dovecot's.
const conf = `# Written by entrechat: mailboxes of a rescue, read only. Dovecot 2.3.
protocols = imap
listen = %[1]s
base_dir = %[2]s/run
state_dir = %[2]s/run
instance_name = entrechat-rescue
log_path = %[2]s/log
default_internal_user = %[3]s
default_internal_group = %[4]s
default_login_user = %[3]s
mail_uid = %[3]s
mail_gid = %[4]s
first_valid_uid = 1
first_valid_gid = 1
mail_privileged_group =
disable_plaintext_auth = %[5]s
%[6]s
mail_location = maildir:/nonexistent
mail_plugins = acl
mailbox_list_index = no
maildir_stat_dirs = yes
maildir_copy_with_hardlinks = no
mmap_disable = yes
lock_method = fcntl
auth_mechanisms = plain
auth_username_chars =
auth_username_translation =
auth_failure_delay = 2 secs
passdb {
  driver = passwd-file
  args = scheme=SHA256.HEX username_format=%%u %[2]s/users
}
userdb {
  driver = passwd-file
  args = username_format=%%u %[2]s/users
}
namespace inbox {
  inbox = yes
  separator = /
}
plugin {
  acl = vfile:%[2]s/acl
  acl_globals_only = yes
}
protocol imap {
  mail_plugins = acl imap_acl
  mail_max_userip_connections = 10
}
service imap-login {
  chroot =
  inet_listener imap {
    port = %[7]s
  }
  inet_listener imaps {
    port = %[8]s
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service auth {
  unix_listener auth-userdb {
    mode = 0600
    user = %[3]s
  }
}
`

// Write writes configuration, rights and users. Returns CodeInvalid "succession.rescue.imap_address"
// for an address that is not on loopback without TLS, or is none.
func (s Settings) Write(boxes []Mailbox) error {
	host, port, ok := strings.Cut(s.Listen, ":")
	if i := strings.LastIndexByte(s.Listen, ':'); i >= 0 {
		host, port = strings.Trim(s.Listen[:i], "[]"), s.Listen[i+1:]
	}
	n, err := strconv.Atoi(port)
	secure := s.Cert != "" && s.Key != ""
	if !ok || err != nil || n < 1 || n > 65535 || host == "" || !secure && !strings.HasPrefix(host, "127.") && host != "::1" || strings.ContainsAny(s.Listen+s.Cert+s.Key+s.Dir, "\n\r%$#\"") {
		return core.Invalid("succession.rescue.imap_address", errors.Join(err, errors.New("address")))
	}
	who, group, err := s.account()
	if err != nil {
		return err
	}
	ssl, plain, plainPort, securePort := "ssl = no", "no", port, "0"
	if secure {
		ssl = fmt.Sprintf("ssl = required\nssl_min_protocol = TLSv1.2\nssl_cert = <%s\nssl_key = <%s", s.Cert, s.Key)
		plain, plainPort, securePort = "yes", "0", port
	}
	if err := os.MkdirAll(filepath.Join(s.Dir, "run"), 0o755); err != nil { //nolint:gosec // Dovecot wants it so
		return fmt.Errorf("make the folder of Dovecot: %w", err)
	}
	text := fmt.Sprintf(conf, host, s.Dir, who, group, plain, ssl, plainPort, securePort)
	for name, data := range map[string]string{confName: text, aclName: "* owner lr\n"} {
		if err := disk.Replace(filepath.Join(s.Dir, name), []byte(data)); err != nil {
			return err
		}
	}
	return s.WriteUsers(boxes)
}

// account is the name of who Dovecot runs as, and their group.
func (s Settings) account() (who, group string, err error) {
	u, err := user.Current()
	if s.RunAs != "" {
		u, err = user.Lookup(s.RunAs)
	}
	if err != nil {
		return "", "", fmt.Errorf("who Dovecot runs as: %w", err)
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return "", "", fmt.Errorf("who Dovecot runs as: %w", err)
	}
	if u.Uid == "0" {
		return "", "", core.Invalid("succession.rescue.imap_root", errors.New("root"))
	}
	return u.Username, g.Name, nil
}

// control is where Dovecot notes what it must of one mailbox.
func (s Settings) control(user string) string {
	return filepath.Join(s.Dir, "control", fmt.Sprintf("%x", user))
}

// WriteUsers writes who may come in: those who have a password. Dovecot reads it anew within a
// second of a change.
func (s Settings) WriteUsers(boxes []Mailbox) error {
	var out strings.Builder
	slices.SortFunc(boxes, func(a, b Mailbox) int { return strings.Compare(a.User, b.User) })
	before := ""
	for i, b := range boxes {
		twice := i > 0 && before == b.User
		before = b.User
		if b.Hash == "" || !plain(b.User) || !plain(b.Dir) || twice {
			continue
		}
		if err := s.ready(b); err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s:{SHA256.HEX}%s::::%s::userdb_mail=maildir:%s:INDEX=MEMORY:CONTROL=%s\n", b.User, b.Hash, s.Dir, b.Dir, s.control(b.User))
	}
	if err := replace(filepath.Join(s.Dir, usersName), out.String()); err != nil {
		return err
	}
	return s.give()
}

// replace writes a file that Dovecot reads anew when the second of its change is another.
func replace(name, text string) error {
	before, err := os.Stat(name)
	if err := disk.Replace(name, []byte(text)); err != nil {
		return err
	}
	if err != nil {
		return nil //nolint:nilerr // there was none
	}
	after, err := os.Stat(name)
	if next := before.ModTime().Add(time.Second); err == nil && after.ModTime().Unix() <= before.ModTime().Unix() {
		err = os.Chtimes(name, next, next)
	}
	if err != nil {
		return fmt.Errorf("date the users of Dovecot: %w", err)
	}
	return nil
}

// uidList is where Dovecot keeps which message has which number.
const uidList = "dovecot-uidlist"

// ready makes the folders that Dovecot fails without when it opens a mailbox first, and takes the
// numbers of messages over, so that mail programs know again what they have.
func (s Settings) ready(b Mailbox) error {
	v, err := whose.Open(filepath.Dir(b.Dir), filepath.Base(b.Dir))
	if err != nil {
		return nil // there is no such mailbox: Dovecot says so
	}
	defer v.Close()
	folders, err := mailbox.Folders(v)
	for _, f := range folders {
		name := f.Dir
		if name == "" {
			name = ".INBOX"
		}
		to := filepath.Join(s.control(b.User), name)
		if err := os.MkdirAll(to, 0o700); err != nil {
			return fmt.Errorf("make a folder for Dovecot: %w", err)
		}
		if _, err := os.Lstat(filepath.Join(to, uidList)); err == nil {
			continue
		}
		if err := copyList(v, path.Join(f.Dir, uidList), filepath.Join(to, uidList)); err != nil {
			return err
		}
	}
	return err
}

const maxList = 64 << 20

func copyList(v whose.View, from, to string) error {
	f, _, err := v.File(from)
	if err != nil {
		return nil // there is none: numbers are new
	}
	defer f.Close() //nolint:errcheck // nothing is written
	text, err := io.ReadAll(io.LimitReader(f, maxList))
	if err != nil {
		return fmt.Errorf("read the numbers of messages: %w", err)
	}
	return disk.Replace(to, text)
}

// give makes all of it the property of who Dovecot runs as, where that is not us.
func (s Settings) give() error {
	if s.RunAs == "" || os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(s.RunAs)
	if err != nil {
		return fmt.Errorf("who Dovecot runs as: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return fmt.Errorf("who Dovecot runs as: %w", err)
	}
	return filepath.WalkDir(s.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == "run" {
			return cmp.Or(err, fs.SkipDir)
		}
		return os.Lchown(name, uid, -1) //nolint:gosec // a folder of ours, and no link is followed
	})
}

// plain says whether a text may stand in a passwd-file, and is no variable of Dovecot.
func plain(text string) bool {
	return text != "" && !strings.ContainsAny(text, ":%$ \t\"'\\{}") && strings.IndexFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0
}
