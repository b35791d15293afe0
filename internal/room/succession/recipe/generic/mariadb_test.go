package generic_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
	"entrechat/internal/room/succession/recipe/generic"
	"entrechat/internal/room/succession/recipe/recipetest"
)

// maria runs a MariaDB server in a folder until the test ends; its socket is answered.
func maria(t *testing.T) (socket string) {
	t.Helper()
	// Not t.TempDir: the path of a socket is short.
	dir, err := os.MkdirTemp("/tmp", "ec-maria-") //nolint:usetesting // see above
	ok(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // of a test
	who := "--user=" + strings.TrimSpace(run(t, "id", "-un"))
	run(t, "mariadb-install-db", "--no-defaults", who, "--datadir="+dir+"/data", "--auth-root-authentication-method=normal", "--skip-test-db")
	socket = dir + "/s"
	program, err := exec.LookPath("mariadbd")
	if err != nil {
		program = "/usr/sbin/mariadbd"
	}
	c := exec.CommandContext(t.Context(), program, "--no-defaults", who, "--datadir="+dir+"/data", "--socket="+socket, "--skip-networking", "--pid-file="+dir+"/pid", "--innodb-flush-log-at-trx-commit=0")
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(dir, "log"))
	ok(t, err)
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatalf("MariaDB is missing, ./check needs installs it: %v", err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Wait() // it is killed
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		<-ended
		_ = log.Close() // of a test
	})
	for exec.CommandContext(t.Context(), "mariadb", "--no-defaults", "-S", socket, "-u", "root", "-e", "SELECT 1").Run() != nil {
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("MariaDB ended:\n%s", text)
		case <-time.After(50 * time.Millisecond):
		}
	}
	return socket
}

// sql runs SQL in a database; an empty name is none.
func sql(t *testing.T, socket, database, text string) string {
	t.Helper()
	return run(t, "mariadb", "--no-defaults", "--default-character-set=utf8mb4", "-N", "-B", "-S", socket, "-u", "root", "-e", text, database)
}

func TestMariaDB(t *testing.T) {
	socket := maria(t)
	sql(t, socket, "", "CREATE USER mover IDENTIFIED BY 'it''s secret'; GRANT ALL ON *.* TO mover WITH GRANT OPTION")
	n := 0
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		n++
		from, to := fmt.Sprintf("old%d", n), fmt.Sprintf("new%d", n)
		sql(t, socket, "", "CREATE DATABASE "+from+"; CREATE DATABASE "+to)
		sql(t, socket, from, "CREATE TABLE `odd ``| name` (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT CHARACTER SET utf8mb4, b BLOB); CREATE TABLE none (a INT); CREATE VIEW v AS SELECT 1 AS one; CREATE FUNCTION f(a INT) RETURNS INT RETURN a;"+
			"INSERT INTO `odd ``| name` (t, b) SELECT concat('ä🐱', seq), char(seq, 0, 255) FROM seq_1_to_200")
		state := func(database string) func(*testing.T) string {
			return func(t *testing.T) string {
				t.Helper()
				tables := sql(t, socket, database, "SHOW TABLES; SELECT routine_name FROM information_schema.routines WHERE routine_schema = database()")
				if strings.Contains(tables, "odd") {
					tables += sql(t, socket, database, "SELECT sha1(group_concat(id, t, hex(b) ORDER BY id)) FROM `odd ``| name`")
				}
				return tables
			}
		}
		d := recipetest.NewSSHD(t)
		server := func(name string) string {
			return fmt.Sprintf("database = %q\nhost = %q\nuser = 'mover'\npassword = \"it's secret\"\n", name, socket)
		}
		t.Cleanup(func() {
			if strings.Contains(d.Seen(), "secret") {
				t.Error("a password among the words of a command")
			}
		})
		return recipetest.World{
			Recipe:   generic.Recipe{},
			Settings: []byte(place("from", d.Place) + place("to", recipe.Place{}) + "[[database]]\nname = 'app'\nkind = 'mariadb'\n[database.from]\n" + server(from) + "[database.to]\n" + server(to)),
			Source:   state(from), Target: state(to),
			Plant: func(t *testing.T) { t.Helper(); sql(t, socket, to, "DELETE FROM `odd ``| name`") },
		}
	})
	if _, err := (generic.Recipe{}).Read([]byte("[[database]]\nname = 'a'\nkind = 'mariadb'\nfrom.database = 'a'\n")); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("no target: %v", err)
	}
}
