package console_test

import (
	"strings"
	"testing"

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
