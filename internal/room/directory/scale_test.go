//go:build scale

package directory

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/room/directory/own"
)

// TestCostOfOwnPages says what the pages about our own services cost in processor time,
// with as many of them as a hoster may have: docs/benchmarks.md.
func TestCostOfOwnPages(t *testing.T) {
	r := nodeRoom(t)
	if err := os.MkdirAll(r.n.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	write := func(name string, text []byte) {
		path := filepath.Join(r.n.Dir, name+own.Suffix)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	write(own.HosterName, class(org, "Organization"))
	for i := range 200 {
		write(fmt.Sprintf("s%d", i), append(class(pad, "Service"), "service.description = Quelque chose à lire, pas trop long.\nsoftware.name = Etherpad\nservice.status.level = OK\n"...))
	}
	spent := func() time.Duration {
		var use syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
			t.Fatal(err)
		}
		return time.Duration(use.Utime.Nano() + use.Stime.Nano())
	}
	v := visit(t, r)
	for _, page := range []string{"/services", "/services/s3", "/transparency", "/feeds/atom.xml"} {
		const rounds = 50
		v.ask(http.MethodGet, page, nil) // its template is read
		before := spent()
		for range rounds {
			v.ask(http.MethodGet, page, nil)
		}
		cost := (spent() - before) / rounds
		if t.Logf("%-18s %s", page, cost); cost > 20*time.Millisecond {
			t.Errorf("%s costs %s of processor time", page, cost)
		}
	}
}
