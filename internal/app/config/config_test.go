package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"entrechat/internal/app"
	"entrechat/internal/app/config"
	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

func TestConfigRendersAndReadsBack(t *testing.T) {
	want := config.Default(nil)
	want.Node.Origin, want.Node.URL = "chaton-a.test", "https://chaton-a.test:8443"
	want.Node.Floor = 123456789
	text, err := want.Render(english(t))
	if err != nil {
		t.Fatal(err)
	}
	got, err := config.Parse(text, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(config.Config{})); diff != "" {
		t.Fatal(diff)
	}
	for _, said := range []string{"# The domain others know", `free_floor = '123456789 B'`} {
		if !strings.Contains(string(text), said) {
			t.Errorf("the documented example lacks %q:\n%s", said, text)
		}
	}
}

func TestConfigMistakesAreShownWithTheirLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key": {"[node]\norigin = 'a.test'\nlistn = ':1'\n", "listn"},
		"wrong type":  {"[node]\norigin = 5\n", "line 2"},
		"not toml":    {"[node\n", "line 1"},
		"bad origin":  {"[node]\norigin = 'Not A Domain'\n", "node.origin"},
		"bad size":    {"[node]\norigin='a.test'\nfree_floor = 'much'\n", "line 3"},
		"no unit":     {"[node]\norigin='a.test'\nfree_floor = '20'\n", "write 20GB"},
		"integer":     {"[node]\norigin='a.test'\nfree_floor = 20\n", "node.free_floor: 20 B"},
		"float":       {"[node]\norigin='a.test'\nfree_floor = 1.5\n", "write 1.5GB"},
		"bad url":     {"[node]\norigin='a.test'\nurl='a.test'\n", "node.url"},
		"bad listen":  {"[node]\norigin='a.test'\n[tools]\nlisten='here'\n", "tools.listen"},
		"half tls":    {"[node]\norigin='a.test'\ncert_file='x'\n", "node.cert_file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Parse([]byte(c.text), nil)
			if core.CodeOf(err) != core.CodeInvalid || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want a mention of %q", err, c.want)
			}
		})
	}
}

func english(t *testing.T) *words.Printer {
	t.Helper()
	c, err := words.New(app.Words)
	if err != nil {
		t.Fatal(err)
	}
	return c.Printer("en")
}
