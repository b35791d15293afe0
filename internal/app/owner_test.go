package app

import (
	"os"
	"strings"
	"testing"

	"entrechat/internal/core"
)

// A directory of somebody else is refused whoever we are, with the line to type.
func TestOtherUsersDirectory(t *testing.T) {
	data, want := "/root", "sudo runuser -u root -- entrechat --data /root vault create 'a b' --lang fr"
	if os.Geteuid() == 0 {
		data = t.TempDir()
		if err := os.Chown(data, 61234, 61235); err != nil {
			t.Fatal(err)
		}
		want = "setpriv --reuid=61234 --regid=61235 --clear-groups -- entrechat --data " + data + " vault create 'a b' --lang fr"
	}
	err := checkUser(data, strings.Split("--data|x|vault|create|a b|--data=y|--lang|fr", "|"))
	e, ok := err.(*core.Error) //nolint:errorlint // as it comes
	if !ok || e.Code != core.CodeDenied || e.Args["Line"] != want {
		t.Fatalf("got %#v, want the line %s", err, want)
	}
	if err := checkUser(t.TempDir(), nil); err != nil {
		t.Error("our own:", err)
	}
	if err := checkUser("/nowhere/at/all", nil); err != nil {
		t.Error("a directory to be made:", err)
	}
}
