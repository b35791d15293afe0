package directory

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/own"
)

func testRoom(t *testing.T) *Room {
	t.Helper()
	return New(Needs{Dir: filepath.Join(t.TempDir(), "directory"), URL: "https://chaton-a.test", Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
}

const (
	head = "file.class = %CLASS%\nfile.protocol = ChatonsInfos-0.5\nfile.generator = vi\n"
	org  = head + "organization.name = A\norganization.type = OTHER\norganization.country.name = France\nsubs.elsewhere = https://other.test/x.properties\n"
	pad  = head + "# ours\nx.own = ${HOME}\nservice.name = Pad <script>\nservice.startdate = 2020-01-01\nservice.registration = None\nservice.registration.load = OPEN\n"
)

func class(text, name string) []byte { return []byte(strings.ReplaceAll(text, "%CLASS%", name)) }

func TestWhatIsPublished(t *testing.T) {
	r := testRoom(t)
	for what, c := range map[string]struct {
		name string
		text []byte
	}{
		"a federation":     {"x", class(org, "Federation")},
		"nothing":          {"x", nil},
		"a missing field":  {"pad", class(strings.Replace(pad, "service.name = Pad <script>\n", "", 1), "Service")},
		"a bad name":       {"../pad", class(pad, "Service")},
		"the hoster's":     {own.HosterName, class(pad, "Service")},
		"a web page":       {"pad", []byte("<html>")},
		"more than a file": {"pad", append(class(pad, "Service"), make([]byte, 2<<20)...)},
	} {
		if _, err := r.Own.Publish(t.Context(), c.name, c.text); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	if files, err := r.Own.List(t.Context()); err != nil || len(files) != 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for name, text := range map[string][]byte{"anything": class(org, "Organization"), "pad": class(pad, "Service")} {
		if _, err := r.Own.Publish(t.Context(), name, text); err != nil {
			t.Fatal(err)
		}
	}
	files, err := r.Own.List(t.Context())
	if err != nil || len(files) != 2 || files[0].Name != own.HosterName || !files[1].Report.OK() {
		t.Fatalf("%+v, %v", files, err)
	}
	for _, want := range []string{"subs.elsewhere = https://other.test/x.properties\n", "subs.pad = https://chaton-a.test/.well-known/chatonsinfos/pad.properties\n"} {
		if !strings.Contains(string(files[0].Text), want) {
			t.Errorf("%s lacks %s", files[0].Text, want)
		}
	}
	if !strings.Contains(string(files[1].Text), "# ours\nx.own = ${HOME}\nservice.name = Pad <script>\n") {
		t.Errorf("lines nobody edited changed:\n%s", files[1].Text)
	}
	if err := r.Own.Withdraw(t.Context(), "pad"); err != nil {
		t.Fatal(err)
	}
	if text, err := r.Own.Text(own.HosterName); err != nil || strings.Contains(string(text), "subs.pad") || !strings.Contains(string(text), "subs.elsewhere") {
		t.Errorf("%s, %v", text, err)
	}
}

// What the path asks for is a name, and nothing outside the folder.
func TestServedFiles(t *testing.T) {
	r := testRoom(t)
	if _, err := r.Own.Publish(t.Context(), "pad", class(pad, "Service")); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(filepath.Dir(r.n.Dir), "secret.properties")
	if err := os.WriteFile(secret, []byte("a = b"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(r.n.Dir, "linked.properties")); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	for _, page := range r.Fittings().Pages {
		mux.Handle(page.Pattern, page.Handler)
	}
	get := func(path, etag string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("If-None-Match", etag)
		rec := httptest.NewRecorder()
		mux.ServeHTTP(rec, req)
		return rec
	}
	for _, base := range []string{own.WellKnown, "/.well_known/chatonsinfos/"} {
		got := get(base+"pad.properties", "")
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/plain; charset=utf-8" || got.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", base, got.Code, got.Header())
		}
		// A proxy that compresses makes a tag weak; a cache sends those of several versions.
		tag := got.Header().Get("ETag")
		for _, had := range []string{tag, "W/" + tag, `"other", W/` + tag} {
			if again := get(base+"pad.properties", had); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
				t.Errorf("%s again: %d", had, again.Code)
			}
		}
		for _, name := range []string{"pad", "..%2fsecret.properties", "linked.properties", "none.properties", ".properties", "PAD.properties"} {
			if got := get(base+name, ""); got.Code == http.StatusOK {
				t.Errorf("%s%s is served: %s", base, name, got.Body)
			}
		}
	}
}
