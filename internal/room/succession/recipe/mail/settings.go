package mail

import (
	"net"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// example is what a person begins with.
const example = `recipe = "mail"
# How the mailboxes come: "dovecot" (doveadm at the old server too), "imap" (only IMAP of it is left), "maildir"
# (folders out of a backup). UIDs are kept by all three.
how = "dovecot"
# Which; nothing = all that the old server lists. From the freeze to the cut nobody writes in them, so many
# are better moved in several moves. With "imap" and "maildir" they must be named.
mailboxes = []
# One of them whose password is known, and the file of this machine with it: for one real sign-in and one
# real delivery at the new server.
probe = "essai@example.org"
probe_password = "/root/probe-password"

[from]
host = "old.example.org"
user = "root"

[to]
host = "local"

[old]
doveadm = ["doveadm"]
# How doveadm of the new server reaches the old one: doveadm's port, with the same doveadm_password on both
# sides, or a command such as ["ssh", "root@old.example.org", "doveadm", "dsync-server", "-u", "{user}"].
through = ["tcps:old.example.org:12345"]
# The file of a passdb with deny = yes, before the other passdbs.
deny = "/etc/dovecot/moving"
postfix = "/etc/postfix"
# The first of transport_maps. main.cf needs "defer_transports = moving" as well, and master.cf the line
# "moving unix - - y - - lmtp".
transport = "hash:/etc/postfix/moving"
# Only with [addresses]: the first of virtual_alias_maps.
# forward = "hash:/etc/postfix/moved"
aliases = ["hash:/etc/postfix/virtual"]
users = "/etc/dovecot/users"
# What a hash in that file is that has no {SCHEME} before it.
scheme = "CRYPT"
smtp = "old.example.org:25"

[new]
doveadm = ["doveadm"]
postfix = "/etc/postfix"
aliases = ["hash:/etc/postfix/virtual"]
users = "/etc/dovecot/users"
imap = "imap.example.net:993"
smtp = "mx.example.net:25"
# Where the old Postfix sends what it held, and what still comes: a line of transport(5).
relay = "smtp:[mx.example.net]:25"

# Only where the domain does not come along: old = new.
[addresses]
# "anna@example.org" = "anna@example.net"

# Contacts and identities of a Roundcube whose database lies at the new server.
[roundcube]
# database = "/var/lib/dbconfig-common/sqlite3/roundcube/roundcube"
# old_host = "old.example.org"
# new_host = "imap.example.net"

# A new DKIM selector: its record as opendkim-genkey wrote it at the new server, and what the DNS says.
[dkim]
# domain = "example.org"
# selector = "chaton2026"
# record = "/etc/dkimkeys/chaton2026.txt"
# resolver = "127.0.0.1:53"
`

// Ways mailboxes come.
const (
	byDovecot = "dovecot"
	byIMAP    = "imap"
	byMaildir = "maildir"
)

type settings struct {
	recipe.Sides

	How           string            `toml:"how"`
	Mailboxes     []string          `toml:"mailboxes"`
	Probe         string            `toml:"probe"`
	ProbePassword string            `toml:"probe_password"`
	Old           oldServer         `toml:"old"`
	New           newServer         `toml:"new"`
	Addresses     map[string]string `toml:"addresses"`
	Roundcube     roundcube         `toml:"roundcube"`
	DKIM          dkim              `toml:"dkim"`
}

// server is what both servers have.
type server struct {
	Doveadm []string `toml:"doveadm"`
	Postfix string   `toml:"postfix"` // the folder of main.cf
	Aliases []string `toml:"aliases"` // "type:file" of virtual_alias_maps
	Users   string   `toml:"users"`   // passwd-file; empty = accounts are not ours to move
	Scheme  string   `toml:"scheme"`  // of hashes in it that do not say
	IMAP    string   `toml:"imap"`    // host:port
	SMTP    string   `toml:"smtp"`    // host:port
	TLS     string   `toml:"tls"`     // "" = as the port says (993), "yes", "no"
}

type oldServer struct {
	server

	Through   []string `toml:"through"`
	Deny      string   `toml:"deny"`
	Transport string   `toml:"transport"` // "type:file"
	Forward   string   `toml:"forward"`   // "type:file"
	// Maildir and Home are where a mailbox lies in a backup, with {user} {local} {domain}.
	Maildir string `toml:"maildir"`
	Home    string `toml:"home"`
	// Master signs in for everybody, as "user*master"; empty = Passwords is used.
	Master         string `toml:"master"`
	MasterPassword string `toml:"master_password"` // file of this machine
	// Passwords is a file of this machine, one "user password" a line.
	Passwords string `toml:"passwords"`
}

type newServer struct {
	server

	Relay string `toml:"relay"`
}

type roundcube struct {
	Database string `toml:"database"` // SQLite
	OldHost  string `toml:"old_host"`
	NewHost  string `toml:"new_host"`
}

type dkim struct {
	Domain   string `toml:"domain"`
	Selector string `toml:"selector"`
	Record   string `toml:"record"`
	Resolver string `toml:"resolver"`
}

// mailbox is what a name of a mailbox may be: it stands in files where ":" and spaces separate, and in
// the words of commands.
var mailbox = regexp.MustCompile(`^[^\s:"\\*?%/\-\x00-\x1f\x7f][^\s:"\\*?%/\x00-\x1f\x7f]{0,254}$`)

var table = regexp.MustCompile(`^[a-z]+:/[^\s,]+$`)

func (s *settings) check() error {
	if !slices.Contains([]string{byDovecot, byIMAP, byMaildir}, s.How) {
		return recipe.Wrong(`how: "dovecot", "imap" or "maildir"`)
	}
	for _, name := range s.Mailboxes {
		if !mailbox.MatchString(name) {
			return recipe.Wrong("mailboxes: " + name)
		}
	}
	for from, to := range s.Addresses {
		if !mailbox.MatchString(from) || !mailbox.MatchString(to) {
			return recipe.Wrong("addresses: " + from + " = " + to)
		}
	}
	if len(s.New.Doveadm) == 0 {
		return recipe.Wrong("new.doveadm")
	}
	if s.Probe != "" && s.ProbePassword == "" {
		return recipe.Wrong("probe_password: the file of this machine with the password of " + s.Probe)
	}
	if err := s.checkNames(); err != nil {
		return err
	}
	switch s.How {
	case byDovecot:
		return s.checkDovecot()
	case byMaildir:
		return s.checkMaildir()
	}
	return s.checkIMAP()
}

func (s *settings) checkNames() error {
	for key, at := range map[string]string{"old.imap": s.Old.IMAP, "new.imap": s.New.IMAP, "old.smtp": s.Old.SMTP, "new.smtp": s.New.SMTP, "dkim.resolver": s.DKIM.Resolver} {
		if _, _, err := net.SplitHostPort(at); at != "" && err != nil {
			return recipe.Wrong(key + ": host:port")
		}
	}
	if s.Old.Scheme == "" {
		s.Old.Scheme = "CRYPT"
	}
	for key, name := range map[string]string{
		"old.postfix": s.Old.Postfix, "new.postfix": s.New.Postfix, "old.users": s.Old.Users, "new.users": s.New.Users, "old.deny": s.Old.Deny,
		"roundcube.database": s.Roundcube.Database, "dkim.record": s.DKIM.Record,
	} {
		if name == "" {
			continue
		}
		if err := recipe.Folder(key, name); err != nil {
			return err
		}
	}
	for _, name := range slices.Concat(s.Old.Aliases, s.New.Aliases) {
		if !table.MatchString(name) {
			return recipe.Wrong("aliases: type:/file, not " + name)
		}
	}
	if r := s.Roundcube; r.Database != "" && (r.OldHost == "" || r.NewHost == "") {
		return recipe.Wrong("roundcube: old_host and new_host")
	}
	if d := s.DKIM; d.Selector != "" && (d.Domain == "" || d.Record == "") {
		return recipe.Wrong("dkim: domain and record")
	}
	return nil
}

func (s *settings) checkDovecot() error {
	switch {
	case s.From.Snapshot != "":
		return recipe.Wrong(`from.snapshot goes with how = "maildir"`)
	case len(s.Old.Doveadm) == 0:
		return recipe.Wrong("old.doveadm")
	case len(s.Old.Through) == 0:
		return recipe.Wrong("old.through")
	case len(s.Old.Through) == 1 && len(s.Addresses) > 0:
		return recipe.Wrong("old.through: to other addresses only a command with {user} leads")
	case len(s.Old.Through) > 1 && !slices.ContainsFunc(s.Old.Through, func(w string) bool { return strings.Contains(w, "{user}") }):
		return recipe.Wrong("old.through: {user} is missing")
	case s.Old.Deny == "":
		return recipe.Wrong("old.deny")
	case s.Old.Postfix == "" || !table.MatchString(s.Old.Transport):
		return recipe.Wrong("old.postfix and old.transport")
	case len(s.Addresses) > 0 && !table.MatchString(s.Old.Forward):
		return recipe.Wrong("old.forward: the table that sends old addresses on, such as hash:/etc/postfix/moved")
	case len(s.Addresses) > 0:
		return nil
	case !relay.MatchString(s.New.Relay):
		return recipe.Wrong("new.relay: such as smtp:[mx.example.net]:25")
	}
	return nil
}

var relay = regexp.MustCompile(`^(smtp|lmtp|relay):\S+$`)

func (s *settings) checkMaildir() error {
	switch {
	case s.From.Snapshot == "":
		return recipe.Wrong("from.snapshot: the folder that the backup was restored into")
	case s.To.Host != "" && s.To.Host != "local":
		return recipe.Wrong("to: a backup is read where it lies, so the new server is this machine")
	case s.Old.Maildir == "":
		return recipe.Wrong("old.maildir: such as /var/vmail/{domain}/{local}/Maildir")
	case len(s.Mailboxes) == 0:
		return recipe.Wrong("mailboxes: which")
	}
	return nil
}

func (s *settings) checkIMAP() error {
	switch {
	case s.From.Host != "" || s.From.Snapshot != "":
		return recipe.Wrong("from: stays empty, the new server asks old.imap")
	case s.Old.IMAP == "":
		return recipe.Wrong("old.imap: host:port")
	case len(s.Mailboxes) == 0:
		return recipe.Wrong("mailboxes: which")
	case s.Old.Passwords == "" && (s.Old.Master == "" || s.Old.MasterPassword == ""):
		return recipe.Wrong("old.passwords, or old.master and old.master_password")
	}
	return nil
}

// target is where a mailbox comes to.
func (s *settings) target(user string) string {
	if to := s.Addresses[user]; to != "" {
		return to
	}
	return user
}

// filled puts a mailbox into a setting.
func filled(text, user string) string {
	local, domain, _ := strings.Cut(user, "@")
	return strings.NewReplacer("{user}", user, "{local}", local, "{domain}", domain).Replace(text)
}
