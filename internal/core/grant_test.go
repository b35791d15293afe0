package core_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"entrechat/internal/core"
)

// What was written when a grant had one field for each quantity reads, and is written, as
// it was.
func TestGrantsAreWrittenAsEver(t *testing.T) {
	for _, text := range []string{
		`{"kind":"store","bytes":200000000000,"rate_bits_s":20000000}`,
		`{"kind":"watch","every_s":60}`,
		`{"kind":"login","services":["cloud","pad"]}`,
		`{"kind":"custody"}`,
	} {
		var g core.Grant
		if err := json.Unmarshal([]byte(text), &g); err != nil {
			t.Fatal(text, err)
		}
		if again, err := json.Marshal(g); err != nil || string(again) != text {
			t.Errorf("%s was written %s, %v", text, again, err)
		}
	}
}

func TestGrantsThatAreNone(t *testing.T) {
	for _, text := range []string{
		`{"kind":5}`, `{"kind":"store","bytes":1.5}`, `{"kind":"store","bytes":"1"}`, `{"kind":"store","bytes":null}`,
		`{"kind":"login","services":[5]}`, `{"kind":"login","services":{"a":"b"}}`, `{"kind":"store","bytes":true}`, `[]`, `5`,
	} {
		var g core.Grant
		if err := json.Unmarshal([]byte(text), &g); err == nil {
			t.Errorf("%s was read: %+v", text, g)
		}
	}
}

func FuzzGrant(f *testing.F) {
	f.Add([]byte(`{"kind":"store","bytes":1,"a":0,"services":["x"],"y":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var g, again core.Grant
		if json.Unmarshal(text, &g) != nil {
			return
		}
		written, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s became %s: %v", text, written, err)
		}
		if g.Kind != again.Kind || !maps.Equal(g.Amounts, again.Amounts) || !maps.EqualFunc(g.Names, again.Names, slices.Equal) {
			t.Fatalf("%+v became %+v by %s", g, again, written)
		}
	})
}
