package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"time"

	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
)

// statement is a signed token that was made, and what it says.
type statement struct {
	text  string
	etag  string
	facts string // hash of what it says but the time
	made  time.Time
	held  time.Time // when it was last compared with what there is to say
}

// tokenType is the header `typ` of every statement.
const tokenType = "entity-statement+jwt"

// itself is what we say of ourselves.
func (f *Federation) itself(v view) (map[string]any, error) {
	keys, err := f.n.Keys.Public(key.Federation)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(f.n.Metadata())
	if err != nil {
		return nil, err
	}
	var provider map[string]any
	if err := json.Unmarshal(text, &provider); err != nil {
		return nil, err
	}
	// By value too: so they are bound to the keys above, and not only to a certificate.
	if provider["jwks"], err = f.n.Keys.Public(""); err != nil {
		return nil, err
	}
	entity := map[string]any{"organization_name": string(f.n.Self), "organization_uri": f.n.Issuer + "/"}
	if len(v.list) > 0 {
		entity["federation_fetch_endpoint"] = f.n.Issuer + pathFetch
		entity["federation_list_endpoint"] = f.n.Issuer + pathList
	}
	says := map[string]any{
		"iss": f.n.Issuer, "sub": f.n.Issuer, "jwks": keys,
		"metadata": map[string]any{"openid_provider": provider, "federation_entity": entity},
	}
	if len(v.above) > 0 {
		says["authority_hints"] = v.above
	}
	return says, nil
}

// of is what we say of a member: its keys, that it signs people in, and that nobody speaks
// for it.
func (f *Federation) of(h home.Home) map[string]any {
	return map[string]any{
		"iss": f.n.Issuer, "sub": h.Issuer, "jwks": h.Federation, "source_endpoint": f.n.Issuer + pathFetch,
		"constraints": map[string]any{"max_path_length": 0, "allowed_entity_types": []string{"openid_provider"}},
	}
}

// stateSelf gives the entity configuration. The lock keeps two requests from signing the same.
func (f *Federation) stateSelf(ctx context.Context) (statement, error) {
	v, err := f.view(ctx)
	if err != nil {
		return statement{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if was, fresh := f.recent(f.n.Issuer); fresh {
		return was, nil
	}
	says, err := f.itself(v)
	if err != nil {
		return statement{}, err
	}
	return f.state(says, selfLife)
}

// stateMember gives the subordinate statement about a member; false where there is none.
func (f *Federation) stateMember(ctx context.Context, issuer string) (made statement, known bool, err error) {
	v, err := f.view(ctx)
	if err != nil {
		return made, false, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	h, known := v.members[issuer]
	if !known {
		return made, false, nil
	}
	if was, fresh := f.recent(issuer); fresh {
		return was, true, nil
	}
	made, err = f.state(f.of(h), memberLife)
	return made, true, err
}

// recent gives the statement about an entity that was compared a moment ago.
func (f *Federation) recent(subject string) (statement, bool) {
	was := f.made[subject]
	age := f.n.Now().Sub(was.held)
	return was, was.text != "" && age >= 0 && age < viewLife
}

// state gives the statement about an entity: the one that was made, while it says the same
// and is new enough, or was made less than a minute ago.
func (f *Federation) state(says map[string]any, life time.Duration) (statement, error) {
	k, err := f.n.Keys.Signing(key.Federation)
	if err != nil {
		return statement{}, err
	}
	text, err := json.Marshal(says)
	if err != nil {
		return statement{}, err
	}
	subject, _ := says["sub"].(string)
	now, facts := f.n.Now(), digest(k.KeyID+"\n"+string(text))
	was := f.made[subject]
	if age := now.Sub(was.made); was.text != "" && age >= 0 && (age < pause || age < keep && was.facts == facts) {
		was.held = now
		f.made[subject] = was
		return was, nil
	}
	timed := maps.Clone(says)
	timed["iat"], timed["exp"] = now.Unix(), now.Add(life).Unix()
	made, err := key.Sign(k, tokenType, timed)
	if err != nil {
		return statement{}, err
	}
	out := statement{made, `"` + digest(made) + `"`, facts, now, now}
	f.made[subject] = out
	return out, nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
