package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
)

// CheckUser refuses to go on as another user than the one the node's files belong to:
// what root writes into the data directory the node cannot read, and it stops at the
// first such file. args are the words typed after the program's name. Returns
// CodeDenied with the line to type instead.
func CheckUser(data string, args []string) error {
	uid, gid, ok := OwnerOf(data)
	me := os.Geteuid()
	if !ok || uid == me {
		return nil
	}
	return core.Denied("app.other_user", fmt.Errorf("%s belongs to user %d, not %d", data, uid, me)).
		With("Data", data).With("User", access.UserName(uid)).With("Me", access.UserName(me)).With("Line", asUser(uid, gid, data, args)).
		With("Cure", forUser(uid, me, data))
}

// forUser is the line that hands a node that root made, before the service was set up, to
// the user who is to run it; empty where the owner is not root.
func forUser(uid, me int, data string) string {
	if uid != 0 {
		return ""
	}
	return "chown -R " + access.UserName(me) + ": " + access.Word(data)
}

// OwnerOf answers whom a node's files belong to; ok is false where there is nothing
// to go by. Of the directory, the configuration and the key one may be in other hands: an
// editor of root's leaves a file of root's.
func OwnerOf(data string) (uid, gid int, ok bool) {
	var found []*syscall.Stat_t
	for _, name := range []string{ConfigName, filepath.Join(SecretsDir, LogKeyName), "."} {
		if info, err := os.Stat(filepath.Join(data, name)); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				found = append(found, st)
			}
		}
	}
	if len(found) == 0 {
		return 0, 0, false
	}
	st := found[0]
	if len(found) == 3 && st.Uid != found[1].Uid && found[1].Uid == found[2].Uid {
		st = found[1]
	}
	// A folder that root made for a group, as containers do, is whose it is once the
	// node is in it.
	if len(found) == 1 && st.Uid == 0 && os.Geteuid() != 0 {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
}

// NotOurs gives an error that this user may not do something in its own node's directory
// the line that cures it; any other comes back as it is.
func NotOurs(data string, err error) error {
	at, ok := errors.AsType[*fs.PathError](err)
	if link, is := errors.AsType[*os.LinkError](err); is && !ok {
		at, ok = &fs.PathError{Op: link.Op, Path: link.New, Err: link.Err}, true
	}
	info, statErr := os.Stat(data)
	if !ok || !access.Denied(err) || !Within(data, at.Path) || statErr != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return err
	}
	return access.Explain(data, at)
}

// asUser is the line that runs a command as the owner of a data directory. The
// directory is named in it, because the other user has another default.
func asUser(uid, gid int, data string, args []string) string {
	line := fmt.Sprintf("setpriv --reuid=%d --regid=%d --clear-groups --", uid, gid)
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		line = "runuser -u " + u.Username + " --"
	}
	if os.Geteuid() != 0 {
		line = "sudo " + line
	}
	line += " entrechat --data " + access.Word(data)
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--data":
			i++
		case strings.HasPrefix(args[i], "--data="):
		default:
			line += " " + access.Word(args[i])
		}
	}
	return line
}

// Unreadable says what keeps this user from a file of the data directory: whose it is,
// where the rest is its own.
func Unreadable(data string, err error) error {
	if cured := NotOurs(data, err); cured != err { //nolint:errorlint // the same or another
		return cured
	}
	return core.Denied("app.data_unreadable", err).With("Data", data)
}
