package console_test

import (
	"io"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

func TestTableAndJSON(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	o := &console.Out{W: &out, Err: &out, P: c.Printer("fr")}
	o.Table([]string{"words.never", "x"}, [][]string{{"été", "1"}, {"un mot plus long", "2"}})
	want := "jamais            ⟦x⟧\nété               1\nun mot plus long  2\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
	out.Reset()
	o.JSON = true
	if err := o.Emit(map[string]string{"a": "<é>"}, func() { t.Fatal("a person was spoken to") }); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\n  \"a\": \"<é>\"\n}\n" {
		t.Fatal(out.String())
	}
}

func TestStrangersTextIsHarmless(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	o := &console.Out{W: &out, Err: &out, P: c.Printer("fr")}
	o.Table([]string{"words.never", "x"}, [][]string{
		{"\x1b[2Jclean", "1"},
		{"e\u0301te\u0301", "2"},
		{"東京", "3", "more than the head"},
		{"two\nlines\tin one", "\u202egnp.exe"},
		{"bad \xff utf-8"},
	})
	o.Line("bell\a and csi \u009b31m\nsecond line")
	want := "jamais            ⟦x⟧\n" +
		"\ufffd[2Jclean         1\n" +
		"e\u0301te\u0301               2\n" +
		"東京              3         more than the head\n" +
		"two lines in one  \ufffdgnp.exe\n" +
		"bad \ufffd utf-8\n" +
		"bell\ufffd and csi \ufffd31m\nsecond line\n"
	if out.String() != want {
		t.Fatalf("got\n%swant\n%s", out.String(), want)
	}
}

func TestSeedWordsAsPeopleTypeThem(t *testing.T) {
	c, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	o := &console.Out{Err: io.Discard, In: strings.NewReader("# my words\n 1 abandon  02 Ability\n3. able 4) about\n"), P: c.Printer("fr")}
	got, err := o.ReadWords("")
	if err != nil || got != "abandon Ability able about" {
		t.Fatalf("%q %v", got, err)
	}
	if _, err := o.ReadWords("missing"); core.CodeOf(err) != core.CodeNotFound {
		t.Fatal(err)
	}
}
