package debian

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const apache = `ServerName 127.0.0.1
ServerRoot "%[1]s"
DefaultRuntimeDir "%[1]s"
PidFile "%[1]s/pid"
Mutex file:%[1]s default
ErrorLog "%[1]s/log"
Listen %[2]s
%[3]s
LoadModule mpm_event_module %[4]s/mod_mpm_event.so
LoadModule authn_core_module %[4]s/mod_authn_core.so
LoadModule authz_core_module %[4]s/mod_authz_core.so
LoadModule authz_user_module %[4]s/mod_authz_user.so
LoadModule dir_module %[4]s/mod_dir.so
LoadModule headers_module %[4]s/mod_headers.so
LoadModule auth_openidc_module %[4]s/mod_auth_openidc.so
DocumentRoot "%[1]s/www"
Header set X-User "expr=%%{REMOTE_USER}"
`

// Apache runs an Apache with mod_auth_openidc, whose page says "inside" and, in X-User, who
// is; its configuration goes on with what is printed for it.
func Apache(t testing.TB, address, printed string) {
	t.Helper()
	dir, user := Folder(t), ""
	if os.Getuid() == 0 {
		user = "User nobody\nGroup nogroup"
	}
	Write(t, filepath.Join(dir, "www", "index.html"), "inside")
	conf := Write(t, filepath.Join(dir, "conf"), fmt.Sprintf(apache, dir, address, user, "/usr/lib/apache2/modules")+printed)
	Daemon{Program: "apache2", Args: []string{"-f", conf, "-DFOREGROUND"}, Address: address, Log: filepath.Join(dir, "log")}.Run(t)
}
