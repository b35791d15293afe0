package need

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

const (
	quickest  = 3 * time.Second // a person takes longer to fill in the form
	formTime  = 24 * time.Hour
	claimTime = 48 * time.Hour // how long a link to confirm is good for
)

// keys signs what travels through strangers' hands and comes back.
type keys struct{ box seal.Box }

func (k keys) sum(label string, parts ...string) string {
	h := hmac.New(sha256.New, k.box.Key("assembly need "+label))
	for _, p := range parts {
		h.Write([]byte(strconv.Itoa(len(p)) + ":" + p))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
}

// stamp says when a form was made.
func (k keys) stamp(now time.Time) string {
	at := strconv.FormatInt(now.UnixMilli(), 36) + "." + rand.Text()[:8]
	return at + "." + k.sum("form", at)
}

// checkStamp says whether a form of ours was filled in at a person's pace. Returns
// CodeInvalid, or CodeConflict for one that lay too long.
func (k keys) checkStamp(stamp string, now time.Time) error {
	i := strings.LastIndexByte(stamp, '.')
	if i < 0 || len(stamp) > 100 || !hmac.Equal([]byte(k.sum("form", stamp[:i])), []byte(stamp[i+1:])) {
		return core.Invalid("assembly.need.bad_form", errors.New("no form of ours"))
	}
	made, _, _ := strings.Cut(stamp, ".")
	ms, err := strconv.ParseInt(made, 36, 64)
	if err != nil {
		return core.Invalid("assembly.need.bad_form", err)
	}
	switch age := now.Sub(time.UnixMilli(ms)); {
	case age < quickest:
		return core.Invalid("assembly.need.too_quick", errors.New("filled in by a program"))
	case age > formTime:
		return core.Conflict("assembly.need.too_old", errors.New("an old form"))
	}
	return nil
}

// made says whether a stamp is ours and not too old; it may be too young.
func (k keys) made(stamp string, now time.Time) bool {
	return k.checkStamp(stamp, now.Add(quickest)) == nil
}

// voice is the keyed hash of who needs it too: of an account or of an address.
func (k keys) voice(kind, who string) string {
	h := hmac.New(sha256.New, k.box.Key("assembly need voice"))
	h.Write([]byte(kind + "\n" + who))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// claim is what a mailed link confirms. Nothing of it is kept here.
type claim struct {
	kind  string // address or voice
	need  string
	voice string // hash of who confirms: of the mailbox for a voice, of the address as typed for an address
	until time.Time
}

const (
	claimAddress = "address"
	claimVoice   = "voice"
)

func (k keys) sign(c claim) (text, sig string) {
	text = strings.Join([]string{c.kind, c.need, c.voice, strconv.FormatInt(c.until.Unix(), 36)}, ".")
	return text, k.sum("claim", text)
}

// readClaim reads a link. Returns CodeDenied for one that is not ours, CodeNotFound for one
// whose time is over.
func (k keys) readClaim(text, sig string, now time.Time) (c claim, err error) {
	if len(text) > 200 || !hmac.Equal([]byte(k.sum("claim", text)), []byte(sig)) {
		return c, core.Denied("assembly.need.bad_link", errors.New("a link that is not ours"))
	}
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return c, core.Denied("assembly.need.bad_link", errors.New("a link of another form"))
	}
	until, err := strconv.ParseInt(parts[3], 36, 64)
	if err != nil {
		return c, core.Denied("assembly.need.bad_link", err)
	}
	c = claim{parts[0], parts[1], parts[2], time.Unix(until, 0)}
	if now.After(c.until) {
		return c, core.NotFound("assembly.need.link_over", errors.New("its time is over"))
	}
	return c, nil
}
