package directory

import (
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/announce"
	"entrechat/internal/room/directory/catalogue"
)

const apiPath = "/api/v1/"

// fullNode is a room whose public addresses can be asked, with a hoster and a service of
// its own.
func fullNode(t *testing.T) (*Room, http.Handler) {
	t.Helper()
	r := nodeRoom(t)
	for name, text := range map[string][]byte{"x": class(org, "Organization"), "pad": class(pad, "Service")} {
		if _, err := r.Own.Publish(t.Context(), name, text); err != nil {
			t.Fatal(err)
		}
	}
	sends(t, r, "b.test")
	if err := r.Referral.Refer(t.Context(), catalogue.KindPad, []string{"b.test"}); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, route := range r.Fittings().Pages {
		mux.Handle(route.Pattern, route.Handler)
	}
	return r, mux
}

func get(t *testing.T, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

// TestAPIAsDescribed holds every answer against the description that we publish, and
// the description against the routes that there are.
func TestAPIAsDescribed(t *testing.T) {
	r, h := fullNode(t)
	var spec map[string]any
	if err := yaml.Unmarshal(get(t, h, "/api/v1/openapi.yaml").Body.Bytes(), &spec); err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("mem:spec", plain(t, spec)); err != nil {
		t.Fatal(err)
	}
	var described []string
	for path := range spec["paths"].(map[string]any) {
		described = append(described, "GET "+path)
	}
	slices.Sort(described)
	var served []string
	for _, route := range r.Fittings().Pages {
		if strings.HasPrefix(route.Pattern, "GET "+apiPath) {
			served = append(served, route.Pattern)
		}
	}
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described %v\nserved %v", described, served)
	}
	for path, c := range map[string]struct {
		asked  string
		status string
	}{
		"hoster": {"hoster", "200"}, "services": {"services", "200"}, "services/{name}": {"services/pad", "200"},
		"search": {"search?q=pad&kind=pad", "200"}, "hosters": {"hosters?q=chez", "200"}, "hosters/one": {"hosters/one?key=chaton-b.test", "200"},
		"elsewhere/{kind}": {"elsewhere/pad", "200"},
	} {
		pointer := "mem:spec#/paths/" + strings.NewReplacer("/", "~1", "{", "%7B", "}", "%7D").Replace(apiPath+path) + "/get/responses/" + c.status + "/content/application~1json/schema"
		schema, err := compiler.Compile(pointer)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got := get(t, h, apiPath+c.asked)
		var v any
		if err := json.Unmarshal(got.Body.Bytes(), &v); err != nil || got.Code != http.StatusOK {
			t.Errorf("%s: status %d, %v", c.asked, got.Code, err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v\n%s", c.asked, err, got.Body)
		}
		if got.Header().Get("Access-Control-Allow-Origin") != "*" || got.Header().Get("ETag") == "" {
			t.Errorf("%s: %v", c.asked, got.Header())
		}
	}
	for _, missing := range []string{"services/none", "hosters/one?key=none", "elsewhere/weapons", "nothing/here"} {
		if got := get(t, h, apiPath+missing); got.Code != http.StatusNotFound || got.Body.String() != `{"code":"not_found"}` {
			t.Errorf("%s: %d %s", missing, got.Code, got.Body)
		}
	}
}

// plain is a value as JSON has it.
func plain(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFormats(t *testing.T) {
	_, h := fullNode(t)
	for path, want := range map[string][]string{
		"/.well-known/nodeinfo": {`"href":"https://chaton-a.test/nodeinfo/2.1"`},
		"/nodeinfo/2.1":         {`"version":"2.1"`, `"name":"entrechat"`, `"users":{}`, `"openRegistrations":false`, `"nodeName":"A"`},
		"/nodeinfo/2.0":         {`"version":"2.0"`, `"protocols":[]`},
		"/librehost.json":       {`"name":"A"`, `"version":"0.0.1"`},
	} {
		got := get(t, h, path)
		for _, text := range want {
			if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), text) {
				t.Errorf("%s lacks %s: %s", path, text, got.Body)
			}
		}
	}
	tag := get(t, h, "/librehost.json").Header().Get("ETag")
	for _, had := range []string{tag, "W/" + tag, `"other", W/` + tag} {
		again := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/librehost.json", nil)
		again.Header.Set("If-None-Match", had)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, again); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("%s: status %d", had, w.Code)
		}
	}
}

// TestLinkedData: what search engines read is data in the page, and no text of ours or
// of a stranger ends the script it stands in.
func TestLinkedData(t *testing.T) {
	r, _ := fullNode(t)
	v := visit(t, r)
	body := v.ask(http.MethodGet, "/services/pad", nil).Body.String()
	_, data, ok := strings.Cut(body, `<script type="application/ld+json">`)
	data, _, ok2 := strings.Cut(data, "</script>")
	var got map[string]any
	if err := json.Unmarshal([]byte(data), &got); err != nil || !ok || !ok2 || got["name"] != "Pad <script>" || got["@type"] != "WebApplication" {
		t.Errorf("%v %q", err, data)
	}
	if strings.Count(body, "<script") != 1 {
		t.Error("another script")
	}
}

// changed fills the list of changes to the brim.
func changed(t *testing.T, r *Room) {
	t.Helper()
	for i := range announce.MaxChanges + 5 {
		c := announce.Change{At: core.At(r.n.Now()), What: "level", Slug: "pad", Name: "Pad \u0001<&>", Value: []string{"OK", "ERROR"}[i%2]}
		if err := r.Announcer.AddChange(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFeeds(t *testing.T) {
	r, _ := fullNode(t)
	changed(t, r)
	v := visit(t, r)
	got := v.ask(http.MethodGet, "/feeds/atom.xml"+"?lang=en", nil)
	var doc struct {
		Entries []struct {
			ID    string `xml:"id"`
			Title string `xml:"title"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(got.Body.Bytes(), &doc); err != nil || len(doc.Entries) != 50 || doc.Entries[0].Title != "Pad \ufffd<&>: Works" || got.Header().Get("Set-Cookie") != "" {
		t.Errorf("%v\n%.600s", err, got.Body)
	}
	for _, path := range []string{"/feeds/atom.xml", "/feeds/feed.json"} {
		if vary := v.ask(http.MethodGet, path, nil).Header().Values("Vary"); strings.Join(vary, ", ") != "Accept-Language, Cookie" {
			t.Errorf("%s: a cache gives one's language to another: Vary %q", path, vary)
		}
	}
	var parsed struct {
		Version string `json:"version"`
		Items   []any  `json:"items"`
	}
	french := v.ask(http.MethodGet, "/feeds/feed.json"+"?lang=fr", nil).Body.Bytes()
	if err := json.Unmarshal(french, &parsed); err != nil || len(parsed.Items) != 50 || !strings.Contains(string(french), "Nouvelles de A") {
		t.Errorf("%v\n%.300s", err, french)
	}
	if page := v.ask(http.MethodGet, "/services", nil).Body.String(); !strings.Contains(page, `<link rel="alternate" type="application/atom&#43;xml" href="/feeds/atom.xml?lang=en">`) {
		t.Errorf("no page names the feed\n%.900s", page)
	}
}
