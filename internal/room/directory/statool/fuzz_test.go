package statool_test

import (
	"bytes"
	"strings"
	"testing"

	"entrechat/internal/room/directory/statool"
)

func replaceOnce(t *testing.T, text, old, now string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q is there %d times", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, now, 1)
}

// FuzzParse: anything may be fetched. What is read keeps its bytes, shows nothing
// dangerous, survives the writing back of its own views and one edit.
func FuzzParse(f *testing.F) {
	for _, data := range fixtures(f) {
		f.Add(data, "Nouveau nom")
	}
	f.Fuzz(func(t *testing.T, data []byte, value string) {
		d, err := statool.Parse(data)
		if err != nil {
			return
		}
		harmless(t, d)
		for _, err := range []error{
			statool.Put(d, statool.Read[statool.Organization](d)),
			statool.Put(d, statool.Read[statool.Service](d)),
			statool.Put(d, statool.Read[statool.Federation](d)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(d.Bytes(), data) {
			t.Fatalf("%q became %q", data, d.Bytes())
		}
		if d.Set("organization.name", value) != nil {
			return
		}
		again, err := statool.Parse(d.Bytes())
		if err != nil {
			return // the edit made it too long
		}
		if got, ok := again.Get("organization.name"); !ok || got != value {
			t.Fatalf("%q was set to %q, is %q", data, value, got)
		}
	})
}
