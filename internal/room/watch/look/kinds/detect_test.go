package kinds

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/look/looktest"
)

// TestDetect: what programs answer at their own addresses chooses their kind, of a real
// nginx that shows the same page for all of them. The answers are those of web_test.go
// beside, shortened more.
func TestDetect(t *testing.T) {
	t.Parallel()
	authority, dir := looktest.NewAuthority(t), looktest.Dir(t)
	var files [2]string
	files[0], files[1] = authority.Issue(dir, "good", time.Now().Add(24*time.Hour), "chaton-a.test")
	type program struct {
		answers map[string]string
		want    string
	}
	programs := map[string]program{
		"nextcloud": {map[string]string{
			"/status.php": `{"installed":true,"maintenance":false,"needsDbUpgrade":false,"version":"29.0.5.1","versionstring":"29.0.5","edition":"","productname":"Nextcloud"}`,
		}, "nextcloud https://chaton-a.test/"},
		"mastodon, which has NodeInfo too": {map[string]string{
			"/api/v2/instance":      `{"domain":"chaton-a.test","title":"Chaton","version":"4.3.1","configuration":{},"registrations":{"enabled":false},"rules":[]}`,
			"/.well-known/nodeinfo": `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://chaton-a.test/nodeinfo/2.0"}]}`,
			"/nodeinfo/2.0":         `{"version":"2.0","software":{"name":"mastodon","version":"4.3.1"},"protocols":["activitypub"],"usage":{"users":{}},"metadata":{}}`,
		}, "mastodon https://chaton-a.test/"},
		"peertube": {map[string]string{
			"/api/v1/config": `{"instance":{"name":"Chaton"},"serverVersion":"6.3.2","signup":{"allowed":false}}`,
		}, "peertube https://chaton-a.test/"},
		"forgejo": {map[string]string{
			"/api/healthz":    `{"status":"pass","description":"Forgejo","checks":{}}`,
			"/api/v1/version": `{"version":"11.0.1+gitea-1.22.0"}`,
		}, "forgejo https://chaton-a.test/"},
		"some server of the fediverse": {map[string]string{
			"/.well-known/nodeinfo": `{"links":[{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"https://chaton-a.test/nodeinfo/2.0"}]}`,
			"/nodeinfo/2.0":         `{"version":"2.0","software":{"name":"writefreely","version":"0.15"},"protocols":["activitypub"],"usage":{"users":{}},"metadata":{}}`,
		}, "http https://chaton-a.test/ Chaton; nodeinfo chaton-a.test"},
		"a page and no more": {nil, "http https://chaton-a.test/ Chaton"},
		"an interface in maintenance": {map[string]string{
			"/status.php": `{"installed":true,"maintenance":true,"version":"29.0.5.1","versionstring":"29.0.5","productname":"Nextcloud"}`,
		}, "http https://chaton-a.test/ Chaton"},
	}
	var sites []looktest.Site
	by := map[string]*look.Looker{}
	for name, p := range programs {
		port := looktest.Port(t)
		text := "location = / { default_type text/html; return 200 '<title>Chaton</title>'; }\n"
		for path, answer := range p.answers {
			text += looktest.Recorded(path, 200, answer)
		}
		sites = append(sites, looktest.Site{Port: port, Files: files, Text: text})
		by[name] = looktest.Looker(authority.Roots, All(), map[string]string{"chaton-a.test:443": looktest.Address(port)}, "127.0.0.1:1", time.Now)
	}
	looktest.Nginx(t, sites...)
	for name, p := range programs {
		all, err := by[name].Detect(t.Context(), "https://chaton-a.test/")
		var got []string
		for _, one := range all {
			got = append(got, strings.TrimSpace(string(one.Kind)+" "+one.Address+" "+one.Expect.Text))
		}
		if err != nil || strings.Join(got, "; ") != p.want {
			t.Errorf("%s: %q, %v, not %q", name, got, err, p.want)
		}
	}
}
