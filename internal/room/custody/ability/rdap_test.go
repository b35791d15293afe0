package ability

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/custody/migrations"
)

// registry answers as IANA's list and one registry do.
func registry(t *testing.T, answer func(domain string) (int, string)) Network {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /dns.json", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"version":"1.0","services":[[["other"],["https://rdap.other.test/"]],[["org","TEST"],["%s/rdap/"]]]}`, server.URL)
	})
	mux.HandleFunc("GET /rdap/domain/{name}", func(w http.ResponseWriter, r *http.Request) {
		status, text := answer(r.PathValue("name"))
		w.Header().Set("Content-Type", "application/rdap+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	})
	return Network{Private: true, Registry: server.URL + "/dns.json"}
}

func told(changed, status, ends string) string {
	return fmt.Sprintf(`{"objectClassName":"domain","status":[%q],"events":[{"eventAction":"registration","eventDate":"2009-05-01T00:00:00Z"},
		{"eventAction":"expiration","eventDate":%q},{"eventAction":"last changed","eventDate":%q}],"entities":[{"vcardArray":["vcard",[["fn",{},"text","x"]]]}]}`, status, ends, changed)
}

func TestRegistry(t *testing.T) {
	answer := told("2026-01-01T00:00:00Z", "active", "2027-02-01T00:00:00Z")
	status, asked := http.StatusOK, ""
	n := registry(t, func(domain string) (int, string) {
		asked = domain
		return status, answer
	})
	r, err := n.Domain(t.Context(), "cloud.chaton-a.org")
	if err != nil || asked != "chaton-a.org" || r.Changed != "2026-01-01T00:00:00Z" || r.Expires == 0 {
		t.Fatalf("%+v, %v, asked for %q", r, err, asked)
	}
	for name, bad := range map[string]string{"no JSON": "<html>", "long": `{"a":"` + strings.Repeat("x", maxAnswer) + `"}`, "empty": ""} {
		answer = bad
		if _, err := n.Domain(t.Context(), "chaton-a.org"); core.CodeOf(err) != core.CodeUnsure {
			t.Errorf("%s: %v", name, err)
		}
	}
	answer, status = "{}", http.StatusNotFound
	if _, err := n.Domain(t.Context(), "chaton-a.org"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("unknown there: %v", err)
	}
	if _, err := n.Domain(t.Context(), "chaton-a.nowhere"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("no such registry: %v", err)
	}
	n.Private = false
	if _, err := n.Domain(t.Context(), "chaton-a.org"); core.CodeOf(err) != core.CodeUnsure {
		t.Errorf("a private address was asked: %v", err)
	}
}

// TestHolder: the registrar is named; of the holder only the kind is kept.
func TestHolder(t *testing.T) {
	card := func(role, lines string) string {
		return fmt.Sprintf(`{"roles":[%q],"vcardArray":["vcard",[["version",{},"text","4.0"],%s]]}`, role, lines)
	}
	for name, c := range map[string]struct{ entities, registrar, holder string }{
		"none":        {"", "", ""},
		"both":        {card("registrar", `["fn",{},"text","Registrar One"]`) + "," + card("registrant", `["org",{"type":"work"},"text","Chaton A"]`), "Registrar One", "organisation"},
		"a person":    {card("registrant", `["fn",{},"text","Ana"],["kind",{},"text","individual"]`), "", "person"},
		"blacked out": {card("registrant", `["fn",{},"text","REDACTED FOR PRIVACY"],["org",{},"text","Redacted for privacy"],["kind",{},"text","individual"]`), "", ""},
		"no card":     {`{"roles":["registrant"]},{"roles":["registrar"],"vcardArray":["vcard"]},{"vcardArray":"x"}`, "", ""},
	} {
		r, err := readRegistration([]byte(`{"entities":[` + c.entities + `]}`))
		if err != nil || r.Registrar != c.registrar || r.Holder != c.holder {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

// TestRegistrarSeenAtItsRegistry: a transfer lock that was taken off proves the registrar's
// account, and once a month the end of the domain is read.
func TestRegistrarSeenAtItsRegistry(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, "custody", migrations.Files))
	status := "client transfer prohibited"
	ends := "2027-02-01T00:00:00Z"
	asked := 0
	w.Seer = registry(t, func(string) (int, string) {
		asked++
		return http.StatusOK, told("2026-01-01T00:00:00Z", status, ends)
	})
	task, g := w.prove(w.add("*", Registrar, "chaton-a.org"), w.person("Ana"))
	w.refused(task.ID, g, "custody.ability.not_seen_rdap")
	status = "active"
	w.confirmed(task.ID, g)
	d := doctor{w.Abilities}
	if f, err := d.checkDomains(t.Context()); err != nil || !f.Unknown {
		t.Errorf("before it was asked: %+v, %v", f, err)
	}
	before := asked
	for range 3 {
		if err := w.askRegistries(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if asked != before+1 {
		t.Errorf("asked %d times within a month", asked-before)
	}
	// The world's clock stands in January 2027: the domain ends within the month.
	if _, err := d.checkDomains(t.Context()); err == nil {
		t.Error("a domain that ends soon is not told")
	} else {
		wants(t, err, "custody.ability.domain_ends")
	}
	ends = "2028-02-01T00:00:00Z"
	w.now = w.now.Add(askAgain)
	if err := w.askRegistries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f, err := d.checkDomains(t.Context()); err != nil || f.Unknown {
		t.Errorf("renewed: %+v, %v", f, err)
	}
}
