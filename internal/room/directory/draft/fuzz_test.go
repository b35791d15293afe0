package draft_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/room/directory/draft"
)

// echo answers every address with the same bytes, but a link to itself where a
// discovery document is asked for.
type echo struct{ body []byte }

func (e echo) Fetch(_ context.Context, address string, limit int64) ([]byte, http.Header, error) {
	if strings.HasSuffix(address, "/.well-known/nodeinfo") {
		at, _, _ := strings.Cut(address, "/.well-known")
		return []byte(`{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.1","href":"` + at + `/nodeinfo"}]}`), nil, nil
	}
	return e.body[:min(int64(len(e.body)), limit)], nil, nil
}

// FuzzAnswers: whatever programs answer, facts are short, without tags' control
// characters, and their links lead to the web.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		`{"version":"2.1","software":{"name":"peertube","version":"6"},"openRegistrations":true,"usage":{"users":{"total":3}}}`,
		`{"installed":true,"versionstring":"30.0.1","productname":"Nextcloud"}`,
		`<html lang="fr"><title>x</title><a href="javascript:alert(1)">Mentions légales</a>`,
		"Contact: mailto:a@b.test\nExpires: 2027-01-01T00:00:00Z\n", `{"uri":"x","title":"\u202ey","registrations":"no"}`, "[[[[", "\xff\xfe",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := draft.New(draft.Needs{Fetch: echo{body}, Now: today}).Draft(t.Context(), "chaton-a.test")
		if err != nil {
			t.Fatal(err)
		}
		facts := d.Hoster
		for _, s := range d.Services {
			facts = append(facts, s.Facts...)
		}
		for _, fact := range facts {
			if fact.Value == "" || !utf8.ValidString(fact.Value) || utf8.RuneCountInString(fact.Value) > 2001 || strings.ContainsFunc(fact.Value, unicode.IsControl) {
				t.Fatalf("%+v", fact)
			}
			switch fact.Field {
			case draft.FieldWebsite, draft.FieldSource, draft.FieldHomepage, draft.FieldLogo, draft.FieldTerms, draft.FieldPrivacy, draft.FieldLegal, draft.FieldContact, draft.FieldStatusPage:
				if u, err := url.Parse(fact.Value); err != nil || u.Scheme != "https" && u.Scheme != "http" {
					t.Fatalf("a link to %q", fact.Value)
				}
			default:
			}
		}
		d.Charter(d.At)
	})
}
