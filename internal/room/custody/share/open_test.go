package share_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"entrechat/internal/room/custody/share"
)

const script = "../../../../docs/spec/custody.py"

// hand is what people have after a fire: files of a box, a deal's document, shares.
type hand struct {
	t      *testing.T
	dir    string
	shares []share.Share
}

const content = "24 words\x00 of nobody\n"

func newHand(t *testing.T) hand {
	t.Helper()
	secret, id, shares, c := deal(t, 3, 5)
	h := hand{t, t.TempDir(), shares}
	recipient, err := secret.Recipient(id)
	must(t, err)
	var box bytes.Buffer
	w, err := age.Encrypt(&box, recipient)
	must(t, err)
	_, err = w.Write([]byte(string(id) + "\n" + content))
	must(t, err)
	must(t, w.Close())
	h.file("box.age", box.Bytes())
	h.envelope("box.json", map[string]any{"deal": id, "box": box.Bytes()})
	h.envelope("deal.json", map[string]any{"id": id, "k": 3, "commitments": c})
	for i, s := range shares {
		h.file("share"+string(rune('1'+i)), []byte(s.Text()+"\n"))
	}
	return h
}

func (h hand) file(name string, data []byte) {
	h.t.Helper()
	must(h.t, os.WriteFile(filepath.Join(h.dir, name), data, 0o600))
}

func (h hand) envelope(name string, payload any) {
	h.t.Helper()
	inner, err := json.Marshal(payload)
	must(h.t, err)
	outer, err := json.Marshal(map[string]any{"payloadType": "x", "payload": base64.StdEncoding.EncodeToString(inner), "signatures": []string{}})
	must(h.t, err)
	h.file(name, outer)
}

// run runs custody.py in the directory and answers what it wrote, what it said, and
// whether it succeeded.
func (h hand) run(stdin string, args ...string) (out, said string, ok bool) {
	h.t.Helper()
	path, err := filepath.Abs(script)
	must(h.t, err)
	cmd := exec.CommandContext(h.t.Context(), "python3", append([]string{path}, args...)...)
	cmd.Dir, cmd.Stdin = h.dir, strings.NewReader(stdin)
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		h.t.Fatal(err)
	}
	if strings.Contains(e.String(), "Traceback") {
		h.t.Errorf("custody.py %v: %s", args, &e)
	}
	return o.String(), e.String(), err == nil
}

// A box opens with Python and the age program alone.
func TestOpenWithoutEntrechat(t *testing.T) {
	h := newHand(t)
	for name, args := range map[string][]string{
		"three files":               {"box.age", "share2", "share5", "share1"},
		"with the deal":             {"--deal", "deal.json", "box.age", "share2", "share3", "share4"},
		"the document of a box":     {"box.json", "share1", "share3", "share4", "share5"},
		"one share twice, and more": {"box.json", "share1", "share1", "share2", "share3"},
	} {
		if out, said, ok := h.run("", args...); !ok || out != content {
			t.Errorf("%s: %q\n%s", name, out, said)
		}
	}
	text := h.shares[4].Text()
	h.file("sheet", []byte("   1   "+text[:20]+"\n  21   "+text[20:40]+"\n  41   "+text[40:60]+"\n  61   "+text[60:80]+"\n  81   "+text[80:]+"\n"+h.shares[1].Text()))
	if out, said, ok := h.run("", "box.age", "sheet", "share1"); !ok || out != content {
		t.Errorf("rows of a sheet: %q\n%s", out, said)
	}
	typed := h.shares[0].Text() + "\n" + strings.ToUpper(text[:30]) + " " + text[30:] + "\n" + h.shares[2].Text() + "\n\n"
	if out, said, ok := h.run(typed, "box.age"); !ok || out != content {
		t.Errorf("typed: %q\n%s", out, said)
	}
}

// falsify gives a share another value, with a checksum that is right.
func falsify(t *testing.T, number int) share.Share {
	t.Helper()
	_, _, others, _ := deal(t, 3, 5)
	return others[number-1]
}

func TestOpenWithoutEntrechatRefuses(t *testing.T) {
	h := newHand(t)
	other := falsify(t, 2)
	wrong := other
	wrong.Deal = h.shares[0].Deal
	h.file("other", []byte(other.Text()))
	h.file("false2", []byte(wrong.Text()))
	bad := []byte(h.shares[2].Text())
	bad[50] = map[bool]byte{true: 'p', false: 'q'}[bad[50] == 'q']
	h.file("mistyped", bad)
	for name, row := range map[string]struct {
		args  []string
		opens bool
		says  string
	}{
		"false, named by the deal":   {[]string{"--deal", "deal.json", "box.age", "share1", "false2", "share3"}, false, "share 2 is false"},
		"false, but enough others":   {[]string{"--deal", "deal.json", "box.age", "share1", "false2", "share3", "share4"}, true, "share 2 is false"},
		"false, without the deal":    {[]string{"box.age", "share1", "false2", "share3"}, false, "one is false"},
		"false, found by the others": {[]string{"box.age", "share1", "false2", "share3", "share4"}, true, "share 2 is false"},
		"a true one and a false one": {[]string{"box.age", "false2", "share2", "share3", "share4"}, true, "share 2 is false"},
		"of another deal":            {[]string{"--deal", "deal.json", "box.age", "share1", "other", "share3"}, false, "share 2 is of another deal"},
		"of another deal, no deal":   {[]string{"box.age", "share1", "other", "share3", "share5"}, true, ""},
		"too few":                    {[]string{"box.age", "share1", "share3"}, false, "2 shares, 3 are needed"},
		"one twice":                  {[]string{"box.age", "share1", "share3", "share3"}, false, "2 shares, 3 are needed"},
		"mistyped":                   {[]string{"box.age", "share1", "mistyped", "share2"}, false, "look at sign 51 again"},
		"not a share":                {[]string{"box.age", "box.json", "share2"}, false, "not a share"},
		"not a deal":                 {[]string{"--deal", "box.json", "box.age", "share2"}, false, "not the document of a deal"},
		"no such file":               {[]string{"box.age", "share9"}, false, "share9"},
		"another box":                {[]string{"share5", "share1", "share2", "share3"}, false, "do not open this box"},
	} {
		out, said, ok := h.run("", row.args...)
		if ok != row.opens || ok && out != content || !ok && out != "" || !strings.Contains(said, row.says) {
			t.Errorf("%s: %v %q\n%s", name, ok, out, said)
		}
		if secret := h.shares[0].Text(); strings.Contains(said, secret[30:60]) {
			t.Errorf("%s: a share was printed", name)
		}
	}
}
