package dokuwiki

import (
	"context"
	"errors"
	"path"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// block is what a frozen wiki's last settings say: everybody is under the rights below, and nobody may
// do what writes.
const block = `/* entrechat: frozen */ $conf['useacl'] = 1; $conf['superuser'] = '!!entrechat!!'; $conf['manager'] = '!!entrechat!!'; $conf['remote'] = 0; ` +
	`$conf['disableactions'] = 'register,resendpwd,profile,profile_delete,edit,preview,save,revert,draft,draftdel,subscribe,admin';`

// setting keeps the file of before, or notes that there was none, and then writes its frozen form: "$2" is
// a file's lines without it, "$3" a program for awk.
const setting = `f=$1; if ! test -e "$f.entrechat-frozen" && ! test -e "$f.entrechat-unfrozen"; then
if test -e "$f"; then cp -aL "$f" "$f.entrechat-tmp" && mv -f "$f.entrechat-tmp" "$f.entrechat-frozen"; else : > "$f.entrechat-unfrozen"; fi || exit 1; fi
b=$f.entrechat-frozen; { if test -e "$b"; then awk "$3" "$b"; else printf '%s\n' "$2" | awk "$3"; fi; } > "$f.entrechat-tmp" || exit 1
if test -e "$b"; then chmod --reference="$b" "$f.entrechat-tmp" && { chown --reference="$b" "$f.entrechat-tmp" 2>/dev/null || true; }; else chmod 644 "$f.entrechat-tmp"; fi && mv -f "$f.entrechat-tmp" "$f"`

const resetting = `f=$1; rm -f "$f.entrechat-tmp"; if test -e "$f.entrechat-unfrozen"; then rm -f "$f" && rm -f "$f.entrechat-unfrozen" || exit 1; fi
if test -e "$f.entrechat-frozen"; then mv -f "$f.entrechat-frozen" "$f"; fi`

// lowering makes every right above reading one of reading; without any line everybody may read.
const lowering = `/^[ \t]*(#|\/\/|<\?|$)/ { print; next } { if ($NF + 0 > 1) sub(/[0-9]+[ \t]*$/, "1"); print; n++ } END { if (!n) print "*\t@ALL\t1" }`

// closing ends with the block, before an end of PHP if there is one.
const closing = `/^\?>[ \t]*$/ { next } { print } END { print ENVIRON["ENTRECHAT_BLOCK"] }`

func (m *move) frozen() (rights, protected string) {
	return m.from.Path(path.Join(m.Old.Users, "acl.auth.php")), m.from.Path(path.Join(m.Old.Conf, "local.protected.php"))
}

// freeze makes the wiki read-only, and asks it whether it is.
func (m *move) freeze(ctx context.Context, _ recipe.Work) error {
	rights, protected := m.frozen()
	if err := m.from.Run(ctx, recipe.Shell(setting, rights, "# <?php exit()?>", lowering)); err != nil {
		return err
	}
	c := recipe.Shell(setting, protected, "<?php", closing)
	c.Env = []string{"ENTRECHAT_BLOCK=" + block}
	if err := m.from.Run(ctx, c); err != nil {
		return err
	}
	if m.Old.URL == "" || m.Login.User == "" {
		return nil
	}
	w, err := enter(ctx, m.Old.URL, m.Login)
	if err != nil {
		return err
	}
	// PHP looks only now and then whether a file of settings changed: every 2 s, unless it is set otherwise.
	for range patience {
		edits, err := w.edits(ctx, m.Login.Page)
		if err != nil || !edits {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
	return core.Conflict("succession.recipe.dokuwiki.not_frozen", errors.New("it still offers to save"))
}

// patience is for how many seconds a wiki is asked whether it refuses edits.
const patience = 30

func (m *move) thaw(ctx context.Context, _ recipe.Work) error {
	rights, protected := m.frozen()
	for _, f := range []string{protected, rights} {
		if err := m.from.Run(ctx, recipe.Shell(resetting, f)); err != nil {
			return err
		}
	}
	return nil
}
