package debian

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const dovecot = `base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:%[1]s/mail/%%u
service imap-login {
  inet_listener imap {
    port = %[2]s
  }
  inet_listener imaps {
    port = 0
  }
}
userdb {
  driver = static
  args = uid=%[3]d gid=%[4]d home=%[1]s/mail/%%u
}
%[5]s
`

// rootless are Dovecot's settings where it is not started by root.
const rootless = `default_internal_user = #%[1]d
default_login_user = #%[1]d
default_internal_group = #%[2]d
service anvil {
  chroot =
}
service imap-login {
  chroot =
}
service stats {
  chroot =
}
`

// Dovecot runs one with what is printed for it, which is two files after one another. dir has
// a folder "mail" with a Maildir for each user.
func Dovecot(t testing.TB, address, printed string) (dir string) {
	t.Helper()
	dir = Folder(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	main, oauth, _ := strings.Cut(printed, "# dovecot-oauth2.conf.ext")
	_, oauth, _ = strings.Cut(oauth, "\n")
	Write(t, filepath.Join(dir, "oauth"), oauth)
	main = strings.ReplaceAll(main, "/etc/dovecot/dovecot-oauth2.conf.ext", filepath.Join(dir, "oauth"))
	uid, gid, more := 65534, 65534, ""
	if os.Getuid() != 0 {
		uid, gid = os.Getuid(), os.Getgid()
		more = fmt.Sprintf(rootless, uid, gid)
	}
	conf := Write(t, filepath.Join(dir, "conf"), fmt.Sprintf(dovecot, dir, port, uid, gid, more)+main)
	mail := filepath.Join(dir, "mail")
	if err := os.MkdirAll(mail, 0o777); err != nil { //nolint:gosec // written by the server's own user
		t.Fatal(err)
	}
	if err := os.Chmod(mail, 0o777); err != nil { //nolint:gosec // the same
		t.Fatal(err)
	}
	Daemon{Program: "dovecot", Args: []string{"-F", "-c", conf}, Address: address, Log: filepath.Join(dir, "log")}.Run(t)
	return dir
}

// Letter lies in the inbox of a user of the Dovecot whose folder is dir.
func Letter(t testing.TB, dir, user, text string) {
	t.Helper()
	box := filepath.Join(dir, "mail", user)
	Write(t, filepath.Join(box, "new", "1.letter"), strings.ReplaceAll(text, "\n", "\r\n"))
	for _, part := range []string{"", "new", "cur", "tmp"} {
		part = filepath.Join(box, part)
		if err := os.MkdirAll(part, 0o777); err != nil { //nolint:gosec // written by the server's own user
			t.Fatal(err)
		}
		if err := os.Chmod(part, 0o777); err != nil { //nolint:gosec // the same
			t.Fatal(err)
		}
	}
}

// IMAP signs in by an access token and opens the inbox: the words with which both were
// answered, as "OK OK" or "NO".
func IMAP(ctx context.Context, address, user, token string) (string, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close() //nolint:errcheck // nothing is left to say
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(conn)
	say := func(tag, line string) string {
		fmt.Fprintf(conn, "%s %s\r\n", tag, line)
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "+ ") {
				fmt.Fprint(conn, "\r\n") // what is wrong was told; it wants to be heard
			}
			if rest, ok := strings.CutPrefix(lines.Text(), tag+" "); ok {
				word, _, _ := strings.Cut(rest, " ")
				return word
			}
		}
		return "nothing"
	}
	got := say("a", "AUTHENTICATE XOAUTH2 "+base64.StdEncoding.EncodeToString([]byte("user="+user+"\x01auth=Bearer "+token+"\x01\x01")))
	if got != "OK" {
		return got, nil
	}
	return got + " " + say("b", "SELECT INBOX"), nil
}

const roundcube = `<?php
$config['db_dsnw'] = 'sqlite:///%[1]s/roundcube.sqlite?mode=0600';
$config['imap_host'] = '%[2]s';
$config['smtp_host'] = '';
$config['des_key'] = 'un-cheval-debout-24-long';
$config['temp_dir'] = '%[1]s';
$config['log_dir'] = '%[1]s';
$config['log_driver'] = 'file';
$config['plugins'] = [];
$config['use_https'] = false;
$config['create_default_folders'] = false;
%[3]s
`

// Roundcube runs one, before an IMAP server, with what is printed for it. Its database is
// roundcube.sqlite in dir.
func Roundcube(t testing.TB, address, imap, printed string) (dir string) {
	t.Helper()
	dir = Folder(t)
	Write(t, filepath.Join(dir, "config.inc.php"), fmt.Sprintf(roundcube, dir, imap, printed))
	if err := os.Symlink("/etc/roundcube/defaults.inc.php", filepath.Join(dir, "defaults.inc.php")); err != nil {
		t.Fatal(err)
	}
	Daemon{
		Program: "php", Args: []string{"-S", address, "-t", "/var/lib/roundcube/public_html"}, Env: []string{"ROUNDCUBE_CONFIG_DIR=" + dir, "PHP_CLI_SERVER_WORKERS=2"},
		Address: address, Log: filepath.Join(dir, "errors.log"),
	}.Run(t)
	return dir
}
