package backup

import (
	"context"
	"strings"
	"time"

	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

// master is what opening the keys of a repository with the kept password gave.
type master struct {
	keys string       // the names of its key files then
	key  *rest.Master // nil = the password opened none
}

// sealedTime is how long the keys of a repository are looked for when a lock comes: a
// restore begins with one, and must begin while members are away.
const sealedTime = 5 * time.Second

// Sealed says whether a file is one that restic sealed for this repository. Where that
// cannot be told, because no key can be read or the kept password opens none, it is taken
// for one.
func (r *Backups) Sealed(repo string, file []byte) bool {
	ctx, cancel := context.WithTimeout(context.Background(), sealedTime)
	defer cancel()
	m := r.master(ctx, repo)
	return m == nil || m.Sealed(file)
}

// master is the key of a repository, drawn once as long as its key files stay the same:
// that costs a tenth of a second.
func (r *Backups) master(ctx context.Context, repo string) *rest.Master {
	keys, err := r.store.Objects.Newest(ctx, repo, rest.Keys, maxKeys)
	if err != nil || len(keys) == 0 {
		return nil
	}
	var names strings.Builder
	for _, o := range keys {
		names.WriteString(o.File.Name)
	}
	r.trying.Lock()
	defer r.trying.Unlock()
	if m, ok := r.masters[repo]; ok && m.keys == names.String() {
		return m.key
	}
	password, err := r.keyring.Secret(repo, keyring.Password)
	if err != nil {
		return nil
	}
	found, whole := master{keys: names.String()}, true
	for _, o := range keys {
		file, err := r.n.ReadSmall(ctx, o, rest.MaxKey)
		if err == nil {
			found.key, err = rest.OpenKey(file, password)
		}
		if whole = whole && err == nil; found.key != nil {
			break
		}
	}
	if found.key != nil || whole {
		if r.masters == nil {
			r.masters = map[string]master{}
		}
		r.masters[repo] = found
	}
	return found.key
}

// PasswordChanged has the key of a repository drawn anew: the kept password is another one.
func (r *Backups) PasswordChanged(repo string) {
	r.trying.Lock()
	defer r.trying.Unlock()
	delete(r.masters, repo)
}
