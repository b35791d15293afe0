package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// dove is the doveadm of one side.
type dove struct {
	side  recipe.Side
	words []string // "doveadm", and what stands before the command; may have {user}
}

// args are the words of a command about a user.
func (d dove) args(user string, more ...string) []string {
	var args []string
	for _, w := range d.words {
		args = append(args, filled(w, user))
	}
	return append(args, more...)
}

// say runs a command about a user and gives what it printed.
func (d dove) say(ctx context.Context, user string, more ...string) (string, error) {
	return recipe.Output(ctx, d.side, recipe.Command{Args: d.args(user, more...)})
}

// setting is the value of a setting of Dovecot's, "" where it has none.
func (d dove) setting(ctx context.Context, name string) (string, error) {
	text, err := d.say(ctx, "", "config", "-h", name)
	return strings.TrimSpace(text), err
}

// open talks IMAP as a user without a password: the program imap of that side, on its standard input.
func (d dove) open(ctx context.Context, user string) (*session, error) {
	toR, toW := io.Pipe()
	fromR, fromW := io.Pipe()
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := d.side.Run(ctx, recipe.Command{Args: d.args(user, "exec", "imap", "-u", user), Stdin: toR, Stdout: fromW})
		_ = fromW.CloseWithError(errors.Join(err, io.EOF)) // never fails
		_ = toR.CloseWithError(io.ErrClosedPipe)           // never fails
	}()
	c := imapclient.New(&tunnel{Reader: fromR, WriteCloser: toW}, nil)
	s := &session{Client: c, end: func() { cancel(); <-ended }}
	if err := c.WaitGreeting(); err != nil {
		s.Close()
		return nil, core.Unsure("succession.recipe.mail.imap", err).With("Side", d.side.Name())
	}
	return s, nil
}

// session is one that is signed in.
type session struct {
	*imapclient.Client

	end func()
}

// Close ends it.
func (s *session) Close() {
	_ = s.Client.Close() // the process is ended anyway
	s.end()
}

// tunnel is a process as a connection.
type tunnel struct {
	io.Reader
	io.WriteCloser
}

// LocalAddr is nobody's.
func (*tunnel) LocalAddr() net.Addr { return &net.UnixAddr{} }

// RemoteAddr is nobody's.
func (*tunnel) RemoteAddr() net.Addr { return &net.UnixAddr{} }

// SetDeadline does nothing: the process ends with its context.
func (*tunnel) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (*tunnel) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (*tunnel) SetWriteDeadline(time.Time) error { return nil }

// account is how somebody signs in over the network.
type account struct {
	at       string // host:port
	tls      string // "", "yes", "no"
	user     string
	password string
}

// encrypted says whether the connection begins with TLS.
func (a account) encrypted() bool {
	_, port, _ := net.SplitHostPort(a.at)
	return a.tls == "yes" || a.tls == "" && port == "993"
}

// open signs in. Returns CodeDenied "succession.recipe.mail.login" when the server refuses.
func (a account) open(ctx context.Context) (*session, error) {
	conn, err := (&net.Dialer{Timeout: 20 * time.Second}).DialContext(ctx, "tcp", a.at)
	if err != nil {
		return nil, core.Unsure("succession.recipe.mail.imap", err).With("Side", a.at)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() }) // whoever reads then gets an error
	if a.encrypted() {
		host, _, _ := net.SplitHostPort(a.at)
		conn = tls.Client(conn, &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12})
	}
	s := &session{Client: imapclient.New(conn, nil), end: func() { stop() }}
	if err := s.WaitGreeting(); err != nil {
		s.Close()
		return nil, core.Unsure("succession.recipe.mail.imap", err).With("Side", a.at)
	}
	if err := s.Login(a.user, a.password).Wait(); err != nil {
		s.Close()
		return nil, core.Denied("succession.recipe.mail.login", err).With("Side", a.at)
	}
	return s, nil
}

// box is one account's mail on one side, however it is reached.
type box interface {
	open(ctx context.Context) (*session, error)
}

// inside is a mailbox by doveadm.
type inside struct {
	dove
	user string
}

func (i inside) open(ctx context.Context) (*session, error) { return i.dove.open(ctx, i.user) }

// secret reads the first line of a file of this machine.
func secret(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", core.Invalid("succession.recipe.settings", err).With("What", name)
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	return strings.TrimRight(string(line), "\r"), nil
}

// passwordOf is what a user signs in with at the old server: as themselves, or by the master user.
func (s *settings) passwordOf(user string) (account, error) {
	a := account{at: s.Old.IMAP, tls: s.Old.TLS, user: user}
	if s.Old.Passwords == "" {
		word, err := secret(s.Old.MasterPassword)
		a.user, a.password = user+"*"+s.Old.Master, word
		return a, err
	}
	text, err := os.ReadFile(s.Old.Passwords)
	if err != nil {
		return a, core.Invalid("succession.recipe.settings", err).With("What", s.Old.Passwords)
	}
	for line := range strings.Lines(string(text)) {
		name, word, ok := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		if ok && name == user {
			a.password = word
			return a, nil
		}
	}
	return a, recipe.Wrong(fmt.Sprintf("%s: no password of %s", s.Old.Passwords, user))
}

// read gives a file of a side; missing = "".
func read(ctx context.Context, side recipe.Side, name string) (string, error) {
	return recipe.Output(ctx, side, recipe.Shell(`test ! -e "$1" || exec cat -- "$1"`, side.Path(name)))
}

// write replaces a file of a side whole, and keeps its owner and mode.
func write(ctx context.Context, side recipe.Side, name, text string) error {
	c := recipe.Shell(`set -e; n="$1.entrechat"; umask 077; cat >"$n"
if test -e "$1"; then chown --reference="$1" -- "$n"; chmod --reference="$1" -- "$n"; else chmod 644 -- "$n"; fi
sync -- "$n"; mv -f -- "$n" "$1"`, side.Path(name))
	c.Stdin = strings.NewReader(text)
	return side.Run(ctx, c)
}

// edit changes the lines of a file of a side, when fn changes any.
func edit(ctx context.Context, side recipe.Side, name string, fn func(lines []string) []string) error {
	text, err := read(ctx, side, name)
	if err != nil {
		return err
	}
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	next := fn(slices.Clone(lines))
	if slices.Equal(lines, next) {
		return nil
	}
	return write(ctx, side, name, strings.Join(append(next, ""), "\n"))
}
