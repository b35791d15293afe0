package debian

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Hoster is the whole mail service of one hoster: a Dovecot that takes mail by LMTP and is
// administered over TCP, with filters, shared folders and quota, and a Postfix before it.
// People stand in a passwd-file; the domains take mail for them and for the aliases alone.
type Hoster struct {
	Dir                       string
	IMAP, LMTP, Doveadm, SMTP string // host:port
	Dovecot                   string // its configuration file
	Postfix                   string // the folder of its configuration
	Users, Deny               string // passwd-files
	Transport, Forward        string // "hash:file" of tables, both before all others
	Aliases, Boxes            string // "hash:file": who is sent on, and whom mail is taken for
}

// mailHoster are its settings: folder, name, ports of IMAP, LMTP and doveadm, the format of
// mailboxes, uid and gid of mail, and what there is to say where it is not started by root.
const mailHoster = `base_dir = %[1]s/run
state_dir = %[1]s/state
instance_name = %[2]s
log_path = %[1]s/log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_uid = %[7]d
mail_gid = %[8]d
mail_location = %[6]s
mail_plugins = acl quota
mail_attribute_dict = file:%%h/dovecot-attributes
doveadm_password = secret
auth_master_user_separator = *
auth_failure_delay = 0
auth_username_chars =
auth_cache_size = 1M
mail_max_userip_connections = 100
namespace inbox {
  inbox = yes
  separator = /
}
plugin {
  acl = vfile
  acl_user = %%u
  sieve = file:~/sieve;active=~/.dovecot.sieve
  quota = count:User quota
  quota_rule = *:storage=1G
  quota_vsizes = yes
}
protocol imap {
  mail_plugins = acl quota imap_acl
}
protocol lmtp {
  mail_plugins = acl quota sieve
}
service imap-login {
  inet_listener imap {
    port = %[3]s
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = %[4]s
  }
}
service doveadm {
  inet_listener {
    port = %[5]s
  }
}
passdb {
  driver = passwd-file
  deny = yes
  args = %[1]s/deny
}
passdb {
  driver = passwd-file
  master = yes
  args = %[1]s/masters
}
passdb {
  driver = passwd-file
  args = %[1]s/users
}
userdb {
  driver = passwd-file
  args = %[1]s/users
  default_fields = home=%[1]s/mail/%%u
}
%[9]s
`

// MailHoster runs one; location is how mailboxes are kept, such as "maildir:~/Maildir". The
// master user is "master*admin" with the password "master".
func MailHoster(t testing.TB, name, location string, domains ...string) *Hoster {
	t.Helper()
	dir := Folder(t)
	h := &Hoster{
		Dir: dir, IMAP: Port(t), LMTP: Port(t), Doveadm: Port(t), SMTP: Port(t),
		Postfix: filepath.Join(dir, "postfix"), Users: Write(t, filepath.Join(dir, "users"), ""), Deny: Write(t, filepath.Join(dir, "deny"), ""),
		Transport: "hash:" + filepath.Join(dir, "tables", "moving"), Forward: "hash:" + filepath.Join(dir, "tables", "moved"),
		Aliases: "hash:" + filepath.Join(dir, "tables", "virtual"), Boxes: "hash:" + filepath.Join(dir, "tables", "boxes"),
	}
	Write(t, filepath.Join(dir, "masters"), "admin:{PLAIN}master\n")
	uid, gid, more := 65534, 65534, ""
	if os.Getuid() != 0 {
		uid, gid = os.Getuid(), os.Getgid()
		more = fmt.Sprintf(rootless, uid, gid)
	}
	if err := os.Mkdir(filepath.Join(dir, "mail"), 0o777); err != nil { //nolint:gosec // written by the server's own user
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "mail"), 0o777); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	h.Dovecot = Write(t, filepath.Join(dir, "dovecot.conf"), fmt.Sprintf(mailHoster, dir, name, port(t, h.IMAP), port(t, h.LMTP), port(t, h.Doveadm), location, uid, gid, more))
	Daemon{Program: "dovecot", Args: []string{"-F", "-c", h.Dovecot}, Address: h.IMAP, Log: filepath.Join(dir, "log")}.Run(t)
	h.postfix(t, name, domains)
	return h
}

const postfixMain = `compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = %[1]s/maillog
maillog_file_prefixes = /
myhostname = mail.%[2]s.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 192.0.2.1/32
default_transport = error:no mail leaves this test
smtp_host_lookup = native
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
recipient_delimiter = +
defer_transports = moving
transport_maps = %[3]s
virtual_mailbox_domains = %[4]s
virtual_mailbox_maps = %[5]s
virtual_alias_maps = %[6]s, %[7]s
virtual_transport = lmtp:inet:%[8]s
`

const postfixMaster = `%s inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
moving unix - - n - - lmtp
showq unix n - n - - showq
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

func (h *Hoster) postfix(t testing.TB, name string, domains []string) {
	t.Helper()
	main := fmt.Sprintf(postfixMain, h.Postfix, name, h.Transport, strings.Join(domains, " "), h.Boxes, h.Forward, h.Aliases, h.LMTP)
	Write(t, filepath.Join(h.Postfix, "main.cf"), main)
	Write(t, filepath.Join(h.Postfix, "master.cf"), fmt.Sprintf(postfixMaster, h.SMTP))
	for _, table := range []string{h.Transport, h.Forward, h.Aliases, h.Boxes} {
		h.Table(t, table, "")
	}
	for _, part := range []string{"queue", "data"} {
		if err := os.Mkdir(filepath.Join(h.Postfix, part), 0o755); err != nil { //nolint:gosec // as Postfix has it
			t.Fatal(err)
		}
	}
	owner, err := user.Lookup("postfix")
	if err != nil {
		t.Fatalf("postfix is missing, ./check needs installs it: %v", err)
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(h.Postfix, "data"), uid, -1); err != nil {
		t.Fatalf("Postfix starts as root only: %v", err)
	}
	Daemon{
		Program: "postfix", Args: []string{"-c", h.Postfix, "start-fg"}, Address: h.SMTP, Log: filepath.Join(h.Postfix, "maillog"),
		Group: filepath.Join(h.Postfix, "queue/pid/master.pid"),
	}.Run(t)
}

// Table writes a table of Postfix, "hash:file", and has it made.
func (h *Hoster) Table(t testing.TB, table, text string) {
	t.Helper()
	_, file, _ := strings.Cut(table, ":")
	Write(t, file, text)
	if said, err := exec.CommandContext(t.Context(), "postmap", "-c", h.Postfix, table).CombinedOutput(); err != nil { //nolint:gosec // the test's own
		t.Fatalf("postmap: %v %s", err, said)
	}
}

// Reload has Postfix read its tables again.
func (h *Hoster) Reload(t testing.TB) {
	t.Helper()
	if said, err := exec.CommandContext(t.Context(), "postfix", "-c", h.Postfix, "reload").CombinedOutput(); err != nil { //nolint:gosec // the test's own
		t.Fatalf("postfix: %v %s", err, said)
	}
}

// Admin runs a command of doveadm, and gives what it printed.
func (h *Hoster) Admin(t testing.TB, stdin string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "doveadm", append([]string{"-c", h.Dovecot}, args...)...) //nolint:gosec // the test's own words
	c.Stdin = strings.NewReader(stdin)
	said, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("doveadm %q: %v %s", args, err, said)
	}
	return string(said)
}

// People adds them, with the password "pw" each, and has mail taken for them.
func (h *Hoster) People(t testing.TB, names ...string) {
	t.Helper()
	lines, boxes := "", ""
	for _, n := range names {
		lines += n + ":{PLAIN}pw::::::\n"
		boxes += n + " x\n"
	}
	Write(t, h.Users, lines)
	h.Table(t, h.Boxes, boxes)
}

func port(t testing.TB, address string) string {
	t.Helper()
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
