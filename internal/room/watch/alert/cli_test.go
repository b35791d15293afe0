package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
	"entrechat/internal/room/watch/alert/delivery"
)

// typed runs one command line and answers what it prints.
func (n *node) typed(lang string, asJSON bool, line ...string) (string, error) {
	t := n.town.t
	t.Helper()
	var buf bytes.Buffer
	c, err := words.New(Words, words.Words, console.Words)
	ok(t, err)
	out := &console.Out{W: &buf, Err: &buf, JSON: asJSON, P: c.Printer(lang)}
	root := Command(out.P, func(*cobra.Command) (*Service, *console.Out, error) { return n.Service, out, nil })
	root.SetArgs(line)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetOut(&buf)
	err = root.ExecuteContext(t.Context())
	if strings.Contains(buf.String(), "⟦") || err != nil && strings.Contains(out.P.Error(err), "⟦") {
		t.Errorf("%v shows a key: %s %v", line, buf.String(), err)
	}
	if asJSON && err == nil && !json.Valid(buf.Bytes()) {
		t.Errorf("%v is no JSON: %s", line, buf.String())
	}
	return buf.String(), err
}

func TestCommands(t *testing.T) {
	for _, lang := range []string{"fr", "en"} {
		for _, asJSON := range []bool{false, true} {
			tn := newTown(t, a)
			n := tn.nodes[a]
			secret := filepath.Join(t.TempDir(), "token")
			ok(t, os.WriteFile(secret, []byte("geheim\n"), 0o600))
			run := func(line ...string) string {
				t.Helper()
				text, err := n.typed(lang, asJSON, line...)
				if err != nil {
					t.Fatalf("%v: %v\n%s", line, err, text)
				}
				if strings.Contains(text, "geheim") {
					t.Errorf("%v shows a token", line)
				}
				return text
			}
			refuse := func(code core.Code, line ...string) {
				t.Helper()
				if text, err := n.typed(lang, asJSON, line...); core.CodeOf(err) != code {
					t.Errorf("%v: %v, want %s\n%s", line, err, code, text)
				}
			}
			run("person", "list")
			run("rota", "show")
			refuse(core.CodeNotFound, "who")
			run("person", "add", "ana", "--name", "Ana", "--zone", "Europe/Paris")
			run("person", "add", "bob", "--speaks", "en", "--quiet", "none")
			refuse(core.CodeConflict, "person", "add", "ana")
			refuse(core.CodeInvalid, "person", "add", "Zoé")
			refuse(core.CodeInvalid, "person", "add", "zoe", "--quiet", "always")
			run("channel", "add", "ana", "webhook", tn.hook, "--token-file", secret)
			run("channel", "add", "ana", "mail", "ana@elsewhere.test", "--first")
			run("channel", "remove", "ana", "mail")
			refuse(core.CodeInvalid, "channel", "add", "ana", "pigeon", "x")
			refuse(core.CodeInvalid, "channel", "add", "ana", "matrix", "https://matrix.test/room")
			refuse(core.CodeNotFound, "channel", "add", "eve", "mail", "a@b.test")
			refuse(core.CodeNotFound, "channel", "remove", "ana", "mail")
			run("quiet", "ana", "23:00-06:00", "--wake")
			refuse(core.CodeInvalid, "quiet", "ana", "23-06")
			run("level", "Pad", "page")
			refuse(core.CodeInvalid, "level", "Pad", "loud")
			run("rota", "add", "ana", "--start", "2026-11-30T09:00", "--rule", "FREQ=WEEKLY;INTERVAL=2")
			refuse(core.CodeInvalid, "rota", "add", "ana", "--start", "soon")
			refuse(core.CodeInvalid, "rota", "add", "eve", "--start", "2026-11-30T09:00")
			if text := run("rota", "show"); strings.Count(text, "ana") != 2 {
				t.Errorf("14 days of a rota: %s", text)
			}
			run("test", "--person", "ana")
			refuse(core.CodeNotFound, "test", "--person", "eve")
			refuse(core.CodeUnsure, "test", "--person", "bob") // no channel
			if got := tn.kinds(); got != "test" {
				t.Errorf("sent %q", got)
			}
			ok(t, n.Tell(t.Context(), delivery.Notice{Owner: a, Incident: "i", Kind: delivery.Down, Services: []string{"Pad"}, At: core.At(tn.clock())}))
			list, err := n.Recent(t.Context(), 0, 10)
			ok(t, err)
			var key string
			for _, s := range list {
				if s.Kind == delivery.Down {
					key = s.Key
					if s.Level != contact.Page {
						t.Errorf("the service's level was passed over: %s", s.Level)
					}
				}
			}
			if text := run("who"); !strings.Contains(text, key) {
				t.Errorf("who does not show what is open: %s", text)
			}
			run("ack", key, "--person", "ana")
			run("ack", key)
			refuse(core.CodeNotFound, "ack", "nothing")
			run("person", "remove", "ana")
			run("rota", "clear")
			run("person", "list")
		}
	}
}

// TestNothingSecretIsLogged: plans print without tokens, whatever prints them.
func TestNothingSecretIsLogged(t *testing.T) {
	c := contact.Channel{ID: "x", Kind: contact.Ntfy, Address: "https://ntfy.test/geheim", Token: "geheim"}
	p := contact.Person{ID: "ana", Name: "geheim", Channels: []contact.Channel{c}}
	for _, format := range []string{"%v", "%+v", "%s", "%#v"} {
		for _, v := range []any{c, p, contact.Plan{People: []contact.Person{p}}} {
			if text := fmt.Sprintf(format, v); strings.Contains(text, "geheim") {
				t.Errorf("%s: %s", format, text)
			}
			var buf bytes.Buffer
			slog.New(slog.NewJSONHandler(&buf, nil)).Info("x", "plan", v)
			slog.New(slog.NewTextHandler(&buf, nil)).Info("x", "plan", v)
			if strings.Contains(buf.String(), "geheim") {
				t.Errorf("log: %s", buf.String())
			}
		}
	}
}
