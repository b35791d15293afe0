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
	"entrechat/internal/kit/wire"
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
		`;created=([1-9][0-9]{0,11});nonce="([A-Za-z0-9_-]{22})";keyid="([a-z0-9.:-]{1,259}) ([0-9a-f]{32})";alg="ed25519")$`)

// signed is what the headers of a request claim.
type signed struct {
	params  string // of Signature-Input, what stands behind "ec="
	from    core.MemberID
	keyHash string
	to      string
	created time.Time
	nonce   nonce
	digest  string // Content-Digest, "" = body not covered
	sig     []byte
}

// isSigned says whether a request claims to be somebody's.
func isSigned(r *http.Request) bool {
	return len(r.Header[headerInput]) > 0 || len(r.Header[headerSig]) > 0
}

// parseSigned reads the headers of a signed request. Its errors have no code.
func parseSigned(r *http.Request) (signed, error) {
	var s signed
	var input, sig string
	for name, into := range map[string]*string{headerInput: &input, headerSig: &sig, headerTo: &s.to, headerDigest: &s.digest} {
		values := r.Header[name]
		if len(values) == 0 && name == headerDigest {
			continue
		}
		if len(values) != 1 || values[0] == "" {
			return s, fmt.Errorf("%d %s headers", len(values), name)
		}
		*into = values[0]
	}
	m := signatureParams.FindStringSubmatch(input)
	if m == nil {
		return s, errors.New("unknown form of Signature-Input")
	}
	s.params, s.from, s.keyHash = m[1], core.MemberID(m[5]), m[6]
	if !s.from.Valid() {
		return s, fmt.Errorf("keyid names no member: %.80q", m[5])
	}
	if (m[2] != "") != (s.digest != "") {
		return s, errors.New("what is covered and Content-Digest disagree")
	}
	seconds, err := strconv.ParseInt(m[3], 10, 64)
	if err != nil {
		return s, fmt.Errorf("created: %w", err)
	}
	s.created = time.Unix(seconds, 0)
	unique, err := base64.RawURLEncoding.Strict().DecodeString(m[4])
	if err != nil {
		return s, fmt.Errorf("nonce: %w", err)
	}
	s.nonce = nonce(unique)
	text, begins := strings.CutPrefix(sig, "ec=:")
	text, ends := strings.CutSuffix(text, ":")
	s.sig, err = wire.Base64(text)
	if !begins || !ends || err != nil {
		return s, errors.New("malformed Signature")
	}
	return s, nil
}

// base is the exact text a signature is over (RFC 9421 section 2.5). It begins
// with a double quote, as nothing else does that the same key signs.
func (s signed) base(r *http.Request) []byte {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(`"` + name + `": ` + value + "\n") }
	line("@method", r.Method)
	line("@path", r.URL.EscapedPath())
	line("@query", "?"+r.URL.RawQuery)
	line("entrechat-to", s.to)
	if s.digest != "" {
		line("content-digest", s.digest)
	}
	b.WriteString(`"@signature-params": ` + s.params)
	return []byte(b.String())
}

// sign adds the headers that prove who sends a request to whom. body is only
// given when it is small and covered; a streamed body is proved by what its route
// checks (a shard by the root in its header).
func sign(r *http.Request, by seal.Signer, to core.MemberID, body []byte, now time.Time) {
	s := signed{to: string(to)}
	_, _ = rand.Read(s.nonce[:]) // never fails: crypto/rand ends the program instead
	covered := ""
	if body != nil {
		sum := sha256.Sum256(body)
		s.digest = digestText(sum[:])
		r.Header.Set(headerDigest, s.digest)
		covered = ` "content-digest"`
	}
	s.params = fmt.Sprintf(`("@method" "@path" "@query" "entrechat-to"%s);created=%d;nonce="%s";keyid="%s %s";alg="ed25519"`,
		covered, now.Unix(), base64.RawURLEncoding.EncodeToString(s.nonce[:]), by.ID(), seal.KeyHash(by.Public()))
	r.Header.Set(headerTo, s.to)
	r.Header.Set(headerInput, "ec="+s.params)
	r.Header.Set(headerSig, "ec=:"+base64.StdEncoding.EncodeToString(by.Sign(s.base(r)))+":")
}

func digestText(sum []byte) string {
	return "sha-256=:" + base64.StdEncoding.EncodeToString(sum) + ":"
}

// receiver is who checks a signature: its id, its clock, and when it began to
// remember nonces.
type receiver struct {
	id      core.MemberID
	now     time.Time
	started time.Time
}

// verify checks a signed request up to its nonce and body. Returns CodeDenied,
// or CodeUnsure for a request of before our start, which might be a copy.
func (s signed) verify(r *http.Request, keys []ed25519.PublicKey, by receiver) error {
	if s.to != string(by.id) {
		return badSignature(fmt.Errorf("%s signed for %.80q", s.from, s.to))
	}
	if !s.holds(r, keys) {
		return badSignature(fmt.Errorf("%s: holds under none of its %d keys", s.from, len(keys)))
	}
	// Only its real sender is told that the clocks disagree.
	if off := by.now.Sub(s.created); off > window || off < -window {
		return core.Denied("peer.bad_clock", fmt.Errorf("%s signed %s away from our clock", s.from, off.Round(time.Second)))
	}
	if s.created.Before(by.started) {
		return core.Unsure("peer.just_started", fmt.Errorf("%s signed before our start", s.from))
	}
	return nil
}

func (s signed) holds(r *http.Request, keys []ed25519.PublicKey) bool {
	base := s.base(r)
	for _, key := range keys {
		if seal.KeyHash(key) == s.keyHash && seal.Holds(key, base, s.sig) {
			return true
		}
	}
	return false
}

func badSignature(err error) error { return core.Denied("peer.bad_signature", err) }
