package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

type doc struct {
	Role string         `json:"role"`
	N    int64          `json:"n,omitzero"`
	Sub  map[string]any `json:"sub,omitempty"`
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"duplicate":      `{"role":"a","role":"b"}`,
		"unknown":        `{"role":"a","x":1}`,
		"other case":     `{"ROLE":"a"}`,
		"float":          `{"role":"a","n":1.0}`,
		"exponent":       `{"role":"a","n":1e3}`,
		"too large":      `{"role":"a","n":9007199254740992}`,
		"minus zero":     `{"role":"a","n":-0}`,
		"trailing":       `{"role":"a"} {}`,
		"invalid utf-8":  "{\"role\":\"\xff\"}",
		"lone surrogate": `{"role":"\ud800"}`,
		"deep":           strings.Repeat(`{"sub":`, 17) + `{}` + strings.Repeat(`}`, 17),
		"a million deep": strings.Repeat(`[`, 1_000_000),
		"empty":          ``,
		"wrong type":     `{"role":5}`,
	} {
		t.Run(name, func(t *testing.T) {
			var d doc
			if err := wire.Decode([]byte(text), &d); core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("accepted as %+v, %v", d, err)
			}
		})
	}
	var d doc
	if err := wire.Decode([]byte(` {"role":"a","n":9007199254740991} `), &d); err != nil || d.N != 9007199254740991 {
		t.Fatal(d, err)
	}
	if err := wire.Peek([]byte(`{"role":"a","later":true}`), &d); err != nil {
		t.Fatal(err)
	}
	if err := wire.Peek([]byte(`{"role":"a","later":1.5}`), &d); err == nil {
		t.Fatal("a float is refused even in a member we do not know")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"role":"a","n":3,"sub":{"x":[1,2,{"y":null}]}}`))
	f.Add([]byte(`{"role":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var d doc
		if wire.Decode(data, &d) != nil {
			return
		}
		text, err := wire.Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		var again doc
		if err := wire.Decode(text, &again); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		second, err := wire.Encode(again)
		if err != nil || !bytes.Equal(text, second) {
			t.Fatalf("%s became %s, %v", text, second, err)
		}
	})
}
