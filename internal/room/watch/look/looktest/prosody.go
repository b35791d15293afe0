package looktest

import (
	"fmt"
	"strings"
	"testing"
)

// ProsodyPorts are where a Prosody listens: for clients and servers, with STARTTLS and with
// TLS from the first byte. 0 = it does not.
type ProsodyPorts struct{ Client, ClientTLS, Server, ServerTLS int }

// Prosody runs a Prosody for one domain, with a certificate and its key. Settings are lines of
// its configuration before those of the domain.
func Prosody(tb testing.TB, ports ProsodyPorts, domain string, files [2]string, settings string) *Server {
	tb.Helper()
	dir := Dir(tb)
	list := func(port int) string {
		if port == 0 {
			return "{ }"
		}
		return fmt.Sprintf("{ %d }", port)
	}
	var all []int
	for _, p := range []int{ports.Client, ports.ClientTLS, ports.Server, ports.ServerTLS} {
		if p != 0 {
			all = append(all, p)
		}
	}
	config := Write(tb, dir, "prosody.cfg.lua", fmt.Sprintf(`data_path = "%[1]s/data"
certificates = "%[1]s"
run_as_root = true
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
c2s_ports = %[2]s
c2s_direct_tls_ports = %[3]s
s2s_ports = %[4]s
s2s_direct_tls_ports = %[5]s
modules_enabled = { "roster", "saslauth", "tls", "dialback", "disco" }
modules_disabled = { "posix" }
authentication = "internal_hashed"
log = { { levels = { min = "info" }, to = "console" } }
ssl = { certificate = "%[6]s", key = "%[7]s" }
%[8]s
VirtualHost "%[9]s"
`, dir, list(ports.Client), list(ports.ClientTLS), list(ports.Server), list(ports.ServerTLS), files[0], files[1], strings.TrimSpace(settings), domain))
	Write(tb, dir, "data/none", "") // the folder must be there
	return Start(tb, Program{Name: "prosody", Debian: "prosody", Args: []string{"-F", "--config", config}, Dir: dir, Ports: all})
}
