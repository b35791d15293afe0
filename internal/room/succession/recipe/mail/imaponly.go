package mail

import (
	"context"
	"fmt"
	"net"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// withConfig runs a program with a configuration that only it may read, and which goes with it: "@" is the
// file, "$0" a folder of its own.
const withConfig = `set -e; umask 077; d=$(mktemp -d); trap 'rm -rf -- "$d"' EXIT; trap 'exit 1' HUP INT TERM; cat >"$d/conf"
for w do shift; case $w in @) w=$d/conf ;; esac; set -- "$@" "$w"; done
"$@"`

// imapc has doveadm fetch from the old server's IMAP, UIDs included.
func (m arrival) imapc(ctx context.Context, unit string, how ...string) error {
	a, err := m.passwordOf(unit)
	if err != nil {
		return err
	}
	host, port, _ := net.SplitHostPort(a.at)
	main, err := m.to.config(ctx)
	if err != nil {
		return err
	}
	login, master, _ := strings.Cut(a.user, "*")
	lines := []string{"!include " + main, "imapc_host = " + host, "imapc_port = " + port, "imapc_user = " + inQuotes(login), "imapc_password = " + inQuotes(a.password)}
	if master != "" {
		lines = append(lines, "imapc_master_user = "+inQuotes(master))
	}
	if a.encrypted() {
		lines = append(lines, "imapc_ssl = imaps")
	}
	user := m.target(unit)
	c := recipe.Shell(withConfig, append([]string{m.to.words[0], "-c", "@"}, append(how, "-R", "-u", user, "imapc:")...)...)
	c.Stdin = strings.NewReader(strings.Join(append(lines, ""), "\n"))
	return m.toSide.Run(ctx, c)
}

// inQuotes is a value of Dovecot's configuration.
func inQuotes(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// config is the configuration file of this doveadm.
func (d dove) config(ctx context.Context) (string, error) {
	text, err := d.say(ctx, "", "config", "-n")
	if err != nil {
		return "", err
	}
	head, _, _ := strings.Cut(text, "\n")
	_, file, ok := strings.Cut(head, "): ")
	if !ok || !strings.HasPrefix(file, "/") {
		return "", core.Unsure("succession.recipe.command", fmt.Errorf("config: %s", head)).With("Program", "doveadm").With("Side", d.side.Name()).With("Said", head)
	}
	return strings.TrimSpace(file), nil
}
