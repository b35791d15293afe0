package whose

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

func paths(items []Item, user string) (out []string) {
	for _, it := range items {
		if it.User == user {
			out = append(out, it.Path)
		}
	}
	return out
}

func TestResolve(t *testing.T) {
	people := []Person{{User: "alice", Mail: "al@x.test"}, {User: "bob", Mail: "bob@y.test"}, {User: "../carol", Mail: "c@x.test"}, {User: "{mail}", Mail: "d@x.test"}}
	shares := []Share{{Files, "home/{user}/files", false}, {Maildir, "/mail/{domain}/{local}/", false}, {Wiki, "wiki/pages", true}, {Files, "all", false}, {Files, "by/{domain}", false}, {"odd", "x", true}}
	items, _, hidden := Resolve("cloud", people, shares, nil)
	if got := paths(items, "alice"); !slices.Equal(got, []string{"home/alice/files", "mail/x.test/al"}) {
		t.Errorf("alice has %v", got)
	}
	if got := paths(items, "../carol"); !slices.Equal(got, []string{"mail/x.test/c"}) {
		t.Errorf("carol has %v", got)
	}
	if got := paths(items, "{mail}"); !slices.Equal(got, []string{"home/{mail}/files", "mail/x.test/d"}) {
		t.Errorf("a name that looks like a mark: %v", got)
	}
	if got := paths(items, ""); !slices.Equal(got, []string{"wiki/pages"}) {
		t.Errorf("everybody has %v", got)
	}
	if hidden != (Hidden{Nobody: 3, Name: 1}) {
		t.Errorf("%+v", hidden)
	}
}

// TestNobodySeesWhatIsNotTheirs: names may be chosen so that one person's folder is another's.
func TestNobodySeesWhatIsNotTheirs(t *testing.T) {
	for name, c := range map[string]struct {
		people []Person
		shares []Share
		want   map[string][]string
		common int
	}{
		"a user called like a folder of all": {
			[]Person{{User: "home"}, {User: "bob"}},
			[]Share{{Files, "{user}", false}, {Files, "home/{user}", false}},
			map[string][]string{"home": {"home/home"}, "bob": {"bob", "home/bob"}},
			1,
		},
		"one local part at two domains": {
			[]Person{{User: "a", Mail: "info@x.test"}, {User: "b", Mail: "info@y.test"}}, []Share{{Maildir, "mail/{local}", false}}, map[string][]string{}, 1,
		},
		"a public folder around private ones": {
			[]Person{{User: "a"}}, []Share{{Wiki, "wiki", true}, {Files, "wiki/of/{user}", false}}, map[string][]string{"a": {"wiki/of/a"}}, 1,
		},
		"one's own public folder around one's private one": {
			[]Person{{User: "a"}}, []Share{{Wiki, "home/{user}", true}, {Maildir, "home/{user}/mail", false}}, map[string][]string{"a": {"home/a/mail"}}, 1,
		},
		"one folder public and private": {
			[]Person{{User: "a"}}, []Share{{Wiki, "home/{user}", true}, {Files, "home/{user}", false}}, map[string][]string{}, 1,
		},
		"a public folder in one's own": {
			[]Person{{User: "a"}}, []Share{{Files, "home/{user}", false}, {Files, "home/{user}/public", true}}, map[string][]string{"a": {"home/a", "home/a/public"}}, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			items, shut, hidden := Resolve("s", c.people, c.shares, nil)
			got := map[string][]string{}
			for _, it := range items {
				got[it.User] = append(got[it.User], it.Path)
			}
			for user, want := range c.want {
				if !slices.Equal(got[user], want) {
					t.Errorf("%s has %v, not %v", user, got[user], want)
				}
			}
			for _, p := range c.people {
				left, _, _ := Resolve("s", []Person{p}, c.shares, shut)
				if slices.ContainsFunc(left, func(it Item) bool { return slices.Contains(shut, it.Path) }) {
					t.Errorf("%v is open once the others left", left)
				}
			}
			if len(got) != len(c.want) || hidden.Common != c.common {
				t.Errorf("%v, hidden %d", got, hidden.Common)
			}
		})
	}
}

// TestApart: of all items that are left, none is or lies around another person's.
func TestApart(t *testing.T) {
	names := rapid.SampledFrom([]string{"a", "b", "home", "x"})
	rapid.Check(t, func(t *rapid.T) {
		var people []Person
		for _, n := range rapid.SliceOfNDistinct(names, 1, 4, rapid.ID[string]).Draw(t, "people") {
			people = append(people, Person{User: n, Mail: names.Draw(t, "local") + "@" + names.Draw(t, "domain")})
		}
		var shares []Share
		for range rapid.IntRange(1, 4).Draw(t, "shares") {
			parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "home", "{user}", "{local}", "{domain}", "x{user}"}), 1, 3).Draw(t, "path")
			shares = append(shares, Share{Files, strings.Join(parts, "/"), rapid.Bool().Draw(t, "public")})
		}
		items, shut, _ := Resolve("s", people, shares, nil)
		if left, _, _ := Resolve("s", people[:1], shares, shut); slices.ContainsFunc(left, func(it Item) bool { return slices.Contains(shut, it.Path) }) {
			t.Fatalf("%v are open once the others left", left)
		}
		for _, a := range items {
			for _, b := range items {
				if !b.Public && a.User != b.User && (b.Path == a.Path || strings.HasPrefix(b.Path, a.Path+"/")) {
					t.Fatalf("%+v shows %+v", a, b)
				}
			}
		}
	})
}

func FuzzFill(f *testing.F) {
	f.Add("home/{user}", "../x", "a@b.test")
	f.Add("{mail}/..", "a", "../@..")
	f.Fuzz(func(t *testing.T, text, user, mail string) {
		at, ok := fill(text, Person{User: user, Mail: mail})
		if ok && (!filepath.IsLocal(at) || strings.ContainsRune(at, 0)) {
			t.Errorf("%q", at)
		}
	})
}

// TestLargeFolder: a list is cut, what is taken away is whole.
func TestLargeFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range MaxNames + 1 {
		if err := syscall.Mknod(filepath.Join(dir, "a", strconv.Itoa(i)), syscall.S_IFREG|0o600, 0); err != nil {
			t.Fatal(err)
		}
	}
	v, err := Open(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if _, _, more, err := v.List("", 0, 0); err != nil || !more {
		t.Errorf("%v %v", more, err)
	}
	if all, err := v.Names(""); err != nil || len(all) != MaxNames+1 {
		t.Errorf("%d names, %v", len(all), err)
	}
	n := 0
	if err := v.Walk("", func(string, fs.FileInfo) error { n++; return nil }); err != nil || n != MaxNames+1 {
		t.Errorf("%d files, %v", n, err)
	}
}

// world is a snapshot with what people and attackers leave in it.
func world(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"a/file": "mine", "a/sub/deep": "deep", "b/secret": "theirs", "outside": "no", "a/odd\n\xff": "odd"} {
		must(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		must(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	must(os.Symlink("../b/secret", filepath.Join(dir, "a", "link")))
	must(os.Symlink("/etc", filepath.Join(dir, "a", "etc")))
	must(os.Symlink("../b", filepath.Join(dir, "a", "other")))
	must(os.Symlink("b", filepath.Join(dir, "c")))
	must(syscall.Mkfifo(filepath.Join(dir, "a", "pipe"), 0o600))
	return dir
}

func TestView(t *testing.T) {
	dir := world(t)
	v, err := Open(dir, "a")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, bad := range []string{"link", "etc", "etc/passwd", "other/secret", "../b/secret", "pipe", "none", "sub/../file", "/../outside", "./file", "a\x00b", "sub//deep"} {
		if f, _, err := v.File(bad); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("%q: %v %v", bad, f, err)
		}
	}
	f, info, err := v.File("/sub/deep")
	if err != nil || info.Size() != 4 {
		t.Fatal(err)
	}
	_ = f.Close()
	list, all, more, err := v.List("", 0, 10)
	if err != nil || all != 3 || more || len(list) != 3 || list[0].Name != "sub" || !list[0].Dir || list[1].Name != "file" {
		t.Errorf("%+v %d %v", list, all, err)
	}
	if list, all, _, err := v.List("", 1, 1); err != nil || all != 3 || len(list) != 1 || list[0].Name != "file" {
		t.Errorf("%+v %v", list, err)
	}
	var names []string
	if err := v.Walk("", func(name string, _ fs.FileInfo) error { names = append(names, name); return nil }); err != nil || !slices.Equal(names, []string{"sub/deep", "file", "odd\n\xff"}) {
		t.Errorf("%q %v", names, err)
	}
	for _, bad := range []string{"c", "a/other", "a/file", "none"} {
		if v, err := Open(dir, bad); err == nil {
			v.Close()
			t.Errorf("%q is open", bad)
		}
	}
	if got := Shown("odd\n\xff\u202ex"); got != "odd���x" {
		t.Errorf("%q", got)
	}
}
