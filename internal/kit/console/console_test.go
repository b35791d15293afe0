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
