package software_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/semver"
	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/migrations"
	"entrechat/internal/room/watch/software"
	"entrechat/internal/room/watch/target"
)

func parse(t interface{ Fatal(args ...any) }, text string) software.Version {
	v, ok := software.Parse(text)
	if !ok {
		t.Fatal("cannot read", text)
	}
	return v
}

// TestOrder: each version is older than the next; those joined by = are alike.
func TestOrder(t *testing.T) {
	for _, line := range []string{
		"1.2 = 1.2.0 = v1.2 = 1:1.2 = 1.2.0.0 = 1.2+glitch = V1.2.0+dfsg-3 = 1.2-1 = 1.2-ls120 = 1.2.0-alpine, 1.2.0.1, 1.2.1, 1.10, 2",
		"4.3.0-dev, 4.3.0-nightly.2024-10-01, 4.3.0-alpha.1, 4.3.0alpha2, 4.3.0-beta.1+glitch = v4.3.0~beta1, 4.3.0-beta.2, 4.3.0-rc, 4.3.0-rc.1 = 4.3.0rc1 = 4.3.0_rc1, 4.3.0-rc.2, 4.3.0-rc.10, 4.3.0 = v4.3.0+glitch, 4.3.1-rc1, 4.3.1",
		"29.0.4.1, 29.0.5, 29.0.5.1, 29.0.10, 30.0.0 beta 3, 30.0.0 RC1, 30.0.0",
		"3.13.2-0-g050ac3e = 3.13.2 = 3.13.2-7-gabcdef-develop, 3.13.3",
		"9.0.3+gitea-1.22.0 = 9.0.3, 10.0.0-dev-12-gabc, 10.0.0",
		"2.4.57-2~deb11u1 = 2.4.57-2+deb12u1 = 2.4.57, 2.4.58~rc1, 2.4.58",
		"2024.9.0, 2024.11.0-beta.3, 2024.11.0",
		"1.0~a, 1.0",
	} {
		groups := strings.Split(line, ", ")
		for i, g := range groups {
			all := strings.Split(g, " = ")
			for _, a := range all {
				if c := parse(t, a).Compare(parse(t, all[0])); c != 0 {
					t.Errorf("%s and %s: %d", a, all[0], c)
				}
				for _, later := range groups[i+1:] {
					b, _, _ := strings.Cut(later, " = ")
					if c, back := parse(t, a).Compare(parse(t, b)), parse(t, b).Compare(parse(t, a)); c != -1 || back != 1 {
						t.Errorf("%s before %s: %d, %d", a, b, c, back)
					}
				}
			}
		}
	}
	for _, text := range []string{"", "latest", "v", "x1.2", ".1", "-1", "99999999999999999999", strings.Repeat("1", 100), "\x00", "１.２"} {
		if v, ok := software.Parse(text); ok {
			t.Errorf("%q is %+v", text, v)
		}
	}
}

// TestSemver: versions of semantic versioning are ordered as it says, by golang.org/x/mod.
func TestSemver(t *testing.T) {
	words := []string{"alpha", "beta", "rc"}
	version := rapid.Custom(func(t *rapid.T) string {
		v := fmt.Sprintf("v%d.%d.%d", rapid.IntRange(0, 3).Draw(t, "a"), rapid.IntRange(0, 12).Draw(t, "b"), rapid.IntRange(0, 3).Draw(t, "c"))
		if rapid.Bool().Draw(t, "pre") {
			v += "-" + rapid.SampledFrom(words).Draw(t, "word")
			if rapid.Bool().Draw(t, "number") {
				v += fmt.Sprintf(".%d", rapid.IntRange(0, 12).Draw(t, "n"))
			}
		}
		if rapid.Bool().Draw(t, "build") {
			v += "+glitch.1"
		}
		return v
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := version.Draw(t, "one"), version.Draw(t, "other")
		if got, want := parse(t, a).Compare(parse(t, b)), semver.Compare(a, b); got != want {
			t.Fatalf("%s, %s: %d, want %d", a, b, got, want)
		}
	})
}

func TestJudge(t *testing.T) {
	table, err := software.ParseFile([]byte("nextcloud = [\"30.0.6\", \"29.0.12\"]\nmastodon = { safe = [\"4.2.15\", \"4.4.1\", \"4.3.2\"], why = \"CVE-0000-1\" }\nsynapse = [\"1.120.1\"]\nforgejo = [\"7.0.12\", \"9.0.3\", \"9.1.1\"]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"nextcloud 29.0.12.1": "safe", "nextcloud 29.0.11": "29.0.12", "nextcloud 28.0.9": "29.0.12", "nextcloud 30.0.5": "30.0.6", "nextcloud 30.0.6": "safe",
		"Nextcloud 31.0.0": "safe", "nextcloud 29.99.0": "safe", "nextcloud 30.0.6 RC1": "30.0.6", "nextcloud gibberish": "unknown",
		"mastodon 4.3.2+glitch": "safe", "mastodon v4.3.0+glitch": "4.3.2", "mastodon 4.2.99": "safe", "mastodon 4.1.30": "4.2.15", "mastodon 4.4.0": "4.4.1", "mastodon 5.0.0": "safe", "mastodon 4.5.0-beta.1": "safe",
		"synapse 1.119.0": "1.120.1", "synapse 1.120.1": "safe", "synapse 2": "safe",
		"forgejo 7.9.0": "safe", "forgejo 8.0.1": "9.0.3", "forgejo 9.0.4": "safe", "forgejo 9.1.0": "9.1.1", "forgejo 9.0.3+gitea-1.22.0": "safe",
		"etherpad 1.0": "unknown",
	} {
		name, version, _ := strings.Cut(in, " ")
		j := table.Judge(name, version)
		got := "safe"
		switch {
		case !j.Known:
			got = "unknown"
		case j.Behind:
			got = j.Safe
		}
		if got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestBadTables(t *testing.T) {
	for _, text := range []string{"x", "nextcloud = 3", "nextcloud = [3]", "nextcloud = []", "Nextcloud = [\"1\"]", "a = [\"x\"]", "'a b' = [\"1\"]", "a = {safe = [\"1\"], why = \"a\\nb\"}", strings.Repeat("#", 300<<10)} {
		if _, err := software.ParseFile([]byte(text)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	for _, body := range []string{`{}x`, `{"programs":[{"software":"a","safe":["1"]},{"software":"a","safe":["1"]}]}`, `{"programs":[{"software":"a","safe":[]}]}`, `{"programs":[{"software":"a","safe":["1"],"x":1}]}`} {
		if _, err := software.DecodeTable([]byte(body)); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", body, err)
		}
	}
}

const ana, bo, eve = core.MemberID("ana.test"), core.MemberID("bo.test"), core.MemberID("eve.test")

type world struct {
	t    *testing.T
	now  time.Time
	told []string
	n    int64
	w    *software.Watch
}

// Append is the logbook's.
func (w *world) Append(_ context.Context, typ string, _ []core.MemberID, _ core.Moment, body any) (logbook.Entry, error) {
	w.n++
	text, err := wire.Encode(body)
	return logbook.Entry{Log: ana, Index: w.n, Typ: typ, Iat: core.At(w.now), Body: text}, err
}

func open(t *testing.T, d *db.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Unix(1_790_000_000, 0)}
	w.w = software.New(software.Needs{
		DB: d, Book: w, Self: ana, Curator: bo, Now: func() time.Time { return w.now },
		Told: func(_ context.Context, r software.Running, j software.Judgement) {
			w.told = append(w.told, fmt.Sprintf("%s %s %s", r.Service, r.Version, j.Safe))
		},
	})
	return w
}

func (w *world) found(owner core.MemberID, version string) {
	w.t.Helper()
	err := w.w.Found(w.t.Context(), target.Target{ID: "00112233445566aa", Owner: owner, Service: "Nuage"}, look.Result{Software: "nextcloud", Version: version})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) says(from core.MemberID, safe ...string) {
	w.t.Helper()
	w.n++
	body, err := wire.Encode(software.Table{Programs: []software.Program{{Software: "nextcloud", Safe: safe}}})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.w.Readers()[0].Read(w.t.Context(), logbook.Entry{Log: from, Index: w.n, Typ: software.TypSafe, Iat: core.At(w.now), Body: body}); err != nil {
		w.t.Fatal(err)
	}
}

// behind is since how many days a hoster's target is behind, for itself and in public;
// -1 = it is not.
func (w *world) behind(owner core.MemberID) [2]int {
	w.t.Helper()
	var out [2]int
	public := func(ctx context.Context, owner core.MemberID) ([]software.Running, error) {
		return w.w.PublicOf(ctx, owner, core.At(w.now))
	}
	for i, ask := range []func(context.Context, core.MemberID) ([]software.Running, error){w.w.Of, public} {
		all, err := ask(w.t.Context(), owner)
		if err != nil {
			w.t.Fatal(err)
		}
		out[i] = -1
		if len(all) == 1 && all[0].Behind > 0 {
			out[i] = int(core.At(w.now).Sub(all[0].Behind) / (24 * time.Hour))
		}
	}
	return out
}

// TestBehind: the hoster is told at once and once; the public after 14 days; an update
// that is behind as well does not begin them anew; a table of somebody else is nothing.
func TestBehind(t *testing.T) {
	dbtest.Each(t, "watch", migrations.Files, func(t *testing.T, d *db.DB) {
		w := open(t, d)
		keep := func(core.MemberID, string) bool { return true }
		w.says(eve, "99.0.0")
		w.found(ana, "29.0.1")
		w.found(bo, "29.0.1")
		if got := w.behind(ana); got != [2]int{-1, -1} || len(w.told) != 0 {
			t.Fatal(got, w.told)
		}
		w.says(bo, "29.0.12", "30.0.6")
		if err := w.w.Again(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		if got := w.behind(ana); got != [2]int{0, -1} || !slices.Equal(w.told, []string{"Nuage 29.0.1 29.0.12"}) {
			t.Fatal(got, w.told)
		}
		w.now = w.now.Add(10 * 24 * time.Hour)
		w.found(ana, "29.0.2")
		w = reopen(t, d, w)
		w.found(ana, "29.0.2")
		w.now = w.now.Add(4*24*time.Hour - time.Second)
		if got := w.behind(ana); got != [2]int{13, -1} || len(w.told) != 1 {
			t.Fatal(got, w.told)
		}
		w.now = w.now.Add(time.Second)
		if got := w.behind(bo); got != [2]int{14, 14} {
			t.Fatal(got)
		}
		w.found(ana, "30.0.6.1")
		if got := w.behind(ana); got != [2]int{-1, -1} {
			t.Fatal(got)
		}
		// The next hole begins the time anew.
		w.says(bo, "30.0.8")
		w.found(ana, "30.0.6.1")
		if got := w.behind(ana); got != [2]int{0, -1} || len(w.told) != 2 {
			t.Fatal(got, w.told)
		}
		// An older table that comes late changes nothing; one taken back is forgotten.
		w.n -= 5
		w.says(bo, "1.0")
		w.n += 5
		if err := w.w.Again(t.Context(), keep); err != nil || w.behind(ana) != [2]int{0, -1} {
			t.Fatal(err, w.behind(ana))
		}
		if err := w.w.Readers()[0].Truncated(t.Context(), bo, 0); err != nil {
			t.Fatal(err)
		}
		if err := w.w.Again(t.Context(), func(m core.MemberID, _ string) bool { return m == ana }); err != nil {
			t.Fatal(err)
		}
		if all, err := w.w.Of(t.Context(), bo); err != nil || len(all) != 0 || w.behind(ana) != [2]int{-1, -1} {
			t.Fatal(all, err, w.behind(ana))
		}
		if err := w.w.Publish(t.Context(), software.Table{Programs: []software.Program{{Software: "Bad Name"}}}); core.CodeOf(err) != core.CodeInvalid {
			t.Error(err)
		}
		if err := w.w.Publish(t.Context(), software.Table{Programs: []software.Program{{Software: "peertube", Safe: []string{"6.3.3"}}}}); err != nil {
			t.Error(err)
		}
	})
}

func reopen(t *testing.T, d *db.DB, was *world) *world {
	t.Helper()
	w := open(t, d)
	w.now, w.told, w.n = was.now, was.told, was.n
	return w
}

// TestHostileWords: what a server says of itself is cut to what can be shown.
func TestHostileWords(t *testing.T) {
	d := dbtest.SQLite(t, "watch", migrations.Files)
	w := open(t, d)
	for i, r := range []look.Result{{Software: "a\r\nb<script>", Version: "1\x1b[31m"}, {Software: strings.Repeat("é", 500), Version: strings.Repeat("1", 500)}, {Software: "x"}, {Version: "1"}} {
		if err := w.w.Found(t.Context(), target.Target{ID: fmt.Sprint(i), Owner: bo, Service: "x"}, r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := w.w.Of(t.Context(), bo)
	if err != nil || len(all) != 2 {
		t.Fatal(all, err)
	}
	for _, r := range all {
		if len(r.Software) > 40 || len(r.Version) > 60 || strings.ContainsAny(r.Software+r.Version, "\r\n\x1b") {
			t.Errorf("%+v", r)
		}
	}
}

func FuzzVersion(f *testing.F) {
	for _, text := range []string{"29.0.5.1", "v4.3.0+glitch", "1:2.4.57-2~deb11u1", "1.0rc1", "2024.11.0-beta.3"} {
		f.Add(text, "1.0", "2~a")
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		va, ok := software.Parse(a)
		vb, ok2 := software.Parse(b)
		vc, ok3 := software.Parse(c)
		if !ok || !ok2 || !ok3 {
			return
		}
		if va.Compare(va) != 0 || va.Compare(vb) != -vb.Compare(va) {
			t.Fatal(a, b)
		}
		if va.Compare(vb) <= 0 && vb.Compare(vc) <= 0 && va.Compare(vc) > 0 {
			t.Fatal(a, b, c)
		}
		table := software.Table{Programs: []software.Program{{Software: "x", Safe: []string{a, b}}}}
		if j := table.Judge("x", c); va.Compare(vb) != 0 && table.Check() == nil && j.Behind && vc.Compare(va) >= 0 && vc.Compare(vb) >= 0 {
			t.Fatal("newer than all, and behind", a, b, c)
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add([]byte(`{"programs":[{"software":"a","safe":["1"],"why":"x"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if table, err := software.DecodeTable(body); err == nil {
			table.Judge("a", "1.2.3")
		}
	})
}
