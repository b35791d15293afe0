package directory

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/site"
)

func TestTransparency(t *testing.T) {
	r := nodeRoom(t)
	v := visit(t, r)
	body := v.ask(http.MethodGet, site.TransparencyPath, nil).Body.String()
	for _, topic := range []string{"the suppliers", "age and place of the backups", "statistics of use", "incidents of the last year"} {
		if !strings.Contains(body, "<li>"+topic) {
			t.Errorf("does not say that nothing is said of %q\n%s", topic, body)
		}
	}
	n := r.n
	n.Backups = func(context.Context) ([]Backup, error) {
		return []Backup{{Newest: core.At(n.Now().Add(-3 * time.Hour)), Places: 6, Losses: 2}, {}, {Newest: 1, Places: 9, Doubt: true}}, nil
	}
	r = New(n)
	v = visit(t, r)
	file := string(class(pad, "Service")) + "software.name = Etherpad\nsoftware.version = 2.0\nmetrics.service.users.2025.months = 1;2\nmetrics.service.users.2026.months = 3;40;;\nmetrics.service.users.name = Comptes <b>\n"
	if _, err := r.Own.Publish(t.Context(), "pad", []byte(file)); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"log_retention": {"Un an.\r\n<script>"}, "authority_requests": {"2025: 0\n2026: 1"}}
	if got := v.ask(http.MethodPost, "/admin/transparency", form); got.Code != http.StatusSeeOther {
		t.Fatalf("status %d\n%s", got.Code, got.Body)
	}
	body = v.ask(http.MethodGet, site.TransparencyPath, nil).Body.String()
	for _, says := range []string{
		`datetime="2027-01-15T05:00:00Z"`, "in 6 places", "of which 2 may be lost", "None has left this machine", "can be read back whole is not sure", "Etherpad 2.0", "Comptes &lt;b&gt;", ">40<", "2026-02", "Un an.\n&lt;script&gt;", "2026: 1", "the suppliers",
	} {
		if !strings.Contains(body, says) {
			t.Errorf("does not say %q\n%s", says, body)
		}
	}
	for _, gone := range []string{"in 9 places", "<script", "<li>statistics of use", "<li>age and place of the backups"} {
		if strings.Contains(body, gone) {
			t.Errorf("says %q", gone)
		}
	}
	// Saving what is shown changes no file and no date.
	name := filepath.Join(r.n.Dir, own.NoteName("log_retention"))
	past := time.Unix(1_700_000_000, 0)
	if err := os.Chtimes(name, past, past); err != nil {
		t.Fatal(err)
	}
	v.ask(http.MethodPost, "/admin/transparency", form)
	if info, err := os.Stat(name); err != nil || !info.ModTime().Equal(past) {
		t.Errorf("%v, %v", info, err)
	}
	for _, bad := range []string{"\x00", strings.Repeat("x", own.MaxNote+1)} {
		if got := v.ask(http.MethodPost, "/admin/transparency", url.Values{"suppliers": {bad}}); got.Code != core.CodeInvalid.HTTPStatus() {
			t.Errorf("status %d", got.Code)
		}
	}
	if text, _, err := r.Own.Note(own.NoteName("authority_requests")); err != nil || text != "2025: 0\n2026: 1" {
		t.Errorf("%q, %v", text, err)
	}
	if err := os.WriteFile(name, []byte("\xff\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := v.ask(http.MethodGet, site.TransparencyPath, nil); got.Code != http.StatusOK {
		t.Errorf("status %d for a file that is no text", got.Code)
	}
}
