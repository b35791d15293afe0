package directory

import (
	"context"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/own"
)

// visitor asks pages of a room, signed in.
type visitor struct {
	*testing.T
	site   http.Handler
	cookie *http.Cookie
}

func visit(t *testing.T, r *Room) *visitor {
	t.Helper()
	d := dbtest.SQLite(t, "web", web.Migrations())
	catalogue, err := words.New(Words, web.Words)
	if err != nil {
		t.Fatal(err)
	}
	site := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.English, URL: "http://chaton-a.test",
		Host: func(context.Context) web.Host { return web.Host{} }, Now: r.n.Now, Log: slog.New(slog.DiscardHandler),
	})
	v := &visitor{T: t, site: site.Handler([]web.Pages{r.web(site)})}
	link, _, err := web.NewLink(t.Context(), d, "", core.At(r.n.Now()))
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(link, "token=")
	v.cookie = v.ask(http.MethodPost, "/admin/sign-in", url.Values{"token": {token}}).Result().Cookies()[0]
	return v
}

func (v *visitor) ask(method, path string, form url.Values) *httptest.ResponseRecorder {
	v.Helper()
	req := httptest.NewRequestWithContext(v.Context(), method, path, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if v.cookie != nil {
		req.AddCookie(v.cookie)
	}
	got := httptest.NewRecorder()
	v.site.ServeHTTP(got, req)
	return got
}

func introduction() url.Values {
	return url.Values{
		"name": {"Chaton A"}, "type": {"ASSOCIATION"}, "about": {"Des services\r\npour le quartier. <script>"}, "town": {"Rennes"},
		"country": {"FR"}, "contact": {"contact@chaton-a.test"}, "limits": {"Pas de garde la nuit.\r\n\r\n 5 Go par personne. "},
	}
}

func TestIntroduction(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	if got := v.ask(http.MethodPost, "/admin/start", introduction()); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", got.Code, got.Body)
	}
	files, err := r.Own.List(t.Context())
	if err != nil || len(files) != 1 || !files[0].Report.OK() {
		t.Fatalf("%+v, %v", files, err)
	}
	for _, line := range []string{
		"organization.name = Chaton A\n", "organization.geolocation.address = Rennes\n", "organization.country.code = FR\n",
		"organization.contact.email = contact@chaton-a.test\n", "file.url = https://chaton-a.test/.well-known/chatonsinfos/organization.properties\n",
	} {
		if !strings.Contains(string(files[0].Text), line) {
			t.Errorf("no %q in\n%s", line, files[0].Text)
		}
	}
	limits, err := r.Own.Limits(t.Context())
	if err != nil || len(limits) != 2 || limits[1].Args["Text"] != "5 Go par personne." {
		t.Errorf("limits %v, %v", limits, err)
	}
	text := v.ask(http.MethodGet, "/admin/start", nil).Body.String()
	for _, part := range []string{`value="Chaton A"`, `value="FR" selected`, `value="ASSOCIATION" selected`, "pour le quartier. &lt;script&gt;", "5 Go par personne."} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// TestIntroductionBesideAFileThatIsNone: the form is there and says what is wrong, and never
// writes over what it could not read.
func TestIntroductionBesideAFileThatIsNone(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	if err := os.MkdirAll(r.n.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file, text := filepath.Join(r.n.Dir, own.HosterName+own.Suffix), "<!doctype html><html></html>"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	steps, err := r.steps(t.Context())
	if err != nil || len(steps) != 1 || steps[0].Done {
		t.Errorf("%+v, %v", steps, err)
	}
	if got := v.ask(http.MethodGet, "/admin/start", nil); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `class="note trouble"`) {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
	if got := v.ask(http.MethodPost, "/admin/start", introduction()); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), `value="Chaton A"`) {
		t.Errorf("%d\n%s", got.Code, got.Body)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != text {
		t.Errorf("%q, %v", now, err)
	}
}

// What somebody wrote into the file by hand, and a country the form has not, stay.
func TestIntroductionKeepsTheRest(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	file := strings.Replace(string(class(org, "Organization")), "country.name = France\n", "country.name = Sénégal\norganization.country.code = SN\n# ours\nx.own = 1\n", 1)
	if _, err := r.Own.Publish(t.Context(), own.HosterName, []byte(file)); err != nil {
		t.Fatal(err)
	}
	if text := v.ask(http.MethodGet, "/admin/start", nil).Body.String(); !strings.Contains(text, `value="SN" selected`) {
		t.Errorf("the country is lost in\n%s", text)
	}
	form := introduction()
	form.Set("country", "SN")
	if got := v.ask(http.MethodPost, "/admin/start", form); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", got.Code, got.Body)
	}
	text, err := r.Own.Text(own.HosterName)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"# ours\nx.own = 1\n", "country.name = Sénégal\n", "country.code = SN\n", "name = Chaton A\n", "file.generator = vi\n", "subs.elsewhere"} {
		if !strings.Contains(string(text), line) {
			t.Errorf("no %q in\n%s", line, text)
		}
	}
}

func TestIntroductionRefuses(t *testing.T) {
	for name, value := range map[string]string{
		"name": "", "type": "CLUB", "contact": "no address", "country": "", "limits": "a\x00b", "about": "turn\u202ed",
	} {
		t.Run(name, func(t *testing.T) {
			r := nodeRoom(t)
			v := visit(t, r)
			form := introduction()
			form.Set(name, value)
			got := v.ask(http.MethodPost, "/admin/start", form)
			text := html.UnescapeString(got.Body.String())
			if got.Code != http.StatusBadRequest || !strings.Contains(text, `role="alert"`) || strings.Contains(text, "⟦") {
				t.Errorf("status %d\n%s", got.Code, text)
			}
			if !strings.Contains(text, "Rennes") {
				t.Error("what was typed is lost")
			}
			if _, err := os.Stat(filepath.Join(r.n.Dir, "organization.properties")); err == nil {
				t.Error("something was published")
			}
		})
	}
}
