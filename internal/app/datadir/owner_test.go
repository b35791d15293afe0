package datadir

import (
	"os"
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
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
	err := CheckUser(data, strings.Split("--data|x|vault|create|a b|--data=y|--lang|fr", "|"))
	e, ok := err.(*core.Error) //nolint:errorlint // as it comes
	if !ok || e.Code != core.CodeDenied || e.Args["Line"] != want {
		t.Fatalf("got %#v, want the line %s", err, want)
	}
	if err := CheckUser(t.TempDir(), nil); err != nil {
		t.Error("our own:", err)
	}
	if err := CheckUser("/nowhere/at/all", nil); err != nil {
		t.Error("a directory to be made:", err)
	}
}

// Whoever made the node as root before the service had a user is told how to hand it
// over, not to run the service as root.
func TestANodeThatRootMadeIsHandedOver(t *testing.T) {
	me := os.Geteuid()
	if got, want := forUser(0, me, "/srv/a b"), "chown -R "+access.UserName(me)+": '/srv/a b'"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := forUser(61234, me, "/srv"); got != "" {
		t.Errorf("another user's node is not to be taken: %s", got)
	}
}
