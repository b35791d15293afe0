package catalogue_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/statool"
)

func now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func parse(t *testing.T, text string) *statool.Document {
	t.Helper()
	doc, err := statool.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestHosterOf(t *testing.T) {
	got := catalogue.HosterOf(parse(t, `
file.class = Organization
file.datetime = 2026-11-20T08:00:00
file.url = https://a.test/.well-known/chatonsinfos/organization.properties
organization.name = Chaton A
organization.description = We host.<br/>Come in.
organization.website = https://a.test/
organization.owner.name = Jeanne Dupont
organization.contact.url = https://a.test/contact
organization.contact.email = jeanne@a.test
organization.country.name = France
organization.country.code = fr
organization.geolocation.address = 3 rue des Lilas, 54000 Nancy, France
organization.status.level = IDLE
organization.status.description = back in spring
entrechat.languages = fr;en,FR,xx1,deu
`), now())
	want := catalogue.Hoster{
		Author: catalogue.Author{
			Source: catalogue.FromFile, Said: core.At(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)), Heard: core.At(now()),
		},
		Name: "Chaton A", About: "We host.\nCome in.", Website: "https://a.test/",
		File: "https://a.test/.well-known/chatonsinfos/organization.properties",
		Town: "Nancy", Country: "FR", Languages: []string{"fr", "en"}, Contact: "https://a.test/contact",
		State: catalogue.StateIdle, Note: "back in spring",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestServiceOf(t *testing.T) {
	got := catalogue.ServiceOf(parse(t, `
file.class = Service
file.datetime = 2026-11-20T08:00:00
service.name = Pad
service.description = Write together
service.website = https://pad.a.test/
service.contact.email = jeanne@a.test
service.status.level = OK
service.registration = None;Free
service.registration.load = OPEN
software.name = Etherpad Lite
software.version = 2.1
host.country.name = Belgique
entrechat.languages = fr
entrechat.price = free, gifts welcome
entrechat.limits = pads are kept for a year
entrechat.town = Liège
`), "pad", now())
	want := catalogue.Service{
		Author: catalogue.Author{
			Source: catalogue.FromFile, Said: core.At(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)), Heard: core.At(now()),
		},
		Slug: "pad", Name: "Pad", Kind: catalogue.KindPad, About: "Write together", Website: "https://pad.a.test/",
		Software: "Etherpad Lite", Version: "2.1", Languages: []string{"fr"}, Town: "Liège", Country: "BE",
		Price: "free, gifts welcome", Limits: "pads are kept for a year",
		Access: access.Access{Without: access.WithoutSome, Register: access.RegisterAnyone, Load: access.LoadOpen},
		Level:  catalogue.LevelOK,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestOwnKeysGoFirst: what only our files say overrides the coarser words, and a word
// that nobody knows overrides nothing.
func TestOwnKeysGoFirst(t *testing.T) {
	const base = "service.registration = Member\nservice.registration.load = FULL\nsoftware.name = Nextcloud\n"
	closed := access.Access{Without: access.WithoutNone, Register: access.RegisterMembers, Load: access.LoadFull}
	for lines, want := range map[string]struct {
		access access.Access
		kind   catalogue.Kind
	}{
		"":                              {closed, catalogue.KindFiles},
		"entrechat.kind = calendar":     {closed, catalogue.KindCalendar},
		"entrechat.kind = world peace":  {closed, catalogue.KindFiles},
		"entrechat.without = some":      {access.Access{Without: access.WithoutSome, Register: access.RegisterMembers, Load: access.LoadFull}, catalogue.KindFiles},
		"entrechat.without = perhaps":   {closed, catalogue.KindFiles},
		"entrechat.register = INVITED":  {access.Access{Without: access.WithoutNone, Register: access.RegisterInvited, Load: access.LoadFull}, catalogue.KindFiles},
		"entrechat.register = the boss": {closed, catalogue.KindFiles},
	} {
		got := catalogue.ServiceOf(parse(t, base+lines+"\n"), "x", now())
		if got.Access != want.access || got.Kind != want.kind {
			t.Errorf("%q: got %+v %q, want %+v %q", lines, got.Access, got.Kind, want.access, want.kind)
		}
	}
}

func TestTown(t *testing.T) {
	for address, want := range map[string]string{
		"Nancy":                                  "Nancy",
		"Nancy, France":                          "Nancy",
		"Saint-Étienne":                          "Saint-Étienne",
		"Le Mans":                                "Le Mans",
		"54000 Nancy":                            "Nancy",
		"F-54000 Nancy Cedex 12":                 "Nancy",
		"3 rue des Lilas\n01000 Bourg en Bresse": "Bourg en Bresse",
		"3 rue des Lilas 54000 Nancy":            "Nancy",
		"CH-1003 Lausanne, Suisse":               "Lausanne",
		"":                                       "",
		"3 rue des Lilas, Nancy":                 "", // which of the two is the town is not certain
		"Jeanne Dupont":                          "",
		"chez Dupont, Nancy":                     "",
		"Jeanne Dupont, Nancy":                   "",
		"54000 chez Jeanne Dupont":               "",
		"12345 Main Street":                      "",
		"<script>alert(1)</script>":              "",
		"48.68, 6.18":                            "",
		"Lieu-dit Le Bois":                       "",
		"La Rue":                                 "",
	} {
		doc := parse(t, "organization.country.name = France\norganization.geolocation.address = "+strings.ReplaceAll(address, "\n", `\n`)+"\n")
		if got := catalogue.HosterOf(doc, now()).Town; got != want {
			t.Errorf("%q gave %q, want %q", address, got, want)
		}
	}
	for said, want := range map[string]string{
		"Nancy": "Nancy", "Bourg en Bresse": "Bourg en Bresse", "St. Gallen": "St. Gallen", "L'Haÿ-les-Roses": "L'Haÿ-les-Roses",
		"3 rue des Lilas": "", "rue des Lilas": "", "<b>Nancy</b>": "", "Nancy 54000": "",
	} {
		if got := catalogue.TownOf(said); got != want {
			t.Errorf("said %q gave %q, want %q", said, got, want)
		}
	}
}

// TestContact: a mailbox that may be somebody's own is not passed on.
func TestContact(t *testing.T) {
	for lines, want := range map[string]string{
		"organization.contact.email = contact@a.test":                                            "contact@a.test",
		"organization.contact.email = Contact@a.test":                                            "Contact@a.test",
		"organization.contact.email = jeanne.dupont@a.test":                                      "",
		"organization.contact.email = jeanne@a.test\norganization.contact.url = https://a.test/": "https://a.test/",
		"organization.contact.url = javascript:alert(1)":                                         "",
	} {
		if got := catalogue.HosterOf(parse(t, lines), now()).Contact; got != want {
			t.Errorf("%q gave %q, want %q", lines, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	at := func(y int, m time.Month, d, h int) core.Moment {
		return core.At(time.Date(y, m, d, h, 0, 0, 0, time.UTC))
	}
	for text, want := range map[string]core.Moment{
		"2026-11-01T06:00:00": at(2026, 11, 1, 6),
		"2026-11-23T20:00:00": core.At(now()), // some zone has that already
		"2027-11-23T20:00:00": 0,
		"yesterday":           0,
	} {
		if got := catalogue.HosterOf(parse(t, "file.datetime = "+text), now()).Author.Said; got != want {
			t.Errorf("%q was said at %v, want %v", text, got.Time(), want.Time())
		}
	}
	h := catalogue.HosterOf(parse(t, "organization.status.level = ACTIVE\norganization.enddate = 31/12/2026"), now())
	if h.State != catalogue.StateClosing || h.Ends != at(2026, 12, 31, 0) {
		t.Errorf("a hoster that ends is %q until %v", h.State, h.Ends.Time())
	}
	if h := catalogue.HosterOf(parse(t, "organization.status.level = ACTIVE\norganization.enddate = 9999-12-31"), now()); h.State != catalogue.StateActive || h.Ends != 0 {
		t.Errorf("a hoster that never ends is %q until %v", h.State, h.Ends.Time())
	}
	for lines, want := range map[string]bool{
		"service.enddate = 2026-11-22":                              true,
		"service.enddate = 2026-12-22":                              false,
		"service.status.level = OVER":                               true,
		"service.status.level = ERROR":                              false,
		"service.enddate = sometime\nservice.status.level = VOID\n": false,
	} {
		if got := catalogue.ServiceOf(parse(t, lines), "x", now()); got.Ended != want {
			t.Errorf("%q is over: %v", lines, got.Ended)
		}
	}
}

// TestHostileTexts: whatever stands in a file, a listing is bounded, has no control
// character, links nowhere but to the web, and has no word for the environment.
func TestHostileTexts(t *testing.T) {
	t.Setenv("HOME", "/home/secret")
	for name, value := range map[string]string{
		"script":      "<script>alert(1)</script>",
		"environment": "${HOME} $HOME",
		"long":        strings.Repeat("x", 500_000),
		"controls":    `a\u0000b\u001b[31mc\u202ed\u2028e\u0007`,
		"bad utf-8":   "a\xff\xfeb",
		"javascript":  "javascript:alert(1)",
		"breaks":      strings.Repeat(`\n`, 5000),
	} {
		var lines strings.Builder
		for _, class := range []statool.Class{statool.ClassOrganization, statool.ClassService} {
			for _, f := range statool.Fields(class) {
				fmt.Fprintf(&lines, "%s = %s\n", f.Path, value)
			}
		}
		for _, key := range []string{"kind", "languages", "price", "limits", "town", "without", "register"} {
			fmt.Fprintf(&lines, "entrechat.%s = %s\n", key, value)
		}
		if lines.Len() > statool.MaxBytes { // the long one, once a section
			for _, key := range []string{"organization.name", "service.name"} {
				check(t, name, parse(t, key+" = "+value))
			}
			continue
		}
		check(t, name, parse(t, lines.String()))
	}
}

func check(t *testing.T, name string, doc *statool.Document) {
	t.Helper()
	h, s := catalogue.HosterOf(doc, now()), catalogue.ServiceOf(doc, "x", now())
	links := []string{h.Website, h.File, s.Website}
	for _, text := range append([]string{
		h.Name, h.About, h.Town, h.Country, h.Contact, h.Note, s.Name, s.About, s.Software, s.Version, s.Town, s.Country, s.Price, s.Limits,
		string(s.Kind), string(s.Access.Without), string(s.Access.Register),
	}, links...) {
		bad := func(r rune) bool {
			return r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp))
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, bad) || utf8.RuneCountInString(text) > catalogue.MaxText || strings.Contains(text, "/home/secret") {
			t.Errorf("%s: a listing holds %.200q", name, text)
		}
	}
	for _, l := range links {
		if l != "" && !strings.HasPrefix(l, "https://") && !strings.HasPrefix(l, "http://") {
			t.Errorf("%s: a listing links to %q", name, l)
		}
	}
}

// TestLanguages: a list is bounded and has each language once.
func TestLanguages(t *testing.T) {
	doc := parse(t, "entrechat.languages = "+strings.Repeat("fr;", 1000)+"en es de it nl pt pl cs sk hu ro bg el sv da fi no et lv lt ga mt sl hr\n")
	got := catalogue.HosterOf(doc, now()).Languages
	if len(got) != 20 || got[0] != "fr" || got[1] != "en" {
		t.Errorf("%d languages: %v", len(got), got)
	}
}
