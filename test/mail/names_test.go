package mail

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// TestAliases: one that is missing at the new server, or goes elsewhere, stops the move; a catch-all too.
func TestAliases(t *testing.T) {
	w := newWorld(t, "probe")
	w.fill(w.people[0], nil, 2)
	all := "info@old.test probe@old.test\nlist@old.test probe@old.test, probe+list@old.test\n"
	w.old.Table(t, w.old.Aliases, all)
	m := w.move(w.settings(""))
	w.until(t.Context(), m, recipe.Last)
	for _, c := range []struct {
		name, now string
		want      core.Code
	}{
		{"missing", "info@old.test probe@old.test\n", core.CodeConflict},
		{"elsewhere", strings.Replace(all, "info@old.test probe", "info@old.test else", 1), core.CodeConflict},
		{"the same", strings.Replace(all, "probe@old.test, probe+list@old.test", "probe+list@old.test,probe@old.test", 1), ""},
		{"catch-all", all + "@old.test probe@old.test\n", core.CodeConflict},
	} {
		w.now.Table(t, w.now.Aliases, c.now)
		w.now.Reload(t)
		if err := w.one(m, "aliases"); (err != nil) != (c.want != "") || err != nil && core.CodeOf(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// one does one step.
func (w *world) one(m recipe.Move, name string) error {
	w.Helper()
	for _, s := range m.Steps() {
		if s.Name == name {
			return w.step(w.Context(), m, s)
		}
	}
	w.Fatalf("no step %s", name)
	return nil
}

// TestDKIM: opendkim-genkey makes a selector; the step waits until the DNS has it.
func TestDKIM(t *testing.T) {
	w := newWorld(t, "probe")
	dir := t.TempDir()
	for _, name := range []string{"chaton2026", "other"} {
		c := exec.CommandContext(t.Context(), "opendkim-genkey", "-b", "2048", "-d", domain, "-s", name, "-D", dir)
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("opendkim-genkey is missing, ./check needs installs it: %v %s", err, said)
		}
	}
	published := ""
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	w.must(err)
	server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(to dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		if rr, err := dns.NewRR(strings.ReplaceAll(published, "\n", " ")); published != "" && err == nil && q.Question[0].Name == rr.Header().Name {
			a.Answer = append(a.Answer, rr)
		}
		_ = to.WriteMsg(a) // the test sees it
	})}
	go server.ActivateAndServe() //nolint:errcheck // ends with the test
	t.Cleanup(func() { _ = server.Shutdown() })
	m := w.move(w.settings("") + fmt.Sprintf("[dkim]\ndomain = %q\nselector = \"chaton2026\"\nrecord = %q\nresolver = %q\n", domain, filepath.Join(dir, "chaton2026.txt"), conn.LocalAddr()))
	record := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name+".txt"))
		w.must(err)
		_, rest, _ := strings.Cut(string(text), "IN")
		rest, _, _ = strings.Cut(rest, ";  -----")
		return "chaton2026._domainkey." + domain + ". 60 IN " + rest
	}
	if err := w.one(m, "dkim"); err == nil {
		t.Error("no record, and it is well")
	}
	published = record("other")
	if err := w.one(m, "dkim"); err == nil {
		t.Error("another key, and it is well")
	}
	published = record("chaton2026")
	w.must(w.one(m, "dkim"))
}
