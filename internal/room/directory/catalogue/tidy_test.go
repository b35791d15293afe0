package catalogue

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// harmless fails when a listing holds what no page should show.
func harmless(t *testing.T, h Hoster, s Service) {
	t.Helper()
	for what, text := range map[string]string{
		"name": h.Name, "about": h.About, "note": h.Note, "town": h.Town, "service": s.Name, "its about": s.About,
		"software": s.Software, "version": s.Version, "its town": s.Town, "price": s.Price, "limits": s.Limits,
	} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > MaxText || strings.ContainsFunc(text, func(r rune) bool {
			return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
		}) {
			t.Errorf("%s is %q", what, text)
		}
	}
	for _, link := range []string{h.Website, h.File, s.Website} {
		if u, err := url.Parse(link); err != nil || link != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			t.Errorf("a link to %q", link)
		}
	}
	if strings.ContainsAny(h.Contact, "<>\"' \n") || strings.HasPrefix(strings.ToLower(h.Contact), "javascript:") {
		t.Errorf("contact %q", h.Contact)
	}
}

func TestTidy(t *testing.T) {
	h := Hoster{
		Author: Author{Key: "a.test"}, Name: "A\x1b[2J\u202eevil", About: strings.Repeat("é", 5000), Website: "javascript:alert(1)", File: "https://u:p@a.test/",
		Town: "R\nennes", Country: "fra", Languages: []string{"fr", "xx-invalid", "fr"}, Contact: "https://a.test/\"><script>", State: "king", Ends: 5,
	}.Tidy()
	harmless(t, h, Service{})
	if h.Name != "A[2Jevil" || h.Website != "" || h.File != "" || h.Town != "R ennes" || h.Country != "" || len(h.Languages) != 1 || h.Contact != "" || h.State != "" || h.Ends != 0 {
		t.Errorf("%+v", h)
	}
	if h = (Hoster{Author: Author{Key: "a.test"}, Contact: "contact@a.test", State: StateClosing, Ends: 7}).Tidy(); h.Name != "a.test" || h.Contact != "contact@a.test" || h.Ends != 7 {
		t.Errorf("%+v", h)
	}
	s, err := Service{Slug: "pad", Kind: "weapons", Website: "https://pad.a.test/x?y=1", Level: "great", Unverified: true, Country: "FR"}.Tidy()
	if err != nil || s.Kind != "" || s.Website != "https://pad.a.test/x?y=1" || s.Level != "" || s.Name != "pad" || s.Unverified || s.Country != "FR" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, slug := range []string{"", "../x", "A", "-x", strings.Repeat("a", 81), "a b", "a/b"} {
		if _, err := (Service{Slug: slug}).Tidy(); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q is a slug", slug)
		}
	}
}

// TestEntriesFit: the longest listing that is tidy is small enough for a logbook, and
// tidying it again changes nothing.
func TestEntriesFit(t *testing.T) {
	long := strings.Repeat("\"\\𝄞", 5000)
	h := Hoster{Name: long, About: long, Note: long, Town: long, Website: "https://a.test/" + strings.Repeat("x", 450)}.Tidy()
	s, err := Service{Slug: "x", Name: long, About: long, Software: long, Version: long, Town: long, Price: long, Limits: long}.Tidy()
	if err != nil {
		t.Fatal(err)
	}
	for _, listing := range []any{h, s} {
		data, err := wire.Encode(listing)
		if err != nil || len(data) > 15<<10 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
	if again, err := s.Tidy(); err != nil || again.About != s.About || h.Tidy().About != h.About || again.Price != s.Price {
		t.Error("tidying twice is not tidying once")
	}
}

func FuzzTidy(f *testing.F) {
	f.Add(`{"name":"A","about":"b","website":"https://a.test","state":"closing","ends":5}`, `{"slug":"pad","name":"Pad","kind":"pad","access":{}}`)
	f.Add(`{"name":"\u202e\u0000","website":"//x"}`, `{"slug":"x","languages":["fr","\u0000"],"level":"ok"}`)
	f.Fuzz(func(t *testing.T, hoster, service string) {
		var h Hoster
		var s Service
		if wire.Peek([]byte(hoster), &h) != nil {
			h = Hoster{}
		}
		if wire.Peek([]byte(service), &s) != nil {
			return
		}
		s, err := s.Tidy()
		if err != nil {
			return
		}
		harmless(t, h.Tidy(), s)
	})
}
