package pack

import (
	"archive/tar"
	"bytes"
	"maps"
	"slices"
	"testing"

	"filippo.io/age"
	"pgregory.net/rapid"

	"entrechat/internal/core"
)

func identity(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func sealFor(t testing.TB, id *age.X25519Identity, plain []byte) []byte {
	t.Helper()
	sealed, err := encrypt(plain, id.Recipient().String())
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealedOpensAgain(t *testing.T) {
	people, err := EncodePeople([]Person{{User: "ana", Mail: "ana@elsewhere.test", Lang: "fr", Names: []string{"info@chaton-a.test"}}, {User: "bo"}})
	if err != nil {
		t.Fatal(err)
	}
	layout, err := EncodeLayout([]Share{{Kind: KindMaildir, Path: "srv/mail/{domain}/{local}"}})
	if err != nil {
		t.Fatal(err)
	}
	files := Files{PeopleName: people, LayoutName: layout, "legal/legal.md": []byte("# Terms\n"), "config/etc/main.cf": {}}
	plain, err := tarOf(files)
	if err != nil {
		t.Fatal(err)
	}
	again, err := tarOf(maps.Clone(files))
	if err != nil || !bytes.Equal(plain, again) {
		t.Errorf("the same files are another tar: %v", err)
	}
	id := identity(t)
	got, err := Open(bytes.NewReader(sealFor(t, id, plain)), id)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.People) != 2 || got.People[0].Names[0] != "info@chaton-a.test" || len(got.Shares) != 1 || !maps.EqualFunc(got.Files, files, bytes.Equal) {
		t.Errorf("opened: %+v", got)
	}
	if _, err := Open(bytes.NewReader(sealFor(t, id, plain)), identity(t)); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("another key: %v", err)
	}
}

// TestTarIsReadStrictly: a tar that tarOf does not write is refused.
func TestTarIsReadStrictly(t *testing.T) {
	for name, heads := range map[string][]tar.Header{
		"link":              {{Typeflag: tar.TypeSymlink, Name: "config/a", Linkname: "/etc/passwd"}},
		"hard link":         {{Typeflag: tar.TypeLink, Name: "config/a", Linkname: "config/b"}},
		"folder":            {{Typeflag: tar.TypeDir, Name: "config/"}},
		"device":            {{Typeflag: tar.TypeChar, Name: "config/null"}},
		"fifo":              {{Typeflag: tar.TypeFifo, Name: "config/fifo"}},
		"out":               {{Typeflag: tar.TypeReg, Name: "config/../../etc/passwd"}},
		"root":              {{Typeflag: tar.TypeReg, Name: "/config/a"}},
		"no item":           {{Typeflag: tar.TypeReg, Name: "secret/a"}},
		"bare":              {{Typeflag: tar.TypeReg, Name: "config"}},
		"backslash":         {{Typeflag: tar.TypeReg, Name: `config/..\..\a`}},
		"file, then folder": {{Typeflag: tar.TypeReg, Name: "config/a"}, {Typeflag: tar.TypeReg, Name: "config/a/b"}},
		"folder, then file": {{Typeflag: tar.TypeReg, Name: "config/a/b/c"}, {Typeflag: tar.TypeReg, Name: "config/a"}},
		"twice":             {{Typeflag: tar.TypeReg, Name: "config/a"}, {Typeflag: tar.TypeReg, Name: "config/a"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := tar.NewWriter(&out)
			for _, h := range heads {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			id := identity(t)
			if c, err := Open(bytes.NewReader(sealFor(t, id, out.Bytes())), id); core.CodeOf(err) != core.CodeInvalid {
				t.Errorf("taken: %+v, %v", c, err)
			}
		})
	}
	if _, err := tarOf(Files{"config/big": make([]byte, MaxPlain+1)}); core.CodeOf(err) != core.CodeFull {
		t.Errorf("too large: %v", err)
	}
}

func FuzzTar(f *testing.F) {
	plain, err := tarOf(Files{PeopleName: []byte(`{"people":[]}`), "config/a": []byte("b")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Fuzz(func(t *testing.T, text []byte) {
		files, err := readTar(bytes.NewReader(text))
		if err != nil {
			return
		}
		for name := range files {
			if !ValidName(name) {
				t.Errorf("the name %q", name)
			}
		}
		again, err := tarOf(files)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readTar(bytes.NewReader(again)); err != nil || !maps.EqualFunc(got, files, bytes.Equal) {
			t.Errorf("written and read again: %v", err)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("user;mail;lang;names\nana;ana@elsewhere.test;fr;info@chaton-a.test,ana.b@chaton-a.test\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		people, err := ReadCSV(text)
		if err != nil {
			return
		}
		written, err := EncodePeople(people)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := readPeople(written); err != nil || len(got) != len(people) {
			t.Errorf("%d people became %d: %v", len(people), len(got), err)
		}
	})
}

func TestCSV(t *testing.T) {
	got, err := ReadCSV([]byte("\xef\xbb\xbfuser;mail;lang;names\nana;ana@elsewhere.test;fr; info@a.test, b@a.test\nbo;;;\n"))
	if err != nil || len(got) != 2 || got[0].User != "ana" || !slices.Equal(got[0].Names, []string{"info@a.test", "b@a.test"}) || got[1].Mail != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "ana;b", "user\nana\nana", "user;mail\n;x@y", "user;choice\nana;maybe", "user\n\"ana\x00\""} {
		if got, err := ReadCSV([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// TestEffort: the sum of proved times decides, and nothing else.
func TestEffort(t *testing.T) {
	const now core.Moment = 1 << 50
	rapid.Check(t, func(t *rapid.T) {
		p := Pack{}
		old := rapid.IntRange(-1, 11).Draw(t, "old")
		var took [3]int64
		for i := range took {
			took[i] = rapid.Int64Range(0, 8*3600).Draw(t, "took")
		}
		for n, name := range Names() {
			i := Item{Name: name, State: There, Proved: now.Add(-Fresh)}
			if n == old {
				i.Proved--
			}
			p.Items = append(p.Items, i)
		}
		p.Items[2].TookS, p.Items[4].TookS, p.Items[6].TookS = took[0], took[1], took[2]
		sum := took[0] + took[1] + took[2]
		want := old < 0 && took[0]*took[1]*took[2] > 0 && sum <= 16*3600
		if got := p.FitsWeekend(now); got != want {
			t.Fatalf("%v at %d s, old %d", got, sum, old)
		}
		red := p.Red(now)
		if old < 0 && len(red) > 0 || old >= 0 && (len(red) != 1 || red[0] != Names()[old]) {
			t.Fatalf("red: %v, old is %d", red, old)
		}
	})
}
