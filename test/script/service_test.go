package script

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entrechat/internal/app/lab"
)

// servicesKey and mailKey are where a story has its services and its mailbox.
type (
	servicesKey struct{}
	mailKey     struct{}
)

// service NAME TEXT [tls] serves a page with a text; $NAME is its address.
func service(ts *testscript.TestScript, _ bool, args []string) {
	s, err := lab.NewService(args[1], len(args) > 2 && args[2] == "tls")
	ts.Check(err)
	ts.Defer(func() { _ = s.Close() })
	all := ts.Value(servicesKey{}).(map[string]*lab.Service)
	all[args[0]] = s
	ts.Setenv(args[0], s.URL())
}

// behave NAME MODE breaks a service, or mends it.
func behave(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(servicesKey{}).(map[string]*lab.Service)[args[0]]
	if s == nil {
		ts.Fatalf("there is no service %q", args[0])
	}
	s.Behave(lab.Mode(args[1]))
}

// mailbox takes mail; $MAIL is where.
func mailbox(ts *testscript.TestScript, _ bool, _ []string) {
	m, err := lab.NewMailbox()
	ts.Check(err)
	ts.Defer(func() { _ = m.Close() })
	*ts.Value(mailKey{}).(**lab.Mailbox) = m
	ts.Setenv("MAIL", m.Address)
}

// mail PATTERN waits, at most three minutes, for a letter that fits; with ! it makes sure
// that none of those that came does.
func mail(ts *testscript.TestScript, neg bool, args []string) {
	box := *ts.Value(mailKey{}).(**lab.Mailbox)
	pattern, err := regexp.Compile("(?ms)" + args[0])
	ts.Check(err)
	fits := func(l lab.Letter) bool { return pattern.MatchString(l.Text) }
	if neg {
		for _, l := range box.Letters() {
			if fits(l) {
				ts.Fatalf("a letter came that should not have:\n%s", l.Text)
			}
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	if _, err := box.Await(ctx, fits); err != nil {
		for _, l := range box.Letters() {
			ts.Logf("%s", l.Text)
		}
		ts.Fatalf("%v", err)
	}
}

// mailto LETTER... has stopped nodes send their mail to the mailbox.
func mailto(ts *testscript.TestScript, _ bool, args []string) {
	box := *ts.Value(mailKey{}).(**lab.Mailbox)
	host, port, _ := strings.Cut(box.Address, ":")
	for _, letter := range args {
		n := here(ts).node(ts, letter)
		path := filepath.Join(n.Data(), "entrechat.toml")
		text, err := os.ReadFile(path)
		ts.Check(err)
		for key, value := range map[string]string{
			"smtp_host": strconv.Quote(host), "smtp_port": port, "smtp_tls": `"none"`, "smtp_from": strconv.Quote("entrechat@" + n.Name),
		} {
			text = regexp.MustCompile(`(?m)^`+key+` = .*$`).ReplaceAll(text, []byte(key+" = "+value))
		}
		ts.Check(os.WriteFile(path, text, 0o600))
	}
}
