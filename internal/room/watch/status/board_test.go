package status_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/watch/status"
	"entrechat/internal/room/watch/verdict"
)

func now() core.Moment { return core.At(time.Date(2026, 11, 30, 18, 20, 0, 0, time.UTC)) }

// source is a source that fails for whom it is told to.
type source struct {
	hosters  []status.Hoster
	services []status.Service
	broken   core.MemberID
}

var errBroken = errors.New("disk on fire")

func (s *source) Hosters(context.Context) ([]status.Hoster, error) { return s.hosters, nil }

func (s *source) Services(_ context.Context, who status.Hoster, at core.Moment) ([]status.Service, core.Moment, error) {
	if who.ID == s.broken {
		return nil, 0, errBroken
	}
	return s.services, at, nil
}

func (s *source) Incidents(context.Context, core.MemberID, core.Moment) ([]status.Incident, error) {
	return nil, nil
}

func (s *source) Maintenance(context.Context, core.MemberID, core.Moment) ([]status.Maintenance, error) {
	return nil, nil
}

func signer(t testing.TB, id core.MemberID) seal.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return seal.NewSigner(id, key)
}

func keys(all ...seal.Signer) map[core.MemberID][]ed25519.PublicKey {
	out := map[core.MemberID][]ed25519.PublicKey{}
	for _, s := range all {
		out[s.ID()] = append(out[s.ID()], s.Public())
	}
	return out
}

func newBoard(t testing.TB, s *source) (*status.Board, *core.Moment) {
	t.Helper()
	at := now()
	b := status.New(status.Needs{Source: s, Signer: signer(t, "chaton-a.test"), Now: func() time.Time { return at.Time() }})
	if err := b.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b, &at
}

// TestOneBrokenHoster: one whose snapshot cannot be made keeps its old one, with its age,
// and holds up nobody.
func TestOneBrokenHoster(t *testing.T) {
	s := &source{hosters: []status.Hoster{{ID: "chaton-a.test"}, {ID: "chaton-b.test", Hosts: []string{"status.chaton-b.test"}}}, services: []status.Service{{Name: "Pad", State: verdict.Up}}}
	b, at := newBoard(t, s)
	s.broken, *at = "chaton-b.test", now().Add(7*time.Minute)
	if err := b.Rebuild(t.Context()); !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "chaton-b.test") {
		t.Errorf("told %v", err)
	}
	a, _ := b.Of("chaton-a.test")
	old, ok := b.Of("chaton-b.test")
	if !ok || old.Aged(*at) != 7*time.Minute || a.Aged(*at) != 0 {
		t.Errorf("ages: %s, %s", old.Aged(*at), a.Aged(*at))
	}
	if id, ok := b.At("status.chaton-b.test"); !ok || id != "chaton-b.test" {
		t.Error("its name is forgotten")
	}
	s.hosters = s.hosters[:1]
	if err := b.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.Of("chaton-b.test"); ok {
		t.Error("who is looked at no more is still shown")
	}
	if _, ok := b.At("status.chaton-b.test"); ok {
		t.Error("and answers under its name")
	}
}

// TestReadRefuses: a snapshot counts only when a voter of the hoster made and signed it.
func TestReadRefuses(t *testing.T) {
	voter, stranger := signer(t, "chaton-v.test"), signer(t, "chaton-x.test")
	made := func(by seal.Signer, change func(s *status.Snapshot)) []byte {
		s := status.Snapshot{Hoster: "chaton-c.test", By: by.ID(), Made: now(), Services: []status.Service{{Name: "Pad", State: verdict.Up}}}
		if change != nil {
			change(&s)
		}
		text, err := wire.Encode(s)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := status.Sign(text, by)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	for name, data := range map[string][]byte{
		"no voter":       made(stranger, nil),
		"another hoster": made(voter, func(s *status.Snapshot) { s.Hoster = "chaton-d.test" }),
		"another maker":  made(voter, func(s *status.Snapshot) { s.By = "chaton-a.test" }),
		"the future":     made(voter, func(s *status.Snapshot) { s.Made = now().Add(time.Hour) }),
		"changed":        []byte(strings.Replace(string(made(voter, nil)), `"payload":"`, `"payload":"e30`, 1)),
		"nothing":        nil,
	} {
		if _, err := status.Read(data, "chaton-c.test", keys(voter), now()); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if s, err := status.Read(made(voter, nil), "chaton-c.test", keys(voter, stranger), now()); err != nil || s.By != "chaton-v.test" || len(s.Services) != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
}

// TestSignedIsRead: what the board signs, another board reads, byte for byte the same.
func TestSignedIsRead(t *testing.T) {
	s := &source{hosters: []status.Hoster{{ID: "chaton-a.test", Name: "A"}}, services: []status.Service{{Name: "Pad", State: verdict.Down, Failing: 3, Voters: 5}}}
	by := signer(t, "chaton-a.test")
	b := status.New(status.Needs{Source: s, Signer: by, Now: now().Time})
	if err := b.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, _ := b.Of("chaton-a.test")
	got, err := status.Read(p.Signed, "chaton-a.test", keys(by), now())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := wire.Encode(got); err != nil || string(text) != string(p.JSON) {
		t.Errorf("%v\n%s\n%s", err, text, p.JSON)
	}
}

// TestReadersAndWriters: pages are read while the board is rebuilt (for
// the race detector).
func TestReadersAndWriters(t *testing.T) {
	b, _ := newBoard(t, &source{hosters: []status.Hoster{{ID: "chaton-a.test"}}, services: []status.Service{{Name: "Pad"}}})
	if err := b.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for range 50 {
				switch n {
				case 0, 1:
					if err := b.Rebuild(t.Context()); err != nil {
						t.Error(err)
					}
				default:
					if _, ok := b.Of("chaton-a.test"); !ok || len(b.All()) < 1 {
						t.Error("a reader finds nothing")
					}
				}
			}
		})
	}
	all.Wait()
}

// full is a snapshot with more of everything than may be.
func full(text string) status.Snapshot {
	s := status.Snapshot{Hoster: "chaton-a.test", Name: text, By: "chaton-a.test", Made: now(), Zone: text, Voters: -5}
	for i := range 120 {
		one := status.Service{Name: text + strconv.Itoa(i), State: verdict.State(text), Failing: 9, Voters: 3, Since: -4, Latency: &status.Latency{}, Promise: &status.Promise{Says: map[string][]string{"fr": {text, text}, text: {text}}, Restored: 9}}
		for d := range 100 {
			one.Days = append(one.Days, status.Day{Date: now().Time().AddDate(0, 0, d-100).Format(time.DateOnly), Parts: status.Parts{Up: 80000, Partial: 1000, Down: -5, Maint: 1 << 60, Unknown: 1400}})
			one.Latency.Day.P50, one.Latency.Month.P95 = append(one.Latency.Day.P50, 1<<50), append(one.Latency.Month.P95, -77)
			one.Promise.Months = append(one.Promise.Months, status.Month{Month: "2026-11", Kept: status.Keeping(text)})
		}
		one.Days = append(one.Days, status.Day{Date: text})
		s.Services = append(s.Services, one)
		x := status.Incident{ID: "i" + strconv.Itoa(i), Services: []string{text, text}, State: verdict.State(text), Closed: core.Moment(i), Lesson: &status.Postmortem{Happened: strings.Repeat(text, 50), Answer: text}}
		for range 35 {
			x.Timeline = append(x.Timeline, status.Line{Kind: status.LineDown, Service: text, Count: -1}, status.Line{Kind: status.LineKind(text)})
			x.Notes = append(x.Notes, status.Note{Kind: status.NoteKind(text), Text: strings.Repeat(text, 50)})
		}
		s.Incidents = append(s.Incidents, x)
		s.Maintenance = append(s.Maintenance, status.Maintenance{ID: text + strconv.Itoa(i), Services: []string{text}, Text: text}, status.Maintenance{ID: "m" + strconv.Itoa(i), Text: strings.Repeat(text, 90)})
	}
	return s
}

// FuzzBounded: whatever fills a snapshot, its JSON is read strictly, is small, and says
// what was left out; nobody's slice is changed by it.
func FuzzBounded(f *testing.F) {
	for _, text := range []string{"", "Pad", "\x00\xff\u202e\u2028\r\n", "<script>", strings.Repeat("🐈\"\\", 300), "../../etc/passwd", "up", "Local"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := full(text)
		data, got, err := s.Bounded().Encode()
		if err != nil || len(data) > status.MaxSnapshot {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		if err := wire.Decode(data, &status.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		if len(got.LeftOut) == 0 || len(s.Services) != 120 || s.Services[0].Voters != 3 || len(s.Services[0].Days) != 101 || s.Incidents[0].Timeline[0].Count != -1 {
			t.Fatalf("left out %v of %d services", got.LeftOut, len(s.Services))
		}
		for _, one := range got.Services {
			if one.ID != status.ServiceID(one.Name) || one.Failing > one.Voters {
				t.Fatalf("%+v", one)
			}
		}
		for _, text := range []string{status.Clean(text, 10, false), status.Clean(text, 10, true)} {
			if n := len([]rune(text)); n > 10 || strings.ContainsAny(text, "\r\x00\x1b\u202e\u2028") || text != strings.TrimSpace(text) {
				t.Fatalf("%q", text)
			}
		}
		if strings.Contains(status.Clean(text, 1000, false), "\n") {
			t.Fatal("a line break in a name")
		}
	})
}

// FuzzRead: what strangers call a snapshot is read or refused.
func FuzzRead(f *testing.F) {
	by := signer(f, "chaton-v.test")
	signed, err := status.Sign([]byte(`{"hoster":"chaton-c.test","by":"chaton-v.test","made_us":1,"services":[]}`), by)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed, []byte("{}"))
	f.Add([]byte("{}"), []byte(`{"hoster":"chaton-c.test","by":"chaton-v.test","made_us":1,"services":[{"name":"x","days":[{"date":"2026-01-01","up_s":-1}]}]}`))
	f.Fuzz(func(t *testing.T, envelope, text []byte) {
		if _, err := status.Read(envelope, "chaton-c.test", keys(by), now()); err != nil && core.CodeOf(err) == core.CodeInternal {
			t.Fatal(err)
		}
		env, err := status.Sign(text, by)
		if err != nil {
			return
		}
		s, err := status.Read(env, "chaton-c.test", keys(by), now())
		if err != nil {
			if core.CodeOf(err) == core.CodeInternal {
				t.Fatal(err)
			}
			return
		}
		if s.Hoster != "chaton-c.test" || s.By != "chaton-v.test" || s.Made > now().Add(time.Hour) {
			t.Fatalf("%+v", s)
		}
		if _, _, err := s.Encode(); err != nil {
			t.Fatal(err)
		}
	})
}
