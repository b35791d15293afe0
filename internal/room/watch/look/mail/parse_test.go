package mail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// script is a server that says what it says, whatever it hears.
type script struct {
	net.Conn // none

	says  io.Reader
	heard bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)  { return s.says.Read(p) }
func (s *script) Write(p []byte) (int, error) { return s.heard.Write(p) }
func (s *script) LocalAddr() net.Addr         { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4000} }

func scripted(text string) (*talk, *script) {
	s := &script{says: strings.NewReader(text)}
	return newTalk(s), s
}

// class is the class of an error, "" for none, "cut" for the end of what was said.
func class(err error) look.Class {
	if own, ok := errors.AsType[*look.ClassError](err); ok {
		return own.Class
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "cut"
	}
	return ""
}

func TestReply(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]look.Class{
		"220 mail.chaton-a.test ESMTP\r\n":       look.Fine,
		"220-wait\r\n220 mail.chaton-a.test\r\n": look.Fine, // postscreen
		"220\r\n":                                look.Fine,
		"220 a\n":                                look.Fine,
		"421 too many\r\n":                       look.Content,
		"554 5.7.1 you are on a list\r\n":        look.Content,
		"220-a\r\n421 b\r\n":                     look.Content,
		"HTTP/1.1 400 Bad Request\r\n":           look.Content,
		"220x\r\n":                               look.Content,
		"\r\n":                                   look.Content,
		"220 a":                                  "cut",
		"220-a\r\n":                              "cut",
		"":                                       "cut",
		strings.Repeat("220-a\r\n", maxLines+1):  look.Content,
		"220 " + strings.Repeat("x", maxLine) + "\r\n":   look.Content,
		"220 " + strings.Repeat("x", maxLine/2) + "\r\n": look.Fine,
	} {
		talk, _ := scripted(text)
		if _, err := talk.reply("220", "greeting"); class(err) != want {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// TestBlockedPort25 has a provider that lets nobody call port 25: that no connection came
// about counts only after one did.
func TestBlockedPort25(t *testing.T) {
	t.Parallel()
	var answer func() (net.Conn, error)
	refused := func() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED} }
	silent := func() (net.Conn, error) { return nil, context.DeadlineExceeded }
	taken := func() (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			_, _ = far.Write([]byte("421 not now\r\n"))
			_ = far.Close()
		}()
		return near, nil
	}
	l := look.New(look.Needs{
		Self: "us", Kinds: map[target.Kind]look.Probe{target.SMTP: SMTP()}, Now: time.Now,
		Dial: func(context.Context, string, string) (net.Conn, error) { return answer() },
	})
	for _, c := range []struct {
		owner   core.MemberID
		address string
		answer  func() (net.Conn, error)
		want    look.Class
	}{
		{"them", "mail.chaton-a.test:25", refused, look.Unfit},
		{"them", "mail.chaton-a.test:25", silent, look.Unfit},
		{"them", "mail.chaton-a.test:587", refused, look.Refused},
		{"us", "mail.chaton-b.test:25", refused, look.Refused},
		{"us", "mail.chaton-b.test:25", taken, look.Content},
		{"them", "mail.chaton-a.test:25", refused, look.Unfit}, // our own was perhaps beside us
		{"them", "mail.chaton-a.test:25", taken, look.Content},
		{"them", "mail.chaton-a.test:25", refused, look.Refused},
		{"them", "mail.chaton-a.test:25", silent, look.Timeout},
	} {
		answer = c.answer
		if r := l.Look(t.Context(), target.Target{Owner: c.owner, Kind: target.SMTP, Address: c.address}); r.Class != c.want {
			t.Errorf("%s of %s: %q (%s), not %q", c.address, c.owner, r.Class, r.Detail, c.want)
		}
	}
}

func TestEHLO(t *testing.T) {
	t.Parallel()
	talk, s := scripted("250-mail.chaton-a.test\r\n250-SIZE 1\r\n250 starttls\r\n")
	offers, err := talk.ehlo()
	if err != nil || !offered(offers, "STARTTLS") || offered(offers, "SIZ") {
		t.Errorf("%v %v", offers, err)
	}
	if got := s.heard.String(); got != "EHLO [192.0.2.1]\r\n" {
		t.Errorf("we say %q", got)
	}
	for at, want := range map[string]string{"[2001:db8::1]:25": "[IPv6:2001:db8::1]", "[::ffff:192.0.2.1]:25": "[192.0.2.1]", "[fe80::1%eth0]:25": "[IPv6:fe80::1]"} {
		a, err := net.ResolveTCPAddr("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := literal(a); got != want {
			t.Errorf("%s: %s", at, got)
		}
	}
	if got := literal(nil); got != "[127.0.0.1]" {
		t.Error(got)
	}
}

func TestSoftware(t *testing.T) {
	t.Parallel()
	for greeting, want := range map[string][2]string{
		"mail.chaton-a.test ESMTP Postfix (Debian/GNU)":                {"Postfix", ""},
		"mail.chaton-a.test ESMTP Exim 4.96 Mon, 23 Nov 2026 10:00:00": {"Exim", "4.96"},
		"mail.chaton-a.test ESMTP OpenSMTPD":                           {"OpenSMTPD", ""},
		"mail.chaton-a.test ESMTP Haraka/3.0.5 ready":                  {"Haraka", "3.0.5"},
		"mail.postfixes.test ESMTP":                                    {"", ""},
	} {
		if name, version := software([]string{"x", greeting}); name != want[0] || version != want[1] {
			t.Errorf("%q: %q %q", greeting, name, version)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]look.Class{
		"* CAPABILITY IMAP4rev1 STARTTLS\r\ne1 OK done\r\n": look.Fine,
		"* CAPABILITY imap4rev2\r\n* 3 EXISTS\r\ne1 ok\r\n": look.Fine,
		"* CAPABILITY POP3\r\ne1 OK\r\n":                    look.Content,
		"e1 OK\r\n":                                         look.Content,
		"e1 NO no\r\n":                                      look.Content,
		"e1 BAD what\r\n":                                   look.Content,
		"e2 OK\r\n":                                         look.Content,
		"* BYE overloaded\r\n":                              look.Content,
		"+ go on\r\n":                                       look.Content,
		"* CAPABILITY IMAP4rev1\r\n":                        "cut",
		strings.Repeat("* 1 EXISTS\r\n", maxLines+1):        look.Content,
		"* CAPABILITY IMAP4rev1 " + strings.Repeat("x", maxLine) + "\r\ne1 OK": look.Content,
	} {
		talk, _ := scripted(text)
		if _, err := talk.capabilities("e1"); class(err) != want {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func FuzzSMTP(f *testing.F) {
	for _, s := range []string{"220 a ESMTP Postfix\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n", "220-\r\n220 \r\n250\r\n", "\xff\xfe", "22", "-20 x\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		talk, s := scripted(string(text))
		greeting, err := talk.reply("220", "greeting")
		if err != nil {
			return
		}
		if name, version := software(greeting); len(name)+len(version) > 40 {
			t.Errorf("%q %q", name, version)
		}
		if _, err := talk.ehlo(); err == nil {
			_ = talk.say("QUIT")
		}
		if got := s.heard.String(); strings.Count(got, "\n") > 2 {
			t.Errorf("we say %q", got)
		}
	})
}

func FuzzIMAP(f *testing.F) {
	for _, s := range []string{"* OK Dovecot ready.\r\n* CAPABILITY IMAP4rev1\r\ne1 OK\r\n", "* PREAUTH\r\n", "*\r\n", "e1\r\n", "* OK {1000000000}\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		talk, _ := scripted(string(text))
		greeting, err := talk.line()
		if err != nil {
			return
		}
		_ = keyword(greeting)
		offers, err := talk.capabilities("e1")
		if err == nil && !slices.Contains([]bool{offers["IMAP4REV1"], offers["IMAP4REV2"]}, true) {
			t.Errorf("%v", offers)
		}
	})
}
