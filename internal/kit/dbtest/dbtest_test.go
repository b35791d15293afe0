package dbtest_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

const asChild = "ENTRECHAT_DBTEST_CHILD"

// TestClusterEndsWithItsBinary kills a test binary that has a cluster, the way a
// timeout would, and looks for what stays.
func TestClusterEndsWithItsBinary(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v")
	child.Env = append(os.Environ(), asChild+"=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var folder string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, after, ok := strings.Cut(lines.Text(), "folder="); ok {
			folder = after
			break
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // killed, as told
	if _, err := os.Stat(folder); folder == "" || err != nil {
		t.Fatalf("the child made no cluster in %q: %v", folder, err)
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
	t.Errorf("%s is still there", folder)
}

// TestChild is TestClusterEndsWithItsBinary's other half; alone it does nothing.
func TestChild(t *testing.T) {
	if os.Getenv(asChild) == "" {
		return
	}
	d := dbtest.Postgres(t, "demo", nil)
	folder, err := db.One(t.Context(), d, db.Text, `SELECT current_setting('unix_socket_directories')`)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("folder=" + folder)
	<-time.After(time.Minute)
}
