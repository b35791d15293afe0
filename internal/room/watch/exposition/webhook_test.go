package exposition_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/watch/exposition"
	"entrechat/internal/room/watch/look"
)

// received is what came by the webhook.
type received struct {
	mu    sync.Mutex
	lines []string
	fail  error
	wake  chan struct{}
}

func (r *received) add(line string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	if r.wake != nil {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	return r.fail
}

// Found implements exposition.Receiver: there is one local target, "routeur".
func (r *received) Found(_ context.Context, target string, found look.Result) error {
	if target != "routeur" {
		return core.NotFound("watch.target.unknown", nil)
	}
	return r.add(fmt.Sprintf("found %s %q %q", target, found.Class, found.Detail))
}

// Notice implements exposition.Receiver.
func (r *received) Notice(_ context.Context, a exposition.Alert) error {
	return r.add(fmt.Sprintf("notice %s %s %q firing=%v", a.Name, a.Service, a.Summary, a.Firing))
}

func (r *received) all() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "; ")
}

func now() time.Time { return time.Unix(1_790_000_000, 0) }

func send(t *testing.T, token, auth, body string, to exposition.Receiver) int {
	t.Helper()
	mux := http.NewServeMux()
	route := exposition.Webhook(token, to, now)
	mux.Handle(route.Pattern, route.Handler)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/watch/alerts", strings.NewReader(body))
	req.Header.Set("Authorization", auth)
	rec := httptest.NewRecorder()
	mux.ServeHTTP(rec, req)
	return rec.Code
}

const one = `{"version":"4","status":"firing","groupKey":"{}:{}","newer":[1.5],"alerts":[{"status":"firing","labels":{"alertname":"Disque","job":"node","severity":"page"%s},"annotations":{"summary":"presque\r\nplein"},"startsAt":"2026-09-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"0011223344556677"}]}`

func TestWebhook(t *testing.T) {
	for name, c := range map[string]struct {
		token, auth, body string
		fail              error
		status            int
		want              string
	}{
		"a notice":            {"s3", "Bearer s3", fmt.Sprintf(one, ""), nil, 200, `notice Disque node "presque plein" firing=true`},
		"a local target":      {"s3", "Bearer s3", fmt.Sprintf(one, `,"entrechat_target":"routeur"`), nil, 200, `found routeur "failed" "Disque: presque plein"`},
		"an unknown target":   {"s3", "Bearer s3", fmt.Sprintf(one, `,"entrechat_target":"autre"`), nil, 200, `notice Disque node "presque plein" firing=true`},
		"over":                {"s3", "Bearer s3", strings.ReplaceAll(fmt.Sprintf(one, `,"entrechat_target":"routeur"`), "firing", "resolved"), nil, 200, `found routeur "" "Disque: presque plein"`},
		"no token sent":       {"s3", "", fmt.Sprintf(one, ""), nil, 401, ""},
		"a wrong token":       {"s3", "Bearer s4", fmt.Sprintf(one, ""), nil, 401, ""},
		"another scheme":      {"s3", "Basic s3", fmt.Sprintf(one, ""), nil, 401, ""},
		"no token configured": {"", "Bearer ", fmt.Sprintf(one, ""), nil, 401, ""},
		"no JSON":             {"s3", "Bearer s3", "x", nil, 400, ""},
		"another version":     {"s3", "Bearer s3", `{"version":"3","alerts":[{}]}`, nil, 400, ""},
		"no alerts":           {"s3", "Bearer s3", `{"version":"4","alerts":[]}`, nil, 400, ""},
		"too many":            {"s3", "Bearer s3", `{"version":"4","alerts":[` + strings.Repeat("{},", exposition.MaxAlerts) + `{}]}`, nil, 400, ""},
		"too large":           {"s3", "Bearer s3", strings.Repeat(" ", exposition.MaxWebhook+1), nil, 400, ""},
		"not stored":          {"s3", "Bearer s3", fmt.Sprintf(one, ""), errors.New("disk"), 503, `notice Disque node "presque plein" firing=true`},
	} {
		r := &received{fail: c.fail}
		if status := send(t, c.token, c.auth, c.body, r); status != c.status || r.all() != c.want {
			t.Errorf("%s: %d, %s", name, status, r.all())
		}
	}
}

// TestIDs: alerts with different fingerprints have different IDs, however long or strange
// they are, and the same one keeps its own.
func TestIDs(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 4)
	seen := map[string]string{}
	for _, fingerprint := range []string{
		"0011223344556677", long[:51], long[:52], long[:53], long + "a", long + "b", strings.Repeat("x", 5000), "a b", "a  b", "a\\tb", "ab", "é", "../x",
	} {
		body := strings.Replace(fmt.Sprintf(one, ""), "0011223344556677", fingerprint, 1)
		var ids []string
		for range 2 {
			all, err := exposition.Decode([]byte(body), core.At(now()))
			if err != nil || len(all) != 1 {
				t.Fatalf("%.60q: %v", fingerprint, err)
			}
			ids = append(ids, all[0].ID)
		}
		if ids[0] != ids[1] || seen[ids[0]] != "" || len(ids[0]) > exposition.MaxID || strings.ContainsAny(ids[0], " /\t") {
			t.Errorf("%.60q is %v, as %.60q", fingerprint, ids, seen[ids[0]])
		}
		seen[ids[0]] = fingerprint
	}
	if seen["0011223344556677"] == "" {
		t.Error("a usual fingerprint is not itself")
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add([]byte(fmt.Sprintf(one, "")))
	f.Add([]byte(`{"version":"4","alerts":[{"status":"resolved","labels":{"a":"\u202e\u0000"},"startsAt":"9999-01-01T00:00:00Z"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, err := exposition.Decode(body, core.At(now()))
		if err != nil {
			return
		}
		for _, a := range all {
			text := a.ID + a.Name + a.Service + a.Severity + a.Summary + a.Target
			if a.ID == "" || len(a.ID) > exposition.MaxID || len(text) > 700 || strings.ContainsAny(text, "\r\n\x00\x1b") || a.Since > core.At(now()) || a.Firing && a.Until != 0 || !a.Firing && a.Until == 0 {
				t.Fatalf("%+v", a)
			}
		}
	})
}
