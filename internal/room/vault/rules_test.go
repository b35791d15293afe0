package vault

import (
	"crypto/ed25519"
	"testing"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/keyring"
	"entrechat/internal/room/vault/rest"
)

func TestRights(t *testing.T) {
	for _, c := range []struct {
		right keyring.Right
		verb  keyring.Verb
		typ   rest.Type
		past  bool
		want  bool
	}{
		{keyring.Read, keyring.VerbRead, rest.Data, false, true},
		{keyring.Read, keyring.VerbSave, rest.Data, false, false},
		{keyring.Read, keyring.VerbSave, rest.Locks, false, true},
		{keyring.Read, keyring.VerbRemove, rest.Locks, true, true},
		{keyring.Append, keyring.VerbSave, rest.Config, false, true},
		{keyring.Append, keyring.VerbRemove, rest.Snapshots, false, false},
		{keyring.Append, keyring.VerbRemove, rest.Locks, false, true},
		{keyring.Append, keyring.VerbSave, rest.Data, true, false},
		{keyring.Prune, keyring.VerbSave, rest.Index, false, true},
		{keyring.Prune, keyring.VerbRemove, rest.Data, false, true},
		{keyring.Prune, keyring.VerbRemove, rest.Config, false, false},
		{keyring.Prune, keyring.VerbRemove, rest.Data, true, false},
	} {
		if got := c.right.Allows(c.verb, c.typ, c.past); got != c.want {
			t.Errorf("%s token, %s %s (past %v): %v", c.right, c.verb, c.typ, c.past, got)
		}
	}
}

func TestTokensOpenTheirRepositoryOnly(t *testing.T) {
	appendToken, readToken, prune := keyring.NewToken(), keyring.NewToken(), keyring.NewToken()
	r := catalogue.Repo{AppendHash: appendToken.Hash(), ReadHash: readToken.Hash()}
	copy(r.Prune[:], prune.PruneKey().Public().(ed25519.PublicKey))
	for token, want := range map[keyring.Token]keyring.Right{appendToken: keyring.Append, readToken: keyring.Read, prune: keyring.Prune, keyring.NewToken(): "", {}: ""} {
		if got := keyring.RightOf(r, token); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if back, err := keyring.ParseToken(token.String()); err != nil || back != token {
			t.Errorf("%s: %v", token, err)
		}
	}
	for _, text := range []string{"", "short", appendToken.String() + "=", appendToken.String()[1:] + "!"} {
		if _, err := keyring.ParseToken(text); err == nil {
			t.Errorf("%q is a token", text)
		}
	}
}

func FuzzLabel(f *testing.F) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		`{"repo":"files","type":"data","name":"` + nameOf(nil) + `","size":3}`, `{"repo":"../x","type":"data","name":"","size":-1}`,
		`{"repo":"files","type":"config","name":"","size":3,"later":1}`, `[]`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := keyring.OpenLabel(text, id); core.CodeOf(err) != core.CodeDenied {
			t.Fatalf("text that is no age file: %v", err)
		}
		sealed, err := keyring.SealBytes(text, id.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		l, err := keyring.OpenLabel(sealed, id)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatalf("%v is %s", err, core.CodeOf(err))
			}
			return
		}
		if !rest.ValidRepo(l.Repo) || l.Size < 0 || l.Type != catalogue.Meta && !(rest.Handle{Type: l.Type, Name: l.Name}).Valid() {
			t.Fatalf("%+v", l)
		}
	})
}
