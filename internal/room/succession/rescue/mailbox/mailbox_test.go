package mailbox

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/succession/rescue/whose"
)

func maildir(t *testing.T, files map[string]string) whose.View {
	t.Helper()
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".&AOk-t&AOk-.2025/cur", ".broken"} {
		if err := os.MkdirAll(filepath.Join(dir, "m", sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, "m", name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Date(2026, 11, 2, 3, 4, 5, 0, time.UTC)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "m", "cur", "9.link:2,S")); err != nil {
		t.Fatal(err)
	}
	v, err := whose.Open(dir, "m")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func TestFoldersAndMessages(t *testing.T) {
	v := maildir(t, map[string]string{
		"cur/100.a:2,S":     "From: =?iso-8859-1?Q?Andr=E9?= <a@x.test>\r\nSubject: =?utf-8?B?w6l0w6k=?=\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nbody",
		"new/2000.b":        packed("From: b@x.test\nSubject: packed \u202eevil\n\nhello"),
		"cur/30.c:2,":       "no head at all",
		".Sent/cur/1.d:2,S": "Subject: sent\n\nx",
	})
	folders, err := Folders(v)
	if err != nil || len(folders) != 3 || folders[0] != (Folder{"", "", 3}) || folders[1].Name != "été/2025" || folders[2] != (Folder{".Sent", "Sent", 1}) {
		t.Errorf("%+v %v", folders, err)
	}
	list, all, err := List(v, "", 0, 10)
	if err != nil || all != 3 || len(list) != 3 {
		t.Fatalf("%+v %v", list, err)
	}
	if list[0].Subject != "packed �evil" || list[1].Subject != "été" || !strings.HasPrefix(list[1].From, "André") || list[2].File != "cur/30.c:2," {
		t.Errorf("%+v", list)
	}
	if list, all, err := List(v, "", 1, 1); err != nil || all != 3 || len(list) != 1 || list[0].Subject != "été" {
		t.Errorf("%+v %v", list, err)
	}
	for _, bad := range []string{"tmp/x", "cur/9.link:2,S", "../m/cur/100.a:2,S", "cur"} {
		if _, _, err := Open(v, bad); err == nil {
			t.Errorf("%s is open", bad)
		}
	}
}

func TestMbox(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	v := maildir(t, map[string]string{
		"cur/1.a:2,FS": "Subject: one\r\n\r\nFrom here\r\n>From there\r\nnot From\r\n" + long + "From x",
		"cur/2.b:2,RT": "Subject: two\n\n",
		"new/3.c":      packed("Subject: three\n\nFrom the packed\n"),
	})
	var out bytes.Buffer
	n, lost, err := Write(&out, v, "")
	if err != nil || n != 3 || lost != 0 {
		t.Fatalf("%d %d %v", n, lost, err)
	}
	head := "From MAILER-DAEMON Mon Nov  2 03:04:05 2026\n"
	want := head + "Status: RO\nX-Status: F\nSubject: one\n\n>From here\n>>From there\nnot From\n" + long + "From x\n\n" +
		head + "Status: O\nX-Status: "
	got := out.String()
	if !strings.HasPrefix(got, want) || !strings.HasSuffix(got, head+"Status: O\nSubject: three\n\n>From the packed\n\n") || strings.Count(got, "\nFrom MAILER") != 2 {
		t.Errorf("%.300s ... %s", got, got[len(got)-400:])
	}
	if n, _, err := Write(&out, v, ".none"); n != 0 || err != nil {
		t.Errorf("%d %v", n, err)
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"Sent": "Sent", "&AOk-t&AOk-": "été", "A&-B": "A&B", "&": "&", "&zz-": "&zz-", "&!!!-x": "&!!!-x", "&2D3eAA-": "😀"} {
		if got := decode(in); got != want {
			t.Errorf("%q: %q, not %q", in, got, want)
		}
	}
}

// FuzzBody: what was written can be undone, and no message begins inside another.
func FuzzBody(f *testing.F) {
	f.Add("a\nFrom b\n>From c\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "\r") || strings.Contains(text, strings.Repeat(">", 10)) { // the reader of this test is short
			return
		}
		var b bytes.Buffer
		out := bufio.NewWriter(&b)
		if _, err := body(out, bufio.NewReaderSize(strings.NewReader(text), 16)); err != nil {
			t.Fatal(err)
		}
		_ = out.Flush()
		var back strings.Builder
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "From ") {
				t.Fatalf("%q", b.String())
			}
			if rest := strings.TrimLeft(line, ">"); strings.HasPrefix(rest, "From ") {
				line = line[1:]
			}
			fmt.Fprint(&back, line)
		}
		if back.String() != text {
			t.Fatalf("%q is %q", text, back.String())
		}
	})
}
