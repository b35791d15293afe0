package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

type doc struct {
	Role string           `json:"role"`
	N    int64            `json:"n,omitzero"`
	Args map[string]int64 `json:"args,omitempty"`
	Raw  json.RawMessage  `json:"raw,omitzero"`
	Data []byte           `json:"data,omitempty"`
}

func TestDecode(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct {
		in           string
		decode, peek bool
	}{
		"plain":                 {`{"role":"a"}`, true, true},
		"white space":           {" {\n\"role\" : \"a\" }\n", true, true},
		"largest integer":       {`{"n":9007199254740991}`, true, true},
		"smallest integer":      {`{"n":-9007199254740991}`, true, true},
		"unknown member":        {`{"role":"a","x":1}`, false, true},
		"other case":            {`{"ROLE":"a"}`, false, true},
		"duplicate":             {`{"role":"a","role":"b"}`, false, false},
		"duplicate escaped":     {`{"role":"a","r\u006fle":"b"}`, false, false},
		"duplicate in a map":    {`{"args":{"a":1,"a":2}}`, false, false},
		"duplicate in raw":      {`{"raw":{"a":1,"a":2}}`, false, false},
		"duplicate in unknown":  {`{"x":{"a":1,"a":2}}`, false, false},
		"float":                 {`{"n":1.0}`, false, false},
		"exponent":              {`{"n":1e3}`, false, false},
		"float in raw":          {`{"raw":1.5}`, false, false},
		"minus zero":            {`{"n":-0}`, false, false},
		"leading zero":          {`{"n":01}`, false, false},
		"2^53":                  {`{"n":9007199254740992}`, false, false},
		"a thousand digits":     {`{"n":` + strings.Repeat("9", 1000) + `}`, false, false},
		"wrong type":            {`{"role":1}`, false, false},
		"invalid UTF-8":         {"{\"role\":\"\xff\"}", false, false},
		"lone surrogate":        {`{"role":"\ud800"}`, false, false},
		"trailing value":        {`{"role":"a"}{}`, false, false},
		"trailing text":         {`{"role":"a"} x`, false, false},
		"cut":                   {`{"role":"a"`, false, false},
		"empty":                 {``, false, false},
		"byte order mark":       {"\ufeff{}", false, false},
		"comment":               {`{} // x`, false, false},
		"16 deep in raw":        {`{"raw":` + deep(15) + `}`, true, true},
		"17 deep in raw":        {`{"raw":` + deep(16) + `}`, false, false},
		"a million deep":        {deep(1_000_000), false, false},
		"base64":                {`{"data":"YWI="}`, true, true},
		"base64, stray bits":    {`{"data":"YWJ="}`, false, false},
		"base64, line break":    {`{"data":"YW\nI="}`, false, false},
		"base64 without filler": {`{"data":"YWI"}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			var d doc
			verify(t, "Decode", wire.Decode([]byte(c.in), &d), c.decode)
			d = doc{}
			verify(t, "Peek", wire.Peek([]byte(c.in), &d), c.peek)
		})
	}
}

func verify(t *testing.T, what string, err error, ok bool) {
	t.Helper()
	if (err == nil) != ok {
		t.Errorf("%s: err = %v, want ok = %v", what, err, ok)
	}
	if err != nil && core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("%s: code %s", what, core.CodeOf(err))
	}
}

func TestEncode(t *testing.T) {
	got, err := wire.Encode(doc{Role: "<b>&\u2028é", Args: map[string]int64{"b": 2, "a": 1}})
	if err != nil {
		t.Fatal(err)
	}
	if want := "{\"role\":\"<b>&\u2028é\",\"args\":{\"a\":1,\"b\":2}}"; string(got) != want {
		t.Errorf("got %s", got)
	}
	for _, v := range []any{1.5, int64(1) << 53, map[string]any{"x": 0.1}, "\xff"} {
		if out, err := wire.Encode(v); err == nil {
			t.Errorf("Encode(%v) = %s, want an error", v, out)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"role":"a","n":1,"args":{"b":2},"raw":[1,{"x":null}],"data":"YWI="}`))
	f.Add([]byte(`{"role":"a","role":"b"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		var d doc
		if wire.Decode(in, &d) != nil {
			return
		}
		// What we accept, we can write, and reading that again changes nothing.
		out, err := wire.Encode(d)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		var again doc
		if err := wire.Decode(out, &again); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		twice, err := wire.Encode(again)
		if err != nil || string(twice) != string(out) {
			t.Fatalf("%s became %s (%v)", out, twice, err)
		}
	})
}
