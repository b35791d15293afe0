package directory

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"entrechat/internal/room/directory/catalogue"
)

func TestChanges(t *testing.T) {
	pad := catalogue.Service{Slug: "pad", Name: "Pad"}
	full := pad
	full.Access.Load = "full"
	over := catalogue.Service{Slug: "pad", Name: "Pad", Ended: true}
	old := pad
	old.Author = catalogue.Author{Key: "a.test", Said: 5}
	confirmed := func(days int) catalogue.Service {
		s := pad
		s.Author.Said = old.Author.Said.Add(time.Duration(days) * 24 * time.Hour)
		return s
	}
	for name, c := range map[string]struct{ said, now, want []catalogue.Service }{
		"nothing at all":    {},
		"the first time":    {now: []catalogue.Service{pad}, want: []catalogue.Service{pad}},
		"said long ago":     {said: []catalogue.Service{old}, now: []catalogue.Service{pad}},
		"full now":          {said: []catalogue.Service{pad}, now: []catalogue.Service{full}, want: []catalogue.Service{full}},
		"withdrawn":         {said: []catalogue.Service{full}, want: []catalogue.Service{over}},
		"confirmed since":   {said: []catalogue.Service{old}, now: []catalogue.Service{confirmed(8)}, want: []catalogue.Service{pad}},
		"confirmed just so": {said: []catalogue.Service{old}, now: []catalogue.Service{confirmed(6)}},
		"withdrawn already": {said: []catalogue.Service{over}},
		"back again":        {said: []catalogue.Service{over}, now: []catalogue.Service{pad}, want: []catalogue.Service{pad}},
	} {
		got := changes(c.said, c.now)
		if len(got) != len(c.want) {
			t.Errorf("%s: %+v", name, got)
			continue
		}
		for i := range got {
			if !sameSheet(got[i], c.want[i]) {
				t.Errorf("%s: %+v", name, got[i])
			}
		}
	}
}

// A file of ours that this disk damaged is not a service that ended: what was said of it
// stays.
func TestADamagedFileIsNoEnd(t *testing.T) {
	r := nodeRoom(t)
	for name, text := range map[string][]byte{hoster: class(org, "Organization"), "pad": class(pad, "Service")} {
		if _, err := r.Publish(t.Context(), name, text); err != nil {
			t.Fatal(err)
		}
	}
	ended := func() bool {
		t.Helper()
		if err := r.say(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, said, err := r.Catalogue.Hoster(t.Context(), string(r.n.Self))
		if err != nil || len(said) != 1 {
			t.Fatalf("%+v, %v", said, err)
		}
		return said[0].Ended
	}
	path := filepath.Join(r.n.Dir, "pad"+suffix)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, harmed := range [][]byte{make([]byte, len(text)), append(bytes.Clone(text), 0)} {
		if err := os.WriteFile(path, harmed, 0o600); err != nil {
			t.Fatal(err)
		}
		if ended() {
			t.Error("a damaged file is said to have ended")
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !ended() {
		t.Error("a withdrawn file has not ended")
	}
}
