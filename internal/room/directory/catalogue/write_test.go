package catalogue_test

import (
	"reflect"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
)

// What a listing says, its document says too.
func TestListingsAreWrittenAndReadBack(t *testing.T) {
	said := catalogue.Author{Said: core.At(now().AddDate(0, 0, -1))}
	for _, h := range []catalogue.Hoster{
		{
			Name: "Chaton A", About: "We host.\n\nCome in: é", Website: "https://a.test/", File: "https://a.test/x", Town: "Brest", Country: "FR",
			Languages: []string{"fr", "br"}, Contact: "https://a.test/contact", State: catalogue.StateActive, Note: "fine",
		},
		{Name: "A", Contact: "contact@a.test", State: catalogue.StateClosing, Ends: core.At(now().AddDate(0, 2, 0).Truncate(24 * 3600e9))},
		{Name: "A", State: catalogue.StateIdle},
	} {
		h.Author = said
		doc, err := h.Document("entrechat")
		if err != nil {
			t.Fatal(err)
		}
		got := catalogue.HosterOf(parse(t, string(doc.Bytes())), now())
		got.Author = said
		if want := h.Tidy(); !reflect.DeepEqual(got.Tidy(), want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	for _, a := range []access.Access{{}, {Without: "some", Register: "on_request", Load: "open"}, {Without: "none", Register: "invited", Load: "full"}, {Without: "all"}} {
		s := catalogue.Service{
			Slug: "pad", Name: "Pad", Kind: "pad", About: "Write <together>", Website: "https://pad.a.test/", Software: "Etherpad", Version: "2.1",
			Languages: []string{"fr"}, Town: "Brest", Country: "FR", Price: "free", Limits: "100 pads", Access: a, Level: catalogue.LevelWarning, Author: said,
		}
		doc, err := s.Document("entrechat", "https://a.test/pad.properties")
		if err != nil {
			t.Fatal(err)
		}
		got := catalogue.ServiceOf(parse(t, string(doc.Bytes())), "pad", now())
		got.Author = said
		want, err := s.Tidy()
		if err != nil {
			t.Fatal(err)
		}
		if got, err = got.Tidy(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v %v\nwant %+v", got, err, want)
		}
	}
}
