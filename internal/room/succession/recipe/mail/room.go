package mail

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// size is how many bytes a user's messages have.
func (d dove) size(ctx context.Context, user string) (int64, error) {
	text, err := d.say(ctx, user, "-f", "tab", "mailbox", "status", "-u", user, "-t", "vsize", "*")
	return number(text), err
}

// quota is how many bytes a user may have; 0 = any.
func (d dove) quota(ctx context.Context, user string) (int64, error) {
	if set, err := d.setting(ctx, "plugin/quota"); err != nil || set == "" {
		return 0, err
	}
	text, err := d.say(ctx, user, "-f", "tab", "quota", "get", "-u", user)
	if err != nil {
		return 0, err
	}
	least := int64(0)
	for _, row := range rows(text) {
		if len(row) < 4 || row[1] != "STORAGE" {
			continue
		}
		if kib, err := strconv.ParseInt(row[3], 10, 64); err == nil && (least == 0 || kib<<10 < least) {
			least = kib << 10
		}
	}
	return least, nil
}

// free is how many bytes are free where a user's home is or will be.
func (d dove) free(ctx context.Context, user string) (int64, error) {
	home, err := d.say(ctx, user, "user", "-f", "home", user)
	if err != nil {
		return 0, err
	}
	script := `p=$1; while test ! -d "$p"; do p=$(dirname -- "$p"); done; exec df -Pk -- "$p"`
	text, err := recipe.Output(ctx, d.side, recipe.Shell(script, path.Clean("/"+strings.TrimSpace(home))))
	if err != nil {
		return 0, err
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) < 6 {
		return 0, core.Unsure("succession.recipe.command", fmt.Errorf("df: %s", text)).With("Program", "df").With("Side", d.side.Name()).With("Said", text)
	}
	kib, err := strconv.ParseInt(fields[3], 10, 64)
	return kib << 10, err
}

// fits refuses a mailbox that its quota, or the disk, has no room for: CodeFull
// "succession.recipe.mail.quota", "succession.recipe.mail.room". One mailbox is looked at, after those before it
// were copied, so that their bytes are gone from what is free.
func (m arrival) fits(ctx context.Context, unit string) error {
	if m.How == byIMAP {
		return nil // nobody says how much it is
	}
	user := m.target(unit)
	bytes, err := m.from.size(ctx, unit)
	if err != nil {
		return err
	}
	limit, err := m.to.quota(ctx, user)
	if err != nil {
		return err
	}
	if limit != 0 && limit < bytes {
		return core.Full("succession.recipe.mail.quota", fmt.Errorf("%d of %d bytes", bytes, limit)).With("User", unit).With("MiB", bytes>>20)
	}
	free, err := m.to.free(ctx, user)
	if err != nil {
		return err
	}
	if free < bytes+bytes/3 {
		return core.Full("succession.recipe.mail.room", fmt.Errorf("%d free for %d bytes", free, bytes)).With("User", unit).With("MiB", bytes>>20)
	}
	return nil
}
