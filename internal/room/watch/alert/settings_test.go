package alert

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	ok(t, os.WriteFile(file, []byte("geheim\n"), 0o600))
	s := DefaultSettings()
	if n, err := s.Channels(); err != nil || n.SMTP.Host != "" {
		t.Error(n, err)
	}
	s.Host, s.From, s.User, s.Password, s.Account, s.AccountPassword = "mail.chaton-a.test", "entrechat@chaton-a.test", "node", file, "node@chaton-a.test", ""
	n, err := s.Channels()
	if err != nil || n.SMTP.Password != "geheim" || n.XMPP.Password != "" {
		t.Error(n.SMTP.Host, err)
	}
	for name, change := range map[string]func(*Settings){
		"from": func(s *Settings) { s.From = "x" }, "tls": func(s *Settings) { s.TLS = "ssl" }, "file": func(s *Settings) { s.Password += "x" },
	} {
		bad := s
		change(&bad)
		if _, err := bad.Channels(); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	s.Topic = "https://ntfy.test/chaton-a"
	if list, err := s.Topics(); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	s.Topic = "https://ntfy.test/"
	if _, err := s.Topics(); err == nil {
		t.Error("a server without a topic was taken")
	}
}
