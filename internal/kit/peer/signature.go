package peer

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// Headers of a signed request.
const (
	headerTo     = "Entrechat-To"
	headerDigest = "Content-Digest"
	headerInput  = "Signature-Input"
	headerSig    = "Signature"
)

// window is how far a request's creation time may lie from ours, both ways.
const window = 10 * time.Minute

// signatureParams is the one form Signature-Input may have. The member id and the
// key hash stand in keyid; content-digest is covered exactly when it is sent.
// spec: docs/spec/peer.md#signature-input
var signatureParams = regexp.MustCompile(
	`^ec=(\("@method" "@path" "@query" "entrechat-to"( "content-digest")?\)` +
		`;created=([0-9]{1,12});nonce="([A-Za-z0-9_-]{22})";keyid="([a-z0-9.:-]{1,259}) ([0-9a-f]{32})";alg="ed25519")$`)

// params are the parts of a Signature-Input header.
type params struct {
	text    string // what stands behind "ec="
	digest  bool
	created time.Time
	nonce   string
	from    core.MemberID
	keyHash string
}

func parseParams(header string) (params, error) {
	m := signatureParams.FindStringSubmatch(header)
	if m == nil {
		return params{}, errors.New("Signature-Input is not in the one form we take")
	}
	seconds, err := strconv.ParseInt(m[3], 10, 64)
	if err != nil {
		return params{}, fmt.Errorf("created: %w", err)
	}
	from := core.MemberID(m[5])
	if !from.Valid() {
		return params{}, fmt.Errorf("keyid names no member: %.80q", m[5])
	}
	return params{
		text: m[1], digest: m[2] != "", created: time.Unix(seconds, 0), nonce: m[4], from: from, keyHash: m[6],
	}, nil
}

// base is the exact text a signature is over.
func (p params) base(r *http.Request) []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(`"` + name + `": ` + value + "\n") }
	line("@method", r.Method)
	line("@path", r.URL.EscapedPath())
	line("@query", "?"+r.URL.RawQuery)
	line("entrechat-to", r.Header.Get(headerTo))
	if p.digest {
		line("content-digest", r.Header.Get(headerDigest))
	}
	b.WriteString(`"@signature-params": ` + p.text)
	return []byte(b.String())
}

// sign adds the headers that prove who sends a request to whom. body is only
// given when it is small and covered; a streamed body is proved by what its route
// checks (a shard by the root in its header).
func sign(r *http.Request, s seal.Signer, to core.MemberID, body []byte, now time.Time) error {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return fmt.Errorf("draw a nonce: %w", err)
	}
	r.Header.Set(headerTo, string(to))
	covered := ""
	if body != nil {
		r.Header.Set(headerDigest, digestOf(body))
		covered = ` "content-digest"`
	}
	p := params{digest: body != nil}
	p.text = fmt.Sprintf(`("@method" "@path" "@query" "entrechat-to"%s);created=%d;nonce="%s";keyid="%s %s";alg="ed25519"`,
		covered, now.Unix(), base64.RawURLEncoding.EncodeToString(nonce[:]), s.ID(), seal.KeyHash(s.Public()))
	r.Header.Set(headerInput, "ec="+p.text)
	r.Header.Set(headerSig, "ec=:"+base64.StdEncoding.EncodeToString(s.Sign(p.base(r)))+":")
	return nil
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
}

// verify checks a signed request up to its body: form, destination, time, key.
// The replay guard comes after, so that only real signatures cost memory.
func verify(r *http.Request, self core.MemberID, now time.Time, keys []ed25519.PublicKey, p params) error {
	if r.Header.Get(headerTo) != string(self) {
		return fmt.Errorf("signed for %.80q", r.Header.Get(headerTo))
	}
	if off := now.Sub(p.created); off > window || off < -window {
		return fmt.Errorf("signed %s away from our clock", off.Round(time.Second))
	}
	if p.digest != (r.Header.Get(headerDigest) != "") {
		return errors.New("Content-Digest and the signature disagree")
	}
	text, ok := strings.CutPrefix(r.Header.Get(headerSig), "ec=:")
	text, ok2 := strings.CutSuffix(text, ":")
	sig, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || !ok2 || err != nil {
		return errors.New("header Signature is malformed")
	}
	for _, key := range keys {
		if seal.KeyHash(key) == p.keyHash && ed25519.Verify(key, p.base(r), sig) {
			return nil
		}
	}
	return errors.New("signature does not hold under any key we know of this member")
}
