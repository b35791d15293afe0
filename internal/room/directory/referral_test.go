package directory

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/migrations"
	"entrechat/internal/room/directory/referral"
)

// offer is a pad at a hoster that takes people.
func offer(key, name string) catalogue.Found {
	return catalogue.Found{
		Service: catalogue.Service{Slug: "pad", Name: name, Kind: catalogue.KindPad, Access: access.Access{Register: access.RegisterAnyone, Load: access.LoadOpen}},
		Hoster:  catalogue.Hoster{Author: catalogue.Author{Key: key, Source: catalogue.FromLog}, Name: "Chez " + key},
	}
}

// sends makes a room know some hosters with a pad each.
func sends(t *testing.T, r *Room, keys ...string) {
	t.Helper()
	for _, key := range keys {
		f := offer(key, "Pad <script> of "+key)
		f.Hoster.Author.Source = catalogue.FromLog
		if strings.HasPrefix(key, "https://") {
			f.Hoster.Author.Source = catalogue.FromFile
		}
		if err := r.Catalogue.Put(t.Context(), f.Hoster, []catalogue.Service{f.Service}); err != nil {
			t.Fatal(err)
		}
	}
}

func keysOf(t *testing.T, r *Room, kind catalogue.Kind) []string {
	t.Helper()
	found, err := r.Referral.Elsewhere(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range found {
		out = append(out, f.Hoster.Author.Key)
	}
	return out
}

func TestRefer(t *testing.T) {
	dbtest.Each(t, "directory", migrations.Files, func(t *testing.T, d *db.DB) {
		n := nodeRoom(t).n
		n.DB = d
		r := New(n)
		file := "https://www.e.test/o.properties"
		sends(t, r, "b.test", "d.test", file, "x.test")
		if got := keysOf(t, r, ""); len(got) != 0 {
			t.Errorf("nobody is chosen, and people are sent to %v", got)
		}
		for why, c := range map[string]struct {
			hosters []string
			want    core.Code
		}{
			"unknown":   {[]string{"nobody.test"}, core.CodeNotFound},
			"ourselves": {[]string{"chaton-a.test"}, core.CodeInvalid},
			"twice":     {[]string{"b.test", "b.test"}, core.CodeInvalid},
			"many":      {make([]string, referral.MaxChosen+1), core.CodeFull},
		} {
			if err := r.Referral.Refer(t.Context(), catalogue.KindPad, c.hosters); core.CodeOf(err) != c.want {
				t.Errorf("%s: %v", why, err)
			}
		}
		for kind, keys := range map[catalogue.Kind][]string{catalogue.KindPad: {file, "b.test"}, "": {"d.test"}, catalogue.KindMail: {"x.test"}} {
			if err := r.Referral.Refer(t.Context(), kind, keys); err != nil {
				t.Fatal(err)
			}
		}
		if got := keysOf(t, r, catalogue.KindPad); !slices.Equal(got, []string{file, "b.test", "d.test"}) {
			t.Error(got)
		}
		if got := keysOf(t, r, catalogue.KindMail); len(got) != 0 {
			t.Error("sent for mail to who has none:", got)
		}
		// Chosen by its file, it speaks in its logbook since: under its new name.
		f := offer("e.test", "Pad")
		f.Hoster.File = file
		if err := r.Catalogue.Put(t.Context(), f.Hoster, []catalogue.Service{f.Service}); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, r, catalogue.KindPad); !slices.Equal(got, []string{"e.test", "b.test", "d.test"}) {
			t.Error(got)
		}
		if err := r.Referral.Refer(t.Context(), catalogue.KindPad, nil); err != nil {
			t.Fatal(err)
		}
		if got := keysOf(t, r, catalogue.KindPad); !slices.Equal(got, []string{"d.test"}) {
			t.Error(got)
		}
	})
}

// TestRecentOffer: visitors share one answer for half a minute; what is chosen here counts
// at once.
func TestRecentOffer(t *testing.T) {
	n := nodeRoom(t).n
	var later atomic.Int64
	begun := n.Now()
	n.Now = func() time.Time { return begun.Add(time.Duration(later.Load())) }
	r := New(n)
	sends(t, r, "b.test", "d.test")
	asked := func() (keys []string) {
		t.Helper()
		offer, err := r.Referral.Recent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range offer.Of(catalogue.KindPad) {
			keys = append(keys, f.Hoster.Author.Key)
		}
		if len(offer.Of(catalogue.KindMail)) > 0 {
			t.Error("sent for mail to who has pads")
		}
		return keys
	}
	choose := func(keys ...string) {
		t.Helper()
		if err := r.Referral.Refer(t.Context(), catalogue.KindPad, keys); err != nil {
			t.Fatal(err)
		}
	}
	if got := asked(); len(got) != 0 {
		t.Error(got)
	}
	choose("b.test")
	if got := asked(); !slices.Equal(got, []string{"b.test"}) {
		t.Error("what was chosen does not count at once:", got)
	}
	full := offer("b.test", "Pad")
	full.Service.Access.Load = access.LoadFull
	if err := r.Catalogue.Put(t.Context(), full.Hoster, []catalogue.Service{full.Service}); err != nil {
		t.Fatal(err)
	}
	if got := asked(); len(got) != 1 {
		t.Error("asked anew within the half minute")
	}
	later.Store(int64(31 * time.Second))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { asked() })
	}
	all.Wait()
	if got := asked(); len(got) != 0 {
		t.Error("sent to who is full:", got)
	}
	choose("d.test")
	if got := asked(); !slices.Equal(got, []string{"d.test"}) {
		t.Error(got)
	}
}

// leavingBook is a book that is asked while the visitor leaves.
type leavingBook struct {
	*fakeBook
	leave func()
}

func (b *leavingBook) Members(ctx context.Context, ids []core.MemberID) ([]logbook.Member, error) {
	b.leave()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return b.fakeBook.Members(ctx, ids)
}

// TestWhoLeavesSpoilsNoOffer: an offer is made to its end, for those who wait for it.
func TestWhoLeavesSpoilsNoOffer(t *testing.T) {
	n := nodeRoom(t).n
	ctx, leave := context.WithCancel(t.Context())
	n.Book = &leavingBook{&fakeBook{}, leave}
	r := New(n)
	sends(t, r, "b.test", "d.test")
	if err := r.Referral.Refer(t.Context(), catalogue.KindPad, []string{"b.test"}); err != nil {
		t.Fatal(err)
	}
	if offer, err := r.Referral.Recent(ctx); err != nil || len(offer.Services) != 1 || ctx.Err() == nil {
		t.Errorf("%+v, %v", offer, err)
	}
}

func TestElsewherePages(t *testing.T) {
	r := nodeRoom(t)
	sends(t, r, "b.test", "d.test")
	v := visit(t, r)
	add := func(do, kind, hoster string) *httptest.ResponseRecorder {
		return v.ask(http.MethodPost, "/admin/elsewhere", url.Values{"do": {do}, "kind": {kind}, "hoster": {hoster}})
	}
	if body := v.ask(http.MethodGet, "/elsewhere/pad", nil).Body.String(); !strings.Contains(body, "Nobody that we chose") {
		t.Error(body)
	}
	for _, key := range []string{"d.test", "b.test"} {
		if got := add("add", "pad", key); got.Code != http.StatusSeeOther {
			t.Fatalf("status %d\n%s", got.Code, got.Body)
		}
	}
	if got := add("add", "pad", "nobody.test"); got.Code != core.CodeInvalid.HTTPStatus() || !strings.Contains(got.Body.String(), `value="nobody.test"`) {
		t.Errorf("status %d\n%s", got.Code, got.Body)
	}
	add("up", "pad", "b.test")
	add("up", "pad", "stranger.test") // does nothing
	page := v.ask(http.MethodGet, "/elsewhere/pad", nil).Body.String()
	first, second := strings.Index(page, "Chez b.test"), strings.Index(page, "Chez d.test")
	if first < 0 || second < first || strings.Contains(page, "<script") || !strings.Contains(page, "If that does not suit you") {
		t.Errorf("b at %d, d at %d\n%s", first, second, page)
	}
	if got := v.ask(http.MethodGet, "/admin/elsewhere", nil).Body.String(); !strings.Contains(got, "&lt;iframe src=&#34;https://chaton-a.test/elsewhere/pad/frame&#34;") {
		t.Error(got)
	}
	frame := v.ask(http.MethodGet, "/elsewhere/pad/frame?lang=fr", nil)
	if h := frame.Header(); !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors *") || h.Get("Set-Cookie") != "" || h.Get("Content-Language") != "fr" ||
		strings.Contains(frame.Body.String(), "<script") || !strings.Contains(frame.Body.String(), "Chez b.test") || frame.Body.Len() > 10_000 {
		t.Errorf("%v\n%s", h, frame.Body)
	}
	for path, status := range map[string]int{"/elsewhere": 200, "/elsewhere/weapons": 404, "/elsewhere/weapons/frame": 404, "/elsewhere/mail": 200} {
		if got := v.ask(http.MethodGet, path, nil); got.Code != status {
			t.Errorf("%s: status %d", path, got.Code)
		}
		if got := v.ask(http.MethodGet, path, nil); strings.Contains(got.Header().Get("Content-Security-Policy"), "frame-ancestors *") && !strings.HasSuffix(path, "/frame") {
			t.Errorf("%s can be framed", path)
		}
	}
	add("remove", "pad", "b.test")
	if got := keysOf(t, r, ""); !slices.Equal(got, []string{"d.test"}) {
		t.Error(got)
	}
}
