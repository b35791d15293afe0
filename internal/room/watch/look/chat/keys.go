package chat

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"entrechat/internal/room/watch/look"
)

// serverKeys is a Matrix server's answer about its own keys.
type serverKeys struct {
	Name  string `json:"server_name"`
	Until int64  `json:"valid_until_ts"` // milliseconds since 1970
	Keys  map[string]struct {
		Key string `json:"key"` // unpadded base64
	} `json:"verify_keys"`
	Signatures map[string]map[string]string `json:"signatures"`
}

// checkKeys says whether keys are those of a domain, hold now, and are signed by one of
// themselves. Returns a ClassError of class Content, and Cert for keys whose time is over:
// other servers believe no event that they sign.
func checkKeys(text []byte, domain string, now time.Time) error {
	var k serverKeys
	if err := json.Unmarshal(text, &k); err != nil {
		return look.Fail(look.Content, "the key answer cannot be read: %v", err)
	}
	switch {
	case !strings.EqualFold(k.Name, domain):
		return look.Fail(look.Content, "the keys are those of %.80q", k.Name)
	case len(k.Keys) == 0:
		return look.Fail(look.Content, "the server shows no key")
	case k.Until <= now.UnixMilli():
		return look.Fail(look.Cert, "the keys hold until %s only", time.UnixMilli(k.Until).UTC().Format(time.DateTime))
	}
	signed, err := canonical(text)
	if err != nil {
		return look.Fail(look.Content, "the key answer cannot be read: %v", err)
	}
	for id, key := range k.Keys {
		if !strings.HasPrefix(id, "ed25519:") {
			continue
		}
		public, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(key.Key, "="))
		if err != nil || len(public) != ed25519.PublicKeySize {
			continue
		}
		signature, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(k.Signatures[k.Name][id], "="))
		if err == nil && ed25519.Verify(public, signed, signature) {
			return nil
		}
	}
	return look.Fail(look.Content, "none of the keys signed the answer")
}

// canonical is the form of a JSON object that Matrix signs: members sorted, no spaces, and
// without its signatures. Matrix, "Signing JSON".
func canonical(text []byte) ([]byte, error) {
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	delete(doc, "signatures")
	delete(doc, "unsigned")
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
