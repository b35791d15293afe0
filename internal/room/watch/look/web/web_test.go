package web

import (
	"maps"
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
	"entrechat/internal/room/watch/target"
)

func probes() map[target.Kind]look.Probe {
	return map[target.Kind]look.Probe{
		target.NodeInfo: NodeInfo, target.Nextcloud: Nextcloud, target.Mastodon: Mastodon, target.PeerTube: PeerTube, target.Forgejo: Forgejo,
	}
}

// Answers as these programs give them, shortened, with invented names.
const (
	// Nextcloud 29.0.5, GET /status.php (status.php of the server).
	nextcloud = `{"installed":true,"maintenance":false,"needsDbUpgrade":false,"version":"29.0.5.1","versionstring":"29.0.5","edition":"","productname":"Nextcloud","extendedSupport":false}`
	// Mastodon 4.3.1, GET /api/v2/instance (docs.joinmastodon.org/entities/Instance).
	mastodon2 = `{"domain":"chaton-a.test","title":"Chaton","version":"4.3.1","source_url":"https://github.com/mastodon/mastodon","description":"d",` +
		`"usage":{"users":{"active_month":12}},"thumbnail":{"url":"https://chaton-a.test/t.png","versions":{}},"languages":["fr"],` +
		`"configuration":{"urls":{"streaming":"wss://chaton-a.test"},"statuses":{"max_characters":500}},"registrations":{"enabled":false},"rules":[]}`
	// Mastodon 3.5.3, GET /api/v1/instance (docs.joinmastodon.org/entities/V1_Instance).
	mastodon1 = `{"uri":"chaton-a.test","title":"Chaton","short_description":"","email":"a@chaton-a.test","version":"3.5.3","urls":{"streaming_api":"wss://chaton-a.test"},"stats":{"user_count":2},"rules":[]}`
	// Pleroma 2.5.0, GET /api/v1/instance (docs.pleroma.social, differences in the Mastodon API).
	pleroma = `{"uri":"https://chaton-a.test","title":"Chaton","version":"2.7.2 (compatible; Pleroma 2.5.0)"}`
	// GoToSocial 0.20, GET /api/v2/instance (internal/api/model/instancev2.go).
	gotosocial = `{"domain":"chaton-a.test","account_domain":"chaton-a.test","title":"Chaton","version":"0.20.1+git-abc","debug":false,"source_url":"https://codeberg.org/superseriousbusiness/gotosocial","description":""}`
	// PeerTube 6.3.2, GET /api/v1/config (docs.joinpeertube.org/api-rest-reference.html).
	peertube = `{"client":{"header":{"hideInstanceName":false}},"instance":{"name":"Chaton vidéo","customizations":{"javascript":"","css":""}},"serverVersion":"6.3.2","serverCommit":"a1b2c3","signup":{"allowed":false,"minimumAge":16.5}}`
	// Forgejo 11.0.1, GET /api/healthz (routers/web/healthcheck) and GET /api/v1/version (its Swagger file).
	healthy = `{"status":"pass","description":"Forgejo","checks":{"cache:ping":[{"status":"pass","time":"2026-11-23T10:00:00Z"}],"database:ping":[{"status":"pass","time":"2026-11-23T10:00:00Z"}]}}`
	sick    = `{"status":"fail","description":"Forgejo","checks":{"database:ping":[{"status":"fail","time":"2026-11-23T10:00:00Z"}]}}`
	forgejo = `{"version":"11.0.1+gitea-1.22.0"}`
	// GoToSocial 0.20, GET /.well-known/nodeinfo and /nodeinfo/2.0 (nodeinfo.diaspora.software/protocol).
	nodeinfo = `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/1.0","href":"https://chaton-a.test/nodeinfo/1.0"},{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://chaton-a.test/nodeinfo/2.0"}]}`
	document = `{"version":"2.0","software":{"name":"gotosocial","version":"0.20.1 git-abc"},"protocols":["activitypub"],"services":{"inbound":[],"outbound":[]},"openRegistrations":false,"usage":{"users":{"total":3},"localPosts":12},"metadata":{}}`
)

// variants are what one host answers, by path.
type variants map[string]struct {
	status int
	text   string
}

func (v variants) locations() string {
	var b strings.Builder
	for path, a := range v {
		b.WriteString(looktest.Recorded(path, a.status, a.text))
	}
	return b.String()
}

type want struct {
	kind     target.Kind
	path     string // after the host, of the address
	answers  variants
	class    look.Class
	software string
	version  string
}

func cases() map[string]want {
	const well = look.Fine
	one := func(path string, status int, text string) variants { return variants{path: {status, text}} }
	two := func(a variants, path string, status int, text string) variants {
		out := variants{path: {status, text}}
		maps.Copy(out, a)
		return out
	}
	change := func(text, from, to string) string { return strings.Replace(text, from, to, 1) }
	health := one("/api/healthz", 200, healthy)
	info := one("/.well-known/nodeinfo", 200, nodeinfo)
	return map[string]want{
		"nextcloud":                {target.Nextcloud, "", one("/status.php", 200, nextcloud), well, "Nextcloud", "29.0.5.1"},
		"nextcloud below a path":   {target.Nextcloud, "/cloud/", one("/cloud/status.php", 200, nextcloud), well, "Nextcloud", "29.0.5.1"},
		"nextcloud of another":     {target.Nextcloud, "", one("/status.php", 200, change(nextcloud, `"Nextcloud"`, `"Nuage"`)), well, "Nuage", "29.0.5.1"},
		"nextcloud, maintenance":   {target.Nextcloud, "", one("/status.php", 200, change(nextcloud, `"maintenance":false`, `"maintenance":true`)), look.Content, "Nextcloud", "29.0.5.1"},
		"nextcloud, half upgraded": {target.Nextcloud, "", one("/status.php", 200, change(nextcloud, `"needsDbUpgrade":false`, `"needsDbUpgrade":true`)), look.Content, "Nextcloud", "29.0.5.1"},
		"nextcloud, not installed": {target.Nextcloud, "", one("/status.php", 200, change(nextcloud, `"installed":true`, `"installed":false`)), look.Content, "", ""},
		"nextcloud, a page":        {target.Nextcloud, "", one("/status.php", 200, "<html>Internal Server Error</html>"), look.Content, "", ""},
		"nextcloud, another JSON":  {target.Nextcloud, "", one("/status.php", 200, `{"ok":true}`), look.Content, "", ""},
		"nextcloud, a list":        {target.Nextcloud, "", one("/status.php", 200, `[1]`), look.Content, "", ""},
		"nextcloud, nothing":       {target.Nextcloud, "", one("/status.php", 200, ``), look.Content, "", ""},
		"nextcloud, 503":           {target.Nextcloud, "", one("/status.php", 503, nextcloud), look.HTTP5xx, "", ""},
		"nextcloud, gone":          {target.Nextcloud, "", one("/other", 200, ``), look.HTTP4xx, "", ""},
		"mastodon":                 {target.Mastodon, "", one("/api/v2/instance", 200, mastodon2), well, "Mastodon", "4.3.1"},
		"mastodon, old":            {target.Mastodon, "", one("/api/v1/instance", 200, mastodon1), well, "Mastodon", "3.5.3"},
		"mastodon, pleroma":        {target.Mastodon, "", one("/api/v1/instance", 200, pleroma), well, "Pleroma", "2.5.0"},
		"mastodon, gotosocial":     {target.Mastodon, "", one("/api/v2/instance", 200, gotosocial), well, "GoToSocial", "0.20.1+git-abc"},
		"mastodon, 500":            {target.Mastodon, "", two(one("/api/v2/instance", 500, `{}`), "/api/v1/instance", 200, mastodon1), look.HTTP5xx, "", ""},
		"mastodon, members only":   {target.Mastodon, "", one("/api/v2/instance", 401, `{"error":"x"}`), look.HTTP4xx, "", ""},
		"mastodon, another JSON":   {target.Mastodon, "", one("/api/v2/instance", 200, `{"version":"4.3.1"}`), look.Content, "", ""},
		"peertube":                 {target.PeerTube, "", one("/api/v1/config", 200, peertube), well, "PeerTube", "6.3.2"},
		"peertube, another JSON":   {target.PeerTube, "", one("/api/v1/config", 200, `{"serverVersion":null}`), look.Content, "", ""},
		"peertube, 502":            {target.PeerTube, "", one("/api/v1/config", 502, `x`), look.HTTP5xx, "", ""},
		"forgejo":                  {target.Forgejo, "", two(health, "/api/v1/version", 200, forgejo), well, "Forgejo", "11.0.1"},
		"gitea":                    {target.Forgejo, "", two(health, "/api/v1/version", 200, `{"version":"1.24.6"}`), well, "Gitea", "1.24.6"},
		"forgejo, closed":          {target.Forgejo, "", two(health, "/api/v1/version", 403, `{"message":"Only signed in user is allowed to call APIs."}`), well, "", ""},
		"forgejo, sick":            {target.Forgejo, "", one("/api/healthz", 503, sick), look.HTTP5xx, "", ""},
		"forgejo, sick but 200":    {target.Forgejo, "", one("/api/healthz", 200, sick), look.HTTP5xx, "", ""},
		"forgejo, 502":             {target.Forgejo, "", one("/api/healthz", 502, `<html>`), look.HTTP5xx, "", ""},
		"forgejo, a page":          {target.Forgejo, "", one("/api/healthz", 200, `<html>`), look.Content, "", ""},
		"nodeinfo":                 {target.NodeInfo, "", two(info, "/nodeinfo/2.0", 200, document), well, "gotosocial", "0.20.1 git-abc"},
		"nodeinfo, a bare path":    {target.NodeInfo, "", two(one("/.well-known/nodeinfo", 200, change(nodeinfo, "https://chaton-a.test/nodeinfo/2.0", "/nodeinfo/2.0")), "/nodeinfo/2.0", 200, document), well, "gotosocial", "0.20.1 git-abc"},
		"nodeinfo, no document":    {target.NodeInfo, "", two(info, "/nodeinfo/2.0", 500, `x`), look.HTTP5xx, "", ""},
		"nodeinfo, no program":     {target.NodeInfo, "", two(info, "/nodeinfo/2.0", 200, `{"version":"2.0","software":{}}`), look.Content, "", ""},
		"nodeinfo, no links":       {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, `{"links":[]}`), look.Content, "", ""},
		"nodeinfo of a stranger":   {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, strings.ReplaceAll(nodeinfo, "chaton-a.test", "chaton-b.test")), look.Blocked, "", ""},
		"nodeinfo of ourselves":    {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, change(nodeinfo, "https://chaton-a.test/nodeinfo/2.0", "https://127.0.0.1/x")), look.Blocked, "", ""},
		"nodeinfo in the clear":    {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, change(nodeinfo, "https://chaton-a.test/nodeinfo/2.0", "http://chaton-a.test/x")), look.Content, "", ""},
		"nodeinfo of a file":       {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, change(nodeinfo, "https://chaton-a.test/nodeinfo/2.0", "file:///etc/passwd")), look.Content, "", ""},
		"nodeinfo on a mail port":  {target.NodeInfo, "", one("/.well-known/nodeinfo", 200, change(nodeinfo, "https://chaton-a.test/nodeinfo/2.0", "https://chaton-a.test:25/")), look.Blocked, "", ""},
	}
}

func TestServicesBehindNginx(t *testing.T) {
	t.Parallel()
	authority, dir := looktest.NewAuthority(t), looktest.Dir(t)
	issue := func(name string, ends time.Duration) (files [2]string) {
		files[0], files[1] = authority.Issue(dir, name, time.Now().Add(ends), "chaton-a.test")
		return files
	}
	good, ended := issue("good", 30*24*time.Hour), issue("ended", -time.Hour)
	var sites []looktest.Site
	list := map[string]looktest.Case{}
	add := func(name string, c want, files [2]string) {
		port := looktest.Port(t)
		sites = append(sites, looktest.Site{Port: port, Files: files, Text: c.answers.locations()})
		l := looktest.Looker(authority.Roots, probes(), map[string]string{"chaton-a.test:443": looktest.Address(port)}, "127.0.0.1:1", time.Now)
		address := "https://chaton-a.test" + c.path
		if c.kind == target.NodeInfo {
			address = "chaton-a.test"
		}
		list[name] = looktest.Is(target.Target{Kind: c.kind, Address: address}, c.class, func(r look.Result) bool {
			return r.Software == c.software && r.Version == c.version && (r.Leaf != [32]byte{} || c.class == look.Blocked)
		}).By(l)
	}
	all := cases()
	for name, c := range all {
		add(name, c, good)
	}
	late := all["nextcloud"]
	late.class, late.software, late.version = look.Cert, "", ""
	add("a certificate that ended", late, ended)
	server := looktest.Nginx(t, sites...)
	looktest.All(t, nil, list)
	well := map[string]looktest.Case{}
	for _, name := range []string{"nextcloud", "mastodon", "peertube", "forgejo", "nodeinfo"} {
		well[name] = list[name]
	}
	each := func(class look.Class) {
		t.Helper()
		for name, c := range well {
			well[name] = c.But(class)
		}
		looktest.All(t, nil, well)
	}
	server.Hang()
	each(look.Timeout)
	server.Wake()
	each(look.Fine)
	server.End()
	each(look.Refused)
}

func TestMembers(t *testing.T) {
	t.Parallel()
	long := `{"a":1,"list":[{"b":2}],"in":{"c":"x","n":null,"d":{"e":true}},"f":1.5e3,"z":"` + strings.Repeat("y", 300) + `"}`
	got, err := members(&look.Answer{Body: []byte(long)}, "a", "in/c", "in/n", "in/d/e", "in", "f", "z", "nobody")
	if err != nil {
		t.Fatal(err)
	}
	for path, value := range map[string]string{"a": "1", "in/c": "x", "in/d/e": "true", "f": "1.5e3", "z": strings.Repeat("y", maxText)} {
		if got[path] != value {
			t.Errorf("%s: %q", path, got[path])
		}
	}
	if len(got) != 5 {
		t.Errorf("%v", got)
	}
	for name, c := range map[string]struct {
		text string
		cut  bool
		well bool
	}{
		"cut after what was asked":  {`{"a":"1","b":[1,`, true, true},
		"cut before":                {`{"b":[1,`, true, true},
		"bad, and cut":              {`{"b":]`, true, false},
		"not cut but short":         {`{"b":[1,`, false, false},
		"deep":                      {`{"b":` + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth) + `}`, false, false},
		"as deep as may be":         {`{"b":` + strings.Repeat("[", maxDepth-1) + strings.Repeat("]", maxDepth-1) + `}`, false, true},
		"no object":                 {`"x"`, false, false},
		"nothing":                   {``, false, false},
		"bad bytes that are passed": {"{\"b\":\"\xff\"}", false, true},
		"two of one name":           {`{"b":1,"b":2}`, false, true},
	} {
		if _, err := members(&look.Answer{Body: []byte(c.text), Cut: c.cut}, "a"); (err == nil) != c.well {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzMembers(f *testing.F) {
	for _, s := range []string{nextcloud, mastodon1, mastodon2, pleroma, peertube, healthy, sick, forgejo, nodeinfo, document, `{"a":[[{"b":"\ud800"}]]}`} {
		f.Add([]byte(s), false)
		f.Add([]byte(s[:len(s)/2]), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, cut bool) {
		got, err := members(&look.Answer{Body: text, Cut: cut}, "version", "software/name", "installed")
		if err != nil && len(got) > 0 {
			t.Errorf("an error and %v", got)
		}
		for _, v := range got {
			if len(v) > maxText || strings.ContainsAny(v, "\n\r\x00") {
				t.Errorf("%q", v)
			}
		}
	})
}

func FuzzSpeaker(f *testing.F) {
	f.Add("2.7.2 (compatible; Pleroma 2.5.0)")
	f.Add("1.24.6+gitea-")
	f.Fuzz(func(t *testing.T, version string) {
		of := func(name, own string) {
			if len(name)+len(own) > len(version)+len("GoToSocial") {
				t.Errorf("%q of %q", own, version)
			}
		}
		of(forge(version))
		of(speaker(version, ""))
		of(speaker(version, version))
	})
}
