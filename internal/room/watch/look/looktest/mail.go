package looktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Postfix runs a Postfix that takes no mail: services are lines of its master.cf without the
// host ("12525 inet n - n - - smtpd"), settings lines of its main.cf.
func Postfix(tb testing.TB, ports []int, services, settings string) *Server {
	tb.Helper()
	dir := Dir(tb)
	owner, group := "postfix", "postdrop" // who the package says: two users that no other service has
	main := fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = %[2]s
setgid_group = %[3]s
maillog_file = %[1]s/maillog
maillog_file_prefixes = /
myhostname = mail.chaton-a.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
default_transport = error:no mail leaves this test
smtp_tls_security_level = none
smtpd_tls_auth_only = yes
smtpd_peername_lookup = no
smtpd_tls_session_cache_timeout = 120s
tls_random_source = dev:/dev/urandom
%[4]s`, dir, owner, group, settings)
	Write(tb, dir, "main.cf", main)
	Write(tb, dir, "master.cf", services+`postlog unix-dgram n - n - 1 postlogd
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
`)
	Must(tb, os.Mkdir(filepath.Join(dir, "queue"), 0o755)) //nolint:gosec // as Postfix has it; it makes the rest
	data := filepath.Join(dir, "data")
	Must(tb, os.Mkdir(data, 0o700))
	if os.Geteuid() == 0 {
		uid, _ := ids(tb, owner)
		Must(tb, os.Chown(data, uid, -1))
	}
	s := Start(tb, Program{
		Name: "postfix", Debian: "postfix", Args: []string{"-c", dir, "start-fg"}, Dir: dir, Root: true,
		Groups: filepath.Join(dir, "queue/pid/master.pid"), Ports: ports,
	})
	s.log = filepath.Join(dir, "maillog")
	return s
}

// Dovecot runs a Dovecot that knows nobody: listeners are lines inside of
// "service imap-login", settings stand outside.
func Dovecot(tb testing.TB, ports []int, listeners, settings string) *Server {
	tb.Helper()
	dir := Dir(tb)
	name, group := User(tb)
	config := fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/state
instance_name = %[2]s
protocols = imap
listen = 127.0.0.1
log_path = /dev/stderr
default_internal_user = %[3]s
default_login_user = %[3]s
default_internal_group = %[4]s
passdb {
  driver = static
  args = password=cat
}
userdb {
  driver = static
  args = uid=%[3]s gid=%[4]s home=%[1]s/home
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
%[5]s
}
%[6]s
`, dir, filepath.Base(dir), name, group, strings.TrimSpace(listeners), settings)
	file := Write(tb, dir, "dovecot.conf", config)
	return Start(tb, Program{Name: "dovecot", Debian: "dovecot-imapd", Args: []string{"-F", "-c", file}, Dir: dir, Ports: ports})
}
