package share_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// check runs `share check` and answers what it wrote and what it returned.
func check(t *testing.T, in string, args ...string) (string, error) {
	t.Helper()
	c := share.Command(printers(t)[1])
	c.PersistentFlags().Bool("json", false, "")
	var out bytes.Buffer
	c.SetIn(strings.NewReader(in))
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(append([]string{"check"}, args...))
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.Execute()
	return out.String(), err
}

func TestCheckNeverShowsAShare(t *testing.T) {
	_, _, shares, _ := deal(t, 3, 5)
	one, two := shares[0].Text(), shares[1].Text()
	spaced := one[:30] + " " + one[30:50] + "\n" + one[50:] + "\n"
	file := filepath.Join(t.TempDir(), "shares")
	must(t, os.WriteFile(file, []byte(spaced+strings.ToUpper(two)+"\n"), 0o600))
	bad := two[:50] + "b" + two[51:]
	for name, row := range map[string]struct {
		in   string
		args []string
		says []string
		code core.Code
	}{
		"typed":        {spaced, []string{"-"}, []string{"share 1 of deal " + shares[0].Deal, "3 are needed"}, ""},
		"two":          {"", []string{file}, []string{"share 1 of", "share 2 of"}, ""},
		"json":         {"", []string{file, "--json"}, []string{`"number": 2`, `"k": 3`, `"ok": true`}, ""},
		"one bad":      {bad, []string{"-"}, nil, core.CodeInvalid},
		"good and bad": {one + "\n" + bad, []string{"-"}, []string{"share 1 of", "Text 2: ", "sign number 51"}, core.CodeInvalid},
		"empty":        {"\n", []string{"-"}, nil, core.CodeInvalid},
		"no file":      {"", []string{file + "x"}, nil, core.CodeNotFound},
		"too large":    {strings.Repeat("q", 70<<10), []string{"-"}, nil, core.CodeNotFound},
	} {
		out, err := check(t, row.in, row.args...)
		if core.CodeOf(err) != row.code {
			t.Errorf("%s: %v", name, err)
		}
		for _, want := range row.says {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q is not in %q", name, want, out)
			}
		}
		for _, secret := range []string{one, two} {
			if strings.Contains(out, secret[30:50]) {
				t.Errorf("%s: a share was shown: %s", name, out)
			}
		}
	}
}
