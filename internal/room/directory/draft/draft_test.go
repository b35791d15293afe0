package draft_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/draft"
)

func today() time.Time { return time.Date(2026, 11, 23, 13, 0, 0, 0, time.UTC) }

// site answers like a program: path -> body. HOST in a body is the server's.
func site(t *testing.T, pages map[string]string) (domain string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := pages[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, strings.ReplaceAll(body, "HOST", r.Host))
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// read drafts a domain through the client that the node uses.
func read(t *testing.T, domain string) draft.Draft {
	t.Helper()
	client := peer.NewClient(peer.Needs{Private: true, Now: today})
	t.Cleanup(client.CloseIdle)
	d, err := draft.New(draft.Needs{Fetch: client, Now: today, Plain: true}).Draft(t.Context(), domain)
	if err != nil {
		t.Fatal(err)
	}
	for _, facts := range append([]draft.Facts{d.Hoster}, all(d)...) {
		for _, f := range facts {
			if f.Value == "" || !strings.HasPrefix(f.Source, "http://"+domain) || f.At != core.At(today()) {
				t.Errorf("a fact without a source: %+v", f)
			}
		}
	}
	return d
}

func all(d draft.Draft) (out []draft.Facts) {
	for _, s := range d.Services {
		out = append(out, s.Facts)
	}
	return out
}

// programs answer as the real ones do, cut to what matters and what disturbs.
func programs() map[string]struct {
	pages map[string]string
	kind  string
	want  map[draft.Field]string
} {
	discovery := func(version string) string {
		return `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/` + version + `","href":"http://HOST/nodeinfo/` + version + `"},{"rel":"https://other.test/x","href":"http://HOST/other"}]}`
	}
	type program = struct {
		pages map[string]string
		kind  string
		want  map[draft.Field]string
	}
	return map[string]program{
		"nextcloud": {
			map[string]string{"/status.php": `{"installed":true,"maintenance":false,"needsDbUpgrade":false,"version":"31.0.5.1","versionstring":"31.0.5","edition":"","productname":"Nextcloud","extendedSupport":false}`},
			"nextcloud",
			map[draft.Field]string{"program": "nextcloud", "version": "31.0.5", "maintenance": "", "website": "http://HOST/"},
		},
		"nextcloud with a theme, in maintenance": {
			map[string]string{"/status.php": `{"installed":true,"maintenance":true,"versionstring":"30.0.1","productname":"Nuage de l'aube"}`},
			"nextcloud",
			map[draft.Field]string{"program": "", "interface": "status.php", "version": "30.0.1", "maintenance": "true"},
		},
		"peertube": {
			map[string]string{
				"/.well-known/nodeinfo":     discovery("2.0"),
				"/nodeinfo/2.0":             `{"version":"2.0","software":{"name":"peertube","version":"7.0.1"},"protocols":["activitypub"],"services":{"inbound":[],"outbound":["atom1.0","rss2.0"]},"openRegistrations":true,"usage":{"users":{"total":42,"activeMonth":12,"activeHalfyear":20},"localPosts":311,"localComments":97},"metadata":{"nodeName":"Vidéos de l'aube","nodeDescription":"x","taxonomy":{"postsName":"Videos"}}}`,
				"/api/v1/config":            `{"client":{"header":{"hideInstanceName":false}},"serverVersion":"7.0.1","instance":{"name":"Vidéos de l'aube","shortDescription":"Vidéos <b>associatives</b> &amp; locales","isNSFW":false},"signup":{"allowed":true,"allowedForCurrentIP":true,"minimumAge":16,"requiresApproval":true,"requiresEmailVerification":false},"transcoding":{"enabledResolutions":[240,480]},"video":{"image":{"size":{"max":4194304.0}}}}`,
				"/api/v1/config/about":      `{"instance":{"name":"Vidéos","terms":"Soyez gentils.","hardwareInformation":"Un vieux portable\n\nà la cave.","languages":["fr","en"],"categories":[1]}}`,
				"/":                         `<!doctype html><html lang="fr-FR"><head><title>Vidéos de l'aube</title></head><body><my-app></my-app><noscript>JS</noscript></body></html>`,
				"/.well-known/host-meta":    `<?xml version="1.0"?><XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0"><Link rel="lrdd" type="application/xrd+xml" template="http://HOST/.well-known/webfinger?resource={uri}"/></XRD>`,
				"/.well-known/security.txt": "-----BEGIN\nContact: mailto:securite@chaton-aube.test\nExpires: 2027-06-01T00:00:00Z\n",
			},
			"peertube",
			map[draft.Field]string{
				"program": "peertube", "version": "7.0.1", "name": "Vidéos de l'aube", "description": "Vidéos associatives & locales", "sign_up": "on_request",
				"users": "42", "active_users": "12", "hardware": "Un vieux portable à la cave.", "language": "fr", "terms": "http://HOST/about/instance", "protocol": "activitypub",
			},
		},
		"mastodon": {
			map[string]string{
				"/.well-known/nodeinfo": discovery("2.0"),
				"/nodeinfo/2.0":         `{"version":"2.0","software":{"name":"mastodon","version":"4.3.1"},"protocols":["activitypub"],"services":{"outbound":[],"inbound":[]},"usage":{"users":{"total":210,"activeMonth":90,"activeHalfyear":120},"localPosts":100000},"openRegistrations":false,"metadata":{"nodeName":"Social","nodeDescription":"Entre voisins"}}`,
				"/api/v2/instance":      `{"domain":"HOST","title":"Social de l'aube","version":"4.3.1","source_url":"https://github.com/mastodon/mastodon","description":"<p>Entre <b>voisins</b></p>","usage":{"users":{"active_month":90}},"thumbnail":{"url":"https://x.test/a.png","versions":{}},"languages":["fr"],"configuration":{"urls":{"streaming":"wss://HOST","status":"https://etat.chaton-aube.test","about":"https://HOST/about","privacy_policy":"http://HOST/privacy-policy","terms_of_service":null}},"registrations":{"enabled":false,"approval_required":true,"message":null,"url":null},"contact":{"email":"moderation@chaton-aube.test","account":{"username":"ana"}},"rules":[{"id":"1","text":"x"}]}`,
			},
			"mastodon",
			map[draft.Field]string{
				"program": "mastodon", "version": "4.3.1", "name": "Social de l'aube", "description": "Entre voisins", "source_code": "https://github.com/mastodon/mastodon",
				"sign_up": "closed", "contact_email": "moderation@chaton-aube.test", "status_page": "https://etat.chaton-aube.test", "privacy": "http://HOST/privacy-policy", "terms": "", "active_users": "90",
			},
		},
		"an old mastodon": {
			map[string]string{"/api/v1/instance": `{"uri":"HOST","title":"Vieux","short_description":"Petit","description":"","email":"a@chaton-aube.test","version":"3.5.19","urls":{},"stats":{"user_count":17,"status_count":3,"domain_count":1},"languages":["fr"],"registrations":true,"approval_required":false,"invites_enabled":true}`},
			"mastodon",
			map[draft.Field]string{"program": "", "interface": "Mastodon", "name": "Vieux", "sign_up": "open", "users": "17"},
		},
		"pleroma behind mastodon's interface": {
			map[string]string{"/api/v1/instance": `{"uri":"https://HOST","title":"P","description":"d","email":"a@x.test","version":"2.7.2 (compatible; Pleroma 2.6.0)","stats":{"user_count":"5"},"registrations":true,"approval_required":true}`},
			"pleroma",
			map[draft.Field]string{"program": "pleroma", "version": "2.6.0", "sign_up": "on_request", "users": "5"},
		},
		"nodeinfo 1.0": {
			map[string]string{
				"/.well-known/nodeinfo": discovery("1.0"),
				"/nodeinfo/1.0":         `{"version":"1.0","software":{"name":"diaspora","version":"0.7.18.2"},"protocols":{"inbound":["diaspora"],"outbound":["diaspora"]},"services":{"inbound":[],"outbound":[]},"openRegistrations":true,"usage":{"users":{"total":3}},"metadata":{}}`,
			},
			"diaspora",
			map[draft.Field]string{"program": "diaspora", "protocol": "diaspora", "sign_up": "open", "users": "3"},
		},
		"nodeinfo 1.1": {
			map[string]string{
				"/.well-known/nodeinfo": discovery("1.1"),
				"/nodeinfo/1.1":         `{"version":"1.1","software":{"name":"friendica","version":"2024.12"},"protocols":{"inbound":["dfrn"],"outbound":["dfrn"]},"openRegistrations":false,"usage":{"users":{}},"metadata":[]}`,
			},
			"friendica",
			map[draft.Field]string{"program": "friendica", "users": "", "sign_up": "closed"},
		},
		"nodeinfo 2.1 with numbers as text": {
			map[string]string{
				"/.well-known/nodeinfo": discovery("2.1"),
				"/nodeinfo/2.1":         `{"version":"2.1","software":{"name":"Mobilizon","version":"5.1.1","repository":"https://framagit.test/mobilizon","homepage":"https://mobilizon.test/"},"protocols":["activitypub"],"openRegistrations":true,"usage":{"users":{"total":"12","activeMonth":-3}},"metadata":{"nodeName":42}}`,
			},
			"mobilizon",
			map[draft.Field]string{"program": "mobilizon", "source_code": "https://framagit.test/mobilizon", "homepage": "https://mobilizon.test/", "users": "12", "active_users": "", "name": ""},
		},
		"nodeinfo with a boolean as text": {
			map[string]string{
				"/.well-known/nodeinfo": discovery("2.1"),
				"/nodeinfo/2.1":         `{"version":"2.1","software":{"name":"mobilizon","version":"5.1.1"},"openRegistrations":"true","usage":{"users":{"total":7}}}`,
			},
			"mobilizon",
			map[draft.Field]string{"program": "mobilizon", "version": "5.1.1", "users": "7", "sign_up": ""},
		},
		"peertube with a boolean as a number": {
			map[string]string{"/api/v1/config": `{"serverVersion":"7.0.1","signup":{"allowed":true,"requiresApproval":1}}`},
			"peertube",
			map[draft.Field]string{"version": "7.0.1", "sign_up": ""},
		},
		"nodeinfo 2.2": {
			map[string]string{
				"/.well-known/nodeinfo": `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"/nodeinfo/2.0"},{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.2","href":"/nodeinfo/2.2"},{"rel":"http://nodeinfo.diaspora.software/ns/schema/9.9","href":"/nodeinfo/9.9"}]}`,
				"/nodeinfo/2.2":         `{"version":"2.2","instance":{"name":"Lecture","description":"Des livres"},"software":{"name":"bookwyrm","version":"0.7.5"},"protocols":["activitypub"],"openRegistrations":true,"usage":{"users":{"total":8,"activeWeek":1}},"metadata":{}}`,
			},
			"bookwyrm",
			map[draft.Field]string{"name": "Lecture", "description": "Des livres", "program": "bookwyrm"},
		},
		"matrix": {
			map[string]string{
				"/.well-known/matrix/client":       `{"m.homeserver":{"base_url":"http://HOST/synapse/"},"org.matrix.msc3575.proxy":{"url":"x"}}`,
				"/.well-known/matrix/server":       `{"m.server":"HOST"}`,
				"/.well-known/matrix/support":      `{"contacts":[{"matrix_id":"@ana:chaton-aube.test","email_address":"matrix@chaton-aube.test","role":"m.role.admin"}],"support_page":"http://HOST/aide"}`,
				"/synapse/_matrix/client/versions": `{"versions":["r0.6.1","v1.1","v1.11"],"unstable_features":{"org.matrix.label_based_filtering":true}}`,
				"/_matrix/federation/v1/version":   `{"server":{"name":"Synapse","version":"1.118.0"}}`,
				"/_matrix/client/versions":         `{"versions":["wrong"]}`,
				"/.well-known/host-meta":           `<XRD><Link rel="urn:xmpp:alt-connections:websocket" href="wss://HOST/ws"/></XRD>`,
				"/.well-known/security.txt":        "Contact: javascript:alert(1)\n",
				"/.well-known/nodeinfo":            `<!DOCTYPE html><title>404</title>`,
				"/api/v1/version":                  `{"version":{"major":1}}`,
				"/api/v1/config":                   `{"serverVersion":"x"}`,
				"/status.php":                      `{"status":"ok"}`,
				"/api/v2/instance":                 `[]`,
				"/api/v1/instance":                 `{"version":""}`,
			},
			"matrix",
			map[draft.Field]string{"program": "synapse", "version": "1.118.0", "interface": "Matrix", "contact_email": "matrix@chaton-aube.test", "contact_page": "http://HOST/aide", "website": "http://HOST/synapse/"},
		},
		"xmpp": {
			map[string]string{"/.well-known/host-meta.json": `{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://HOST/ws"},{"rel":"lrdd","href":"x"}]}`},
			"xmpp",
			map[draft.Field]string{"interface": "XMPP", "program": ""},
		},
		"forgejo": {
			map[string]string{
				"/api/v1/version":         `{"version":"11.0.1+gitea-1.22.0"}`,
				"/api/forgejo/v1/version": `{"version":"11.0.1+gitea-1.22.0"}`,
				"/.well-known/nodeinfo":   discovery("2.1"),
				"/nodeinfo/2.1":           `{"version":"2.1","software":{"name":"forgejo","version":"11.0.1","repository":"https://codeberg.test/forgejo"},"protocols":["activitypub"],"openRegistrations":false,"usage":{"users":{"total":9,"activeHalfyear":4}},"metadata":{}}`,
			},
			"forgejo",
			map[draft.Field]string{"program": "forgejo", "version": "11.0.1+gitea-1.22.0", "sign_up": "closed", "users": "9"},
		},
		"gitea": {
			map[string]string{"/api/v1/version": `{"version":"1.22.3"}`},
			"gitea",
			map[draft.Field]string{"program": "", "interface": "Gitea", "version": "1.22.3"},
		},
	}
}

func TestPrograms(t *testing.T) {
	for name, x := range programs() {
		t.Run(name, func(t *testing.T) {
			domain := site(t, x.pages)
			d := read(t, domain)
			i := slices.IndexFunc(d.Services, func(s draft.Service) bool { return s.Kind == x.kind })
			if i < 0 {
				t.Fatalf("no %s in %+v", x.kind, d)
			}
			for field, want := range x.want {
				if got := d.Services[i].Facts.First(field); got != strings.ReplaceAll(want, "HOST", domain) {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
			if extra := len(d.Services); extra > 1 && name != "matrix" {
				t.Errorf("%d services: %+v", extra, d.Services)
			}
			if _, err := draft.Gaps(d.Services[i].View("entrechat", core.At(today()))); err != nil {
				t.Errorf("the view cannot be written: %v", err)
			}
		})
	}
}

// TestPage: pages are found by what links are called, titles are no names.
func TestPage(t *testing.T) {
	domain := site(t, map[string]string{"/": `<html lang=fr><head><title>Bienvenue !</title></head><body>
<svg><title>logo</title></svg>
<a href="/cgu">Conditions générales d'utilisation</a> <a href="/cgu2">CGU (ancien)</a>
<a href="mentions.html"><span>Mentions</span> <b>légales</b></a>
<a href="/rgpd#top">Vos données personnelles</a>
<a href="javascript:contact()">Contact</a> <a href="mailto:bonjour@chaton-aube.test?subject=x">Nous écrire</a>
<a href="https://etat.chaton-aube.test/">État des services</a>
<a href="/blog">` + strings.Repeat("Nous avons révisé nos mentions légales et ", 5) + `</a>
</body></html>`})
	d := read(t, domain)
	for field, want := range map[draft.Field]string{
		draft.FieldTitle: "Bienvenue !", draft.FieldTerms: "http://" + domain + "/cgu", draft.FieldLegal: "http://" + domain + "/mentions.html",
		draft.FieldPrivacy: "http://" + domain + "/rgpd", draft.FieldContact: "", draft.FieldEmail: "bonjour@chaton-aube.test",
		draft.FieldStatusPage: "https://etat.chaton-aube.test/", draft.FieldLanguage: "fr",
	} {
		if got := d.Hoster.First(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	view := d.View("entrechat", d.At)
	if view.Name != "" || view.Legal != "http://"+domain+"/mentions.html" || view.Website != "http://"+domain+"/" {
		t.Errorf("%+v", view)
	}
	report, err := draft.Gaps(view)
	if err != nil || report.OK() {
		t.Errorf("a draft passes as finished: %v %+v", err, report)
	}
	if len(d.Services) != 0 {
		t.Errorf("a page became services: %+v", d.Services)
	}
}

func TestCharter(t *testing.T) {
	standing := func(d draft.Draft) map[string]draft.Standing {
		got := map[string]draft.Standing{}
		for _, c := range d.Charter(core.At(today())) {
			got[c.Key] = c.Standing
			if (c.Standing == draft.Found) != (len(c.Evidence) > 0) && c.Standing != draft.Missing {
				t.Errorf("%s is %s with %d facts", c.Key, c.Standing, len(c.Evidence))
			}
		}
		return got
	}
	full := standing(read(t, site(t, programs()["peertube"].pages)))
	for key, want := range map[string]draft.Standing{
		"services": draft.Found, "terms": draft.Found, "legal": draft.Missing, "software": draft.Found, "sign_up": draft.Found, "statistics": draft.Found,
		"security": draft.Found, "packages": draft.Missing, "backups": draft.OnlyYou, "hardware": draft.OnlyYou,
	} {
		if full[key] != want {
			t.Errorf("%s is %s, want %s", key, full[key], want)
		}
	}
	none := standing(read(t, site(t, map[string]string{"/.well-known/security.txt": "Contact: https://x.test/\nExpires: 2020-01-01T00:00:00Z\n"})))
	for _, key := range []string{"services", "terms", "software", "security"} {
		if none[key] != draft.Missing {
			t.Errorf("nothing is there, but %s is %s", key, none[key])
		}
	}
}

// TestNothingGuessed: what the facts leave open stays open.
func TestNothingGuessed(t *testing.T) {
	for value, want := range map[string]access.Access{
		draft.SignUpOpen:    {Register: access.RegisterAnyone},
		draft.SignUpRequest: {Register: access.RegisterOnRequest},
		draft.SignUpClosed:  {},
		"":                  {},
	} {
		s := draft.Service{Facts: draft.Facts{{Field: draft.FieldSignUp, Value: value}}}
		if got := s.Access(); got != want {
			t.Errorf("%q gave %+v", value, got)
		}
	}
	torn := draft.Facts{{Field: draft.FieldSignUp, Value: "open", Source: "a"}, {Field: draft.FieldSignUp, Value: "closed", Source: "b"}}
	if got := (draft.Service{Facts: torn}).Access(); got != (access.Access{}) || !slices.Equal(torn.Disputed(), []draft.Field{draft.FieldSignUp}) {
		t.Errorf("%+v %v", got, torn.Disputed())
	}
	view := draft.Service{Facts: draft.Facts{{Field: draft.FieldTitle, Value: "x"}, {Field: draft.FieldEmail, Value: "Ana <a@x>"}}}.View("entrechat", core.At(today()))
	if view.Name != "" || view.Status.Level != "" || view.Load != "" || view.Contact.Email != "" || view.Registration != nil {
		t.Errorf("%+v", view)
	}
}

// TestHostileSite: every answer is as large and as wrong as it can be.
func TestHostileSite(t *testing.T) {
	var asked atomic.Int64
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	for name, body := range map[string]string{
		"huge":     `{"links":[` + strings.Repeat(`{"rel":"x","href":"y"},`, 200_000),
		"deep":     deep,
		"script":   `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"javascript:alert(1)"}],"version":"<script>1.0","title":"<script>alert(1)</script>\u001b[2J\u202e","registrations":{"enabled":true},"serverVersion":"\u0000","signup":{"allowed":true},"instance":{"name":"<img src=x>"},"versions":["\u001b[31m"],"installed":true,"versionstring":"</title><script>","m.homeserver":{"base_url":"file:///etc/passwd"},"m.server":"../../x","contact":{"email":"\"><script>"}}`,
		"loop":     `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://HOST/.well-known/nodeinfo"}],"m.homeserver":{"base_url":"http://HOST/.well-known/matrix/client"}}`,
		"nonsense": "\xff\xfe\x00\x01",
		"tags":     strings.Repeat("<a href=/cgu><b>", 20_000),
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			fmt.Fprint(w, strings.ReplaceAll(body, "HOST", r.Host))
		}))
		start := time.Now()
		d := read(t, strings.TrimPrefix(server.URL, "http://"))
		server.Close()
		if time.Since(start) > 20*time.Second || asked.Swap(0) > 40 {
			t.Errorf("%s: took %s", name, time.Since(start))
		}
		for _, facts := range append([]draft.Facts{d.Hoster}, all(d)...) {
			for _, f := range facts {
				if strings.ContainsAny(f.Value, "\x00\x1b") || strings.Contains(f.Value, "<script") || strings.HasPrefix(f.Value, "javascript") || len(f.Value) > 9000 {
					t.Errorf("%s: %.200q", name, f.Value)
				}
			}
		}
		for _, s := range d.Services {
			if _, err := draft.Gaps(s.View("entrechat", d.At)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestNobodyThere(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	domain := strings.TrimPrefix(server.URL, "http://")
	server.Close()
	loopback := peer.NewClient(peer.Needs{Private: true, Now: today})
	for _, nobody := range []string{domain, "no-such-name.invalid"} {
		_, err := draft.New(draft.Needs{Fetch: loopback, Now: today, Plain: true}).Draft(t.Context(), nobody)
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Key != "directory.draft.nobody" || e.Code != core.CodeUnsure {
			t.Errorf("%s: %v", nobody, err)
		}
	}
	r := draft.New(draft.Needs{Now: today})
	if _, err := r.Draft(t.Context(), "not a domain/"); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	client := peer.NewClient(peer.Needs{Private: true, Now: today})
	if _, err := draft.New(draft.Needs{Fetch: client, Now: today, Plain: true}).Draft(gone, domain); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("%v", err)
	}
}

func TestPackages(t *testing.T) {
	list, err := draft.Packages(strings.NewReader("Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\nDescription: add\n long text\n Package: not-this\n\nPackage: old\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: restic\nVersion: 0.14.0-1+b5\nStatus: install ok installed\n"))
	if err != nil || len(list) != 2 || list[0] != (draft.Package{Name: "adduser", Version: "3.134", Architecture: "all"}) || list[1].Name != "restic" {
		t.Errorf("%+v %v", list, err)
	}
	for _, wrong := range []string{"", "<html>", strings.Repeat("x", 3<<20)} {
		if _, err := draft.Packages(strings.NewReader(wrong)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%.20q: %v", wrong, err)
		}
	}
	var d draft.Draft
	d.WithPackages(list, "/var/lib/dpkg/status", core.At(today()))
	if got := d.Hoster.First(draft.FieldPackages); got != "2" {
		t.Errorf("%q", got)
	}
}
