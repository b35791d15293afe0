package looktest

import (
	"fmt"
	"testing"
)

// Knot runs a Knot DNS in charge of one zone, whose text it serves as it stands, on a port of
// its own (UDP and TCP): signatures that do not hold are served too.
func Knot(tb testing.TB, port int, domain, text string) *Server {
	tb.Helper()
	dir := Dir(tb)
	Write(tb, dir, "zone", text)
	config := Write(tb, dir, "knot.conf", fmt.Sprintf(`server:
    rundir: %[1]s
    listen: 127.0.0.1@%[2]d
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: %[1]s/db
    journal-db-max-size: 10M
    kasp-db-max-size: 10M
    timer-db-max-size: 10M
template:
  - id: default
    storage: %[1]s
    semantic-checks: off
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
zone:
  - domain: %[3]s
    file: zone
`, dir, port, domain))
	return Start(tb, Program{Name: "knotd", Debian: "knot", Args: []string{"-c", config}, Dir: dir, Ports: []int{port}})
}
