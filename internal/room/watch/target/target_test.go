package target

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/migrations"
)

const (
	ana  = core.MemberID("chaton-a.test")
	ben  = core.MemberID("chaton-b.test")
	noon = core.Moment(1_800_000_000_000_000)
)

func pad() Target {
	return Target{
		ID: "00112233445566aa", Owner: ana, Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/", Every: time.Minute, Made: noon,
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Target)
		want   string // the key of the error
	}{
		"a page":               {func(*Target) {}, ""},
		"with all one expects": {func(t *Target) { t.Expect = Expect{Status: []string{"200", "3xx", "401-403"}, Text: "Pad", Slow: 800} }, ""},
		"upper case ID":        {func(t *Target) { t.ID = strings.ToUpper(t.ID) }, "watch.target.bad_id"},
		"a short ID":           {func(t *Target) { t.ID = "00" }, "watch.target.bad_id"},
		"no owner":             {func(t *Target) { t.Owner = "" }, "watch.target.bad_owner"},
		"no service":           {func(t *Target) { t.Service = "" }, "watch.target.bad_service"},
		"two lines":            {func(t *Target) { t.Service = "Pad\r\nBcc: x" }, "watch.target.bad_service"},
		"a long name":          {func(t *Target) { t.Service = strings.Repeat("x", 81) }, "watch.target.bad_service"},
		"right to left":        {func(t *Target) { t.Service = "Pad\u202e" }, "watch.target.bad_service"},
		"no such kind":         {func(t *Target) { t.Kind = "gopher" }, "watch.target.bad_kind"},
		"too often":            {func(t *Target) { t.Every = 9 * time.Second }, "watch.target.bad_every"},
		"half seconds":         {func(t *Target) { t.Every = 10500 * time.Millisecond }, "watch.target.bad_every"},
		"a file":               {func(t *Target) { t.Address = "file:///etc/passwd" }, "watch.target.bad_url"},
		"a password":           {func(t *Target) { t.Address = "https://u:p@pad.chaton-a.test/" }, "watch.target.bad_url"},
		"no host":              {func(t *Target) { t.Address = "https:///x" }, "watch.target.bad_url"},
		"port 0":               {func(t *Target) { t.Address = "https://pad.chaton-a.test:0/" }, "watch.target.bad_url"},
		"port +80":             {func(t *Target) { t.Address = "https://pad.chaton-a.test:+80/" }, "watch.target.bad_url"},
		"an address of digits": {func(t *Target) { t.Address = "https://2130706433/" }, "watch.target.bad_url"},
		"octal":                {func(t *Target) { t.Address = "https://0177.0.0.1/" }, "watch.target.bad_url"},
		"hexadecimal":          {func(t *Target) { t.Address = "https://0x7f.0x1/" }, "watch.target.bad_url"},
		"a line break":         {func(t *Target) { t.Address = "https://pad.chaton-a.test/\r\nHost: x" }, "watch.target.bad_address"},
		"no port":              {func(t *Target) { t.Kind, t.Address = SMTP, "mail.chaton-a.test" }, "watch.target.bad_port"},
		"mail":                 {func(t *Target) { t.Kind, t.Address = SMTP, "mail.chaton-a.test:25" }, ""},
		"an IPv6 port":         {func(t *Target) { t.Kind, t.Address = TCP, "[2001:db8::1]:22" }, ""},
		"a zone":               {func(t *Target) { t.Kind, t.Address = TCP, "[fe80::1%eth0]:22" }, "watch.target.bad_host"},
		"a domain":             {func(t *Target) { t.Kind, t.Address = XMPPClient, "chaton-a.test" }, ""},
		"a domain and a port":  {func(t *Target) { t.Kind, t.Address = Matrix, "chaton-a.test:8448" }, "watch.target.bad_host"},
		"any certificate":      {func(t *Target) { t.Expect.Insecure = true }, "watch.target.insecure"},
		"any, at home":         {func(t *Target) { t.Expect.Insecure, t.Local = true, true }, ""},
		"no pointer":           {func(t *Target) { t.Expect.Pointer = "status" }, "watch.target.bad_pointer"},
		"no status":            {func(t *Target) { t.Expect.Status = []string{"6xx"} }, "watch.target.bad_status"},
		"status backwards":     {func(t *Target) { t.Expect.Status = []string{"299-200"} }, "watch.target.bad_status"},
		"no record":            {func(t *Target) { t.Expect.Record = "AXFR" }, "watch.target.bad_record"},
		"a ping":               {func(t *Target) { t.Kind, t.Address, t.Expect.Signal = Ping, "", &Signal{Period: 3600, Grace: 60} }, ""},
		"a ping without":       {func(t *Target) { t.Kind, t.Address = Ping, "" }, "watch.target.bad_signal"},
		"a page that pings":    {func(t *Target) { t.Expect.Signal = &Signal{Period: 3600} }, "watch.target.bad_signal"},
		"period and cron":      {func(t *Target) { t.Kind, t.Address, t.Expect.Signal = Ping, "", &Signal{Period: 60, Cron: "0 3 * * *"} }, "watch.target.bad_signal"},
		"four fields":          {func(t *Target) { t.Kind, t.Address, t.Expect.Signal = Ping, "", &Signal{Cron: "0 3 * *"} }, "watch.target.bad_cron"},
		"no zone": {func(t *Target) {
			t.Kind, t.Address, t.Expect.Signal = Ping, "", &Signal{Cron: "0 3 * * *", Zone: "../x"}
		}, "watch.target.bad_zone"},
	} {
		it := pad()
		c.change(&it)
		var e *core.Error
		if err := it.Check(); (err == nil) != (c.want == "") || err != nil && (!errors.As(err, &e) || e.Key != c.want) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

// book is a logbook of one author.
type book struct {
	said []logbook.Entry
	fail error
}

func (b *book) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	if b.fail != nil {
		return logbook.Entry{}, b.fail
	}
	text, err := wire.Encode(body)
	e := logbook.Entry{Log: ana, Index: int64(len(b.said)), Typ: typ, Iat: noon, Body: text}
	b.said = append(b.said, e)
	return e, err
}

func targetsOf(d *db.DB, b *book, self core.MemberID) *Targets {
	return New(Needs{DB: d, Book: b, Self: self, Now: func() time.Time { return noon.Time() }})
}

// TestTold: what an owner adds, changes and removes reaches a member by the logbook alone.
func TestTold(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		b := &book{}
		own := targetsOf(d, b, ana)
		it, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/", Expect: Expect{Text: "Bienvenue"}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/"}); core.CodeOf(err) != core.CodeConflict {
			t.Errorf("the same twice: %v", err)
		}
		for _, again := range []string{"https://pad.chaton-a.test", "https://PAD.chaton-a.test:443/", "https://pad.chaton-a.test."} {
			if _, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: again}); core.CodeOf(err) != core.CodeConflict {
				t.Errorf("%s: %v", again, err)
			}
			if found, err := own.Own(ctx, again); err != nil || found.ID != it.ID {
				t.Errorf("%s: %+v, %v", again, found, err)
			}
		}
		for _, other := range []string{"http://pad.chaton-a.test/", "https://pad.chaton-a.test/p", "https://pad.chaton-a.test/?p=1", "https://pad.chaton-a.test:8443/", "", "https://", "%"} {
			if found, err := own.Own(ctx, other); core.CodeOf(err) != core.CodeNotFound {
				t.Errorf("%q: %+v, %v", other, found, err)
			}
		}
		if _, err := own.Add(ctx, Target{Service: "Box", Kind: TCP, Address: "192.168.1.1:80", Local: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := own.Change(ctx, it.ID, func(t *Target) { t.Paused = true }); err != nil {
			t.Fatal(err)
		}
		there := targetsOf(dbtest.SQLite(t, "watch", migrations.Files), &book{}, ben)
		hear := func() []Target {
			for _, e := range b.said {
				if err := there.Readers()[0].Read(ctx, e); err != nil {
					t.Fatal(err)
				}
				if err := own.Readers()[0].Read(ctx, e); err != nil { // our own come back to us as well
					t.Fatal(err)
				}
			}
			all, err := All(ctx, there.DB)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		want := it
		want.Paused = true
		if diff := cmp.Diff([]Target{want}, hear()); diff != "" {
			t.Errorf("what the other knows:\n%s", diff)
		}
		if _, err := own.Remove(ctx, "pad"); err != nil {
			t.Fatal(err)
		}
		if left := hear(); len(left) != 0 {
			t.Errorf("removed, and still there: %+v", left)
		}
		if mine, err := Of(ctx, d, ana); err != nil || len(mine) != 1 || mine[0].Service != "Box" {
			t.Errorf("ours: %+v, %v", mine, err)
		}
		if gone, err := Find(ctx, d, ana, it.ID); err != nil || gone.Service != "Pad" {
			t.Errorf("what is gone has a name still: %+v, %v", gone, err)
		}
	})
}

// TestToldLater: what cannot be said now is said by the job, as it is then, and an old entry
// of ours that comes back changes nothing.
func TestToldLater(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		b := &book{}
		own := targetsOf(d, b, ana)
		it, err := own.Add(ctx, Target{Service: "Pad", Kind: HTTP, Address: "https://pad.chaton-a.test/"})
		if err != nil {
			t.Fatal(err)
		}
		b.fail = core.Unsure("logbook.catching_up", nil)
		if _, err := own.Change(ctx, it.ID, func(t *Target) { t.Every = 5 * time.Minute }); err != nil {
			t.Fatal(err)
		}
		if err := own.Readers()[0].Read(ctx, b.said[0]); err != nil {
			t.Fatal(err)
		}
		b.fail = nil
		if err := own.Jobs()[0].Run(ctx); err != nil || len(b.said) != 2 {
			t.Fatalf("%d entries, %v", len(b.said), err)
		}
		if got, err := parse(b.said[1]); err != nil || got.Every != 5*time.Minute {
			t.Errorf("%+v, %v", got, err)
		}
		if err := own.Jobs()[0].Run(ctx); err != nil || len(b.said) != 2 {
			t.Errorf("said again without reason: %d entries, %v", len(b.said), err)
		}
		if err := own.Readers()[0].Truncated(ctx, ana, 0); err != nil {
			t.Fatal(err)
		}
		if err := own.Jobs()[0].Run(ctx); err != nil || len(b.said) != 3 {
			t.Errorf("what was cut off is not said again: %d entries, %v", len(b.said), err)
		}
	})
}

// TestForeign: nobody adds a target for somebody else, nor more than there may be.
func TestForeign(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	here := targetsOf(d, &book{}, ben)
	for i := range MaxTargets + 5 {
		it := pad()
		it.ID = NewID()
		body, err := json.Marshal(it.body())
		if err != nil {
			t.Fatal(err)
		}
		if err := here.Readers()[0].Read(t.Context(), logbook.Entry{Log: ana, Index: int64(i), Typ: TypeTarget, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := All(t.Context(), d)
	if err != nil || len(all) != MaxTargets {
		t.Errorf("%d targets, %v", len(all), err)
	}
	if slices.ContainsFunc(all, func(t Target) bool { return t.Owner != ana }) {
		t.Error("a target of another owner than its logbook's")
	}
}

func FuzzParse(f *testing.F) {
	body, err := json.Marshal(pad().body())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"id":"00112233445566aa","service":"x","kind":"ping","every_s":60,"expect":{"signal":{"cron":"* * * * *","zone":"Europe/Paris"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		it, err := parse(logbook.Entry{Log: ana, Body: body})
		if err != nil {
			return
		}
		again, err := json.Marshal(it.body())
		if err != nil {
			t.Fatal(err)
		}
		back, err := parse(logbook.Entry{Log: ana, Body: again})
		if err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if diff := cmp.Diff(it, back); diff != "" {
			t.Error(diff)
		}
		if it.Kind.Called() == (it.Host() == "") {
			t.Errorf("host %q of a %s", it.Host(), it.Kind)
		}
	})
}
