package app

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

// checkUser refuses to go on as another user than the one the node's files belong to:
// what root writes into the data directory the node cannot read, and it stops at the
// first such file. args are the words typed after the program's name. Returns
// CodeDenied with the line to type instead.
func checkUser(data string, args []string) error {
	uid, gid, ok := ownerOf(data)
	me := os.Geteuid()
	if !ok || uid == me {
		return nil
	}
	return core.Denied("app.other_user", fmt.Errorf("%s belongs to user %d, not %d", data, uid, me)).
		With("Data", data).With("User", access.UserName(uid)).With("Me", access.UserName(me)).With("Line", asUser(uid, gid, data, args))
}

// ownerOf answers whom a node's files belong to; ok is false where there is nothing
// to go by.
func ownerOf(data string) (uid, gid int, ok bool) {
	info, err := os.Stat(filepath.Join(data, configName))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil {
		if info, err = os.Stat(data); err != nil {
			return 0, 0, false
		}
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	// A folder that root made for a group, as containers do, is whose it is once the
	// node is in it.
	if fresh && st.Uid == 0 && os.Geteuid() != 0 {
		return 0, 0, false
	}
	return int(st.Uid), int(st.Gid), true
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
