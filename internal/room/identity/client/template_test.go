package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
)

func TestEveryTemplateIsWhole(t *testing.T) {
	s := service(dbtest.SQLite(t, "identity", migrations.Files))
	all := client.Templates()
	if len(all) < 14 {
		t.Errorf("%d templates", len(all))
	}
	for _, one := range all {
		c, err := one.Client("", "https://x.chaton-a.test/")
		if err != nil {
			t.Fatal(one.Name, err)
		}
		if one.Name == "generic" {
			c.Redirects = []string{"https://x.chaton-a.test/cb"}
		}
		c, secret, err := s.Add(t.Context(), c)
		if err != nil {
			t.Fatal(one.Name, err)
		}
		text, err := s.Configuration(c, secret)
		if err != nil || !strings.Contains(text, c.ID) || !strings.Contains(text, secret) || !strings.Contains(text, "chaton-a.test") {
			t.Errorf("%s: %v\n%s", one.Name, err, text)
		}
		if hidden, err := s.Configuration(c, ""); err != nil || strings.Contains(hidden, secret) || !strings.Contains(hidden, "SECRET") {
			t.Errorf("%s shows its secret: %v", one.Name, err)
		}
		for _, u := range c.Redirects {
			if _, err := client.ParseURL(u); err != nil {
				t.Errorf("%s: %s: %v", one.Name, u, err)
			}
		}
	}
	if _, err := client.FindTemplate("myspace"); core.CodeOf(err) != core.CodeNotFound {
		t.Error(err)
	}
	if _, err := all[0].Client("", "http://x.chaton-a.test"); core.CodeOf(err) != core.CodeInvalid {
		t.Error(err)
	}
}

func TestTest(t *testing.T) {
	d := dbtest.SQLite(t, "identity", migrations.Files)
	var secret string
	wrong := false
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		issuer := server.URL
		if wrong {
			issuer = "https://other.test"
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": issuer, "jwks_uri": server.URL + "/jwks", "introspection_endpoint": server.URL + "/introspect"})
	})
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"keys":[{"kty":"RSA","alg":"RS256"}]}`))
	})
	mux.HandleFunc("POST /introspect", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(`{"active":false}`))
	})
	mux.HandleFunc("GET /cb", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	s := client.New(client.Needs{DB: d, Issuer: server.URL, Now: time.Now})
	c, fresh, err := s.Add(t.Context(), client.Client{ID: "nuage", URL: server.URL, Settings: client.Settings{Redirects: []string{server.URL + "/cb"}, BackLogout: server.URL + "/gone", Alg: "RS256"}})
	if err != nil {
		t.Fatal(err)
	}
	secret = fresh
	said := func(results []client.Result) map[string]bool {
		out := map[string]bool{}
		for _, r := range results {
			out[r.Check] = r.Well
		}
		return out
	}
	found := said(s.Test(t.Context(), c, secret))
	for check, want := range map[string]bool{"discovery": true, "keys": true, "secret": true, "redirect": true, "clock": true, "logout": false} {
		if got, there := found[check]; got != want || !there {
			t.Errorf("%s: %v, %v", check, got, there)
		}
	}
	if found := said(s.Test(t.Context(), c, "wrong")); found["secret"] {
		t.Error("a wrong secret is well")
	}
	wrong = true
	if found := said(s.Test(t.Context(), c, "")); found["discovery"] {
		t.Error("another issuer is well")
	}
	late := client.New(client.Needs{DB: d, Issuer: server.URL, Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	wrong = false
	if found := said(late.Test(t.Context(), c, "")); found["clock"] {
		t.Error("an hour between two clocks is well")
	}
}
