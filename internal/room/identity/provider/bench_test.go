package provider_test

import (
	"net/http"
	"syscall"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"entrechat/internal/kit/dbtest"
	"entrechat/internal/room/identity/client"
	"entrechat/internal/room/identity/migrations"
)

// BenchmarkLogin is a whole sign-in of somebody who is signed in: request, code, tokens,
// userinfo. It counts the CPU of both ends of the line; cpu-ms/login is the sum.
func BenchmarkLogin(b *testing.B) {
	for _, alg := range []string{"ES256", "RS256"} {
		b.Run(alg, func(b *testing.B) {
			w := newWorld(b, dbtest.SQLite(b, "identity", migrations.Files))
			a := w.app("nuage", func(c *client.Client) { c.Alg = alg })
			br := w.browser()
			br.signIn(w.add("alice", "alice@chaton-a.test"), time.Now())
			before := cpu()
			for b.Loop() {
				code, verifier := br.code(a)
				tokens, err := a.Exchange(b.Context(), code, oauth2.VerifierOption(verifier))
				if err != nil {
					b.Fatal(err)
				}
				if status, _ := w.userinfo(tokens.AccessToken); status != http.StatusOK {
					b.Fatal(status)
				}
			}
			b.ReportMetric(float64((cpu()-before).Microseconds())/1000/float64(b.N), "cpu-ms/login")
		})
	}
}

// cpu is what this process has used so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
