package looktest

import (
	"fmt"
	"strings"
	"testing"
)

// Site is one TLS server of an Nginx: its port, its certificate with its key, and the
// answers it gives: what stands inside of "server { }".
type Site struct {
	Port  int
	Files [2]string
	Text  string
}

// Recorded is a location of an Nginx that answers with a recorded JSON document.
func Recorded(path string, status int, document string) string {
	return fmt.Sprintf("location = %s { default_type application/json; return %d '%s'; }\n", path, status, strings.ReplaceAll(document, "'", `\'`))
}

// Nginx runs an Nginx with such sites.
func Nginx(tb testing.TB, sites ...Site) *Server {
	tb.Helper()
	dir := Dir(tb)
	var b strings.Builder
	b.WriteString("daemon off;\nworker_processes 1;\nerror_log stderr;\npid nginx.pid;\nevents {}\nhttp {\naccess_log off;\n")
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, "%s_temp_path %s;\n", kind, kind)
	}
	ports := make([]int, 0, len(sites))
	for _, s := range sites {
		ports = append(ports, s.Port)
		fmt.Fprintf(&b, "server {\nlisten 127.0.0.1:%d ssl;\nssl_certificate %s;\nssl_certificate_key %s;\n%s}\n", s.Port, s.Files[0], s.Files[1], s.Text)
	}
	b.WriteString("}\n")
	config := Write(tb, dir, "nginx.conf", b.String())
	return Start(tb, Program{Name: "nginx", Debian: "nginx", Args: []string{"-p", dir, "-c", config, "-e", "stderr"}, Dir: dir, Ports: ports})
}
