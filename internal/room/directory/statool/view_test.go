package statool_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

func TestReadOrganization(t *testing.T) {
	o := statool.Read[statool.Organization](fixture(t, "yunohost-style"))
	for _, x := range []struct{ got, want string }{
		{o.Head.Generator, "chatonsinfos_ynh"},
		{o.StartDate, "2018-03-01"},
		{o.Place.Latitude, "47.21"},
		{o.Place.Longitude, "-1.55"},
		{o.Social["pixelfed"], "https://photo.chaton-aube.test/aube"},
		{o.Subs["pad"], "https://chaton-aube.test/.well_known/chatonsinfos/aube__pad.properties"},
		{o.MemberOf["matous"].StartDate, "2019-06-15"},
		{o.MemberOf["matous"].Status.Level, "ACTIVE"},
		{o.Chatrooms["matrix"], "#aube:chaton-aube.test"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
	if s := statool.Read[statool.Service](fixture(t, "yunohost-style")); s.Name != "" || len(s.Subs) != 2 {
		t.Errorf("as a service: %+v", s)
	}
}

func TestReadOdd(t *testing.T) {
	service := func(name string) statool.Service { return statool.Read[statool.Service](fixture(t, name)) }
	for _, x := range []struct{ got, want string }{
		{service("choices-case").Host.Server, "PHYSICAL"},
		{service("choices-wrong").Load, ""},
		{service("status-old-down").Status.Level, "ERROR"},
		{service("dates-wrong").StartDate, ""},
		{service("dates-with-time").StartDate, "2018-09-20"},
		{statool.Read[statool.Organization](fixture(t, "urls-dangerous")).Logo, ""},
		{statool.Read[statool.Organization](fixture(t, "urls-dangerous")).Legal, ""},
		{statool.Read[statool.Organization](fixture(t, "emails-named")).Contact.Email, "bonjour@chaton-aube.test"},
		{statool.Read[statool.Organization](fixture(t, "emails-hidden")).Contact.Email, ""},
		{statool.Read[statool.Organization](fixture(t, "country-lower")).Country.Code, "FR"},
		{statool.Read[statool.Federation](fixture(t, "federation-plain")).Description, "Collectif inventé d'hébergeurs de quartier.\nIl n'existe que dans ces essais."},
		{statool.Read[statool.Organization](fixture(t, "hostile-terminal")).Status.Description, "]0;pwned[2Jrougetxt.exe"},
	} {
		if x.got != x.want {
			t.Errorf("%q, want %q", x.got, x.want)
		}
	}
	if got := service("choices-empty-items").Registration; !cmp.Equal(got, []string{"None", "Free"}) {
		t.Errorf("%q", got)
	}
}

// aube is a whole service of ours.
func aube() statool.Service {
	return statool.Service{
		Head: statool.Head{
			Class: "Service", Protocol: "ChatonsInfos-0.5", DateTime: "2026-11-23T12:00:00", Generator: "entrechat",
			URL: "https://chaton-aube.test/.well-known/chatonsinfos/pad.properties",
		},
		Name: "Pad", Description: "Écrire à plusieurs.\nSans compte.", StartDate: "2020-01-31",
		Status: statool.Status{Level: "OK"}, Registration: []string{"None"}, Load: "OPEN", Install: "PACKAGE",
		Software: statool.Software{Name: "Etherpad", License: "Apache-2.0", LicenseURL: "https://spdx.test/Apache-2.0", Modules: []string{"a", "b"}},
		Host:     statool.Host{Name: "soupente", Server: "PHYSICAL", Provider: "HOME", Country: statool.Country{Name: "France", Code: "FR"}},
		Subs:     map[string]string{"metrics": "https://chaton-aube.test/m.properties"},
	}
}

func TestEncode(t *testing.T) {
	data, err := statool.Encode(aube())
	if err != nil {
		t.Fatal(err)
	}
	d := parse(t, data)
	if report := statool.Validate(d); report.Count(statool.Error)+report.Count(statool.Warning) > 0 {
		t.Errorf("we write what we warn of: %+v", report)
	}
	if diff := cmp.Diff(aube(), statool.Read[statool.Service](d)); diff != "" {
		t.Errorf("read back otherwise:\n%s", diff)
	}
	const begin = "# [File]\nfile.class = Service\nfile.protocol = ChatonsInfos-0.5\n"
	if got := string(data); len(got) < len(begin) || got[:len(begin)] != begin {
		t.Errorf("begins with %.100q", data)
	}
}

func TestEncodeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*statool.Service){
		"no name":          func(s *statool.Service) { s.Name = "" },
		"day first":        func(s *statool.Service) { s.StartDate = "31/01/2020" },
		"no such date":     func(s *statool.Service) { s.StartDate = "2020-02-31" },
		"a script link":    func(s *statool.Service) { s.Website = "javascript:alert(1)" },
		"a quoted link":    func(s *statool.Service) { s.Website = "'https://x.test/'" },
		"lower case":       func(s *statool.Service) { s.Load = "open" },
		"an old value":     func(s *statool.Service) { s.Status.Level = "ON" },
		"a forbidden pair": func(s *statool.Service) { s.Host.Server, s.Host.Provider = "NANO", "OUTSOURCED" },
		"a control":        func(s *statool.Service) { s.Name = "a\x1b[2J" },
		"a bad sub":        func(s *statool.Service) { s.Subs = map[string]string{"../x": "https://x.test/"} },
		"an item with ;":   func(s *statool.Service) { s.Registration = []string{"None;Nobody"} },
	} {
		s := aube()
		spoil(&s)
		if _, err := statool.Encode(s); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPut: an edit of a foreign file touches its lines and no others.
func TestPut(t *testing.T) {
	d := fixture(t, "yunohost-style")
	before := string(d.Bytes())
	o := statool.Read[statool.Organization](d)
	o.Name = "Chaton Aube & Cie"
	o.Status.Description = ""
	o.Subs["cloud"] = "https://chaton-aube.test/cloud.properties"
	delete(o.Subs, "video")
	if err := statool.Put(d, o); err != nil {
		t.Fatal(err)
	}
	want := before
	for _, change := range [][2]string{
		{"organization.name = Chaton Aube\n", "organization.name = Chaton Aube & Cie\n"},
		{"organization.status.description = Tout va bien.\n", ""},
		{"subs.video = https://chaton-aube.test/.well-known/chatonsinfos/aube-video.properties\n", "subs.cloud = https://chaton-aube.test/cloud.properties\n"},
	} {
		want = replaceOnce(t, want, change[0], change[1])
	}
	if diff := cmp.Diff(want, string(d.Bytes())); diff != "" {
		t.Error(diff)
	}
}
