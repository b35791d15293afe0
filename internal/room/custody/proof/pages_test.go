package proof

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/deal"
	"entrechat/internal/room/custody/migrations"
	"entrechat/internal/room/custody/share"
)

// The share of a sheet is on no page; the signs of the sheet end the waiting for it there.
func TestShareByPage(t *testing.T) {
	d := dbtest.SQLite(t, "custody", migrations.Files)
	w := newWorld(t, d)
	own := w.deal("safe")
	catalogue, err := words.New(Words, deal.Words, share.Words, web.Words)
	if err == nil {
		err = db.Migrate(t.Context(), d, "web", web.Migrations())
	}
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return w.now }
	site := web.New(web.Needs{
		DB: d, Words: catalogue, Lang: words.French, URL: "http://chaton-a.test", Now: now, Log: slog.New(slog.DiscardHandler),
		Host: func(context.Context) web.Host { return web.Host{Name: "A", Origin: owner} },
	})
	handler := site.Handler([]web.Pages{w.nodes[owner].Pages(site)})
	link, _, err := web.NewLink(t.Context(), d, "http://chaton-a.test", core.At(w.now))
	if err != nil {
		t.Fatal(err)
	}
	var cookies []*http.Cookie
	call := func(method, path string, form url.Values) (int, string) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, "http://chaton-a.test"+path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept-Language", "en")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		cookies = append(cookies, rec.Result().Cookies()...)
		body, err := io.ReadAll(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		return rec.Code, string(body)
	}
	at := "/" + string(own.ID) + "/4"
	if code, _ := call("POST", Path+"/share"+at, nil); code == http.StatusOK {
		t.Error("a stranger is shown a share")
	}
	_, token, _ := strings.Cut(link, "token=")
	call("POST", "/admin/sign-in", url.Values{"token": {token}})
	if code, body := call("GET", Path, nil); code != http.StatusOK || !strings.Contains(body, "take this share") {
		t.Fatal(code, body)
	}
	if _, body := call("GET", Path+"/share"+at, nil); strings.Contains(body, "ecshare1") {
		t.Error("a GET shows the share")
	}
	// It is in the clear: no page shows it, however often an admin asks.
	if _, body := call("GET", Path+"/share"+at, nil); !strings.Contains(body, "entrechat custody deal print "+string(own.ID)+" 4") {
		t.Error("it does not say how it is printed", body)
	}
	if code, body := call("POST", Path+"/share"+at, nil); code != http.StatusForbidden || strings.Contains(body, "ecshare1") {
		t.Error("a page shows a share for paper:", code)
	}
	text := w.prints(own.ID, 4)
	if code, body := call("POST", Path+"/have"+at, url.Values{"six": {"qqqqqq"}}); code == http.StatusSeeOther || !strings.Contains(body, "last six signs") {
		t.Error(code)
	}
	if code, _ := call("POST", Path+"/have"+at, url.Values{"six": {text[77:]}}); code != http.StatusSeeOther {
		t.Error(code)
	}
	if code, body := call("POST", Path+"/share"+at, nil); code != http.StatusConflict || strings.Contains(body, "ecshare1") {
		t.Error("the share is still here:", code)
	}
	if code, body := call("GET", Path, nil); code != http.StatusOK || !strings.Contains(body, "4 of 4 shares are good") {
		t.Error(code, body)
	}
	if code, _ := call("GET", Path+"/share/"+string(own.ID)+"/1", nil); code != http.StatusNotFound {
		t.Error("a member's share by page:", code)
	}
}
