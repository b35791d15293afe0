package throttle

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
)

const (
	deviceLives = 365 * 24 * time.Hour
	idSize      = 16
	tagSize     = 8
	macSize     = 16
	maxTags     = 8 // accounts that one browser is known at
	deviceHead  = 1 + idSize + 8
)

// device is a known browser: the cookie says which accounts it signed in to. It is signed,
// not stored. The zero value is unknown everywhere.
type device struct {
	id    [idSize]byte
	until core.Moment
	tags  [][tagSize]byte // of accounts, the latest first
}

func (t *Throttle) tag(account string) (tag [tagSize]byte) {
	copy(tag[:], t.mac("device tag", account))
	return tag
}

func (t *Throttle) mac(purpose, text string) []byte {
	m := hmac.New(sha256.New, t.key)
	m.Write([]byte(purpose + "\x00" + text))
	return m.Sum(nil)
}

func (d device) encode(t *Throttle) string {
	raw := append([]byte{1}, d.id[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(d.until)) //nolint:gosec // after 1970
	for _, tag := range d.tags {
		raw = append(raw, tag[:]...)
	}
	raw = append(raw, t.mac("device", string(raw))[:macSize]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decode reads a cookie; anything but one of ours that still holds is the zero value.
func (t *Throttle) decode(text string, now core.Moment) (d device) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < deviceHead+macSize || len(raw) > deviceHead+maxTags*tagSize+macSize || raw[0] != 1 {
		return d
	}
	said, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	if !hmac.Equal(mac, t.mac("device", string(said))[:macSize]) || (len(said)-deviceHead)%tagSize != 0 {
		return d
	}
	until := core.Moment(binary.BigEndian.Uint64(said[1+idSize:])) //nolint:gosec // we wrote it
	if now > until {
		return d
	}
	copy(d.id[:], said[1:])
	d.until = until
	for rest := said[deviceHead:]; len(rest) > 0; rest = rest[tagSize:] {
		d.tags = append(d.tags, [tagSize]byte(rest))
	}
	return d
}

func (d device) knows(tag [tagSize]byte) bool {
	for _, known := range d.tags {
		if bytes.Equal(known[:], tag[:]) {
			return true
		}
	}
	return false
}

// with is the device once it signed in to accounts.
func (d device) with(tags [][tagSize]byte, now core.Moment) device {
	if d.until == 0 {
		_, _ = rand.Read(d.id[:]) // never fails
	}
	d.until = now.Add(deviceLives)
	all := append([][tagSize]byte(nil), tags...)
	for _, tag := range d.tags {
		if !(device{tags: all}).knows(tag) {
			all = append(all, tag)
		}
	}
	d.tags = all[:min(len(all), maxTags)]
	return d
}

// cookie is the name of the cookie of a known browser.
const cookie = "entrechat-known"

func (t *Throttle) device(r *http.Request) device {
	c, err := r.Cookie(web.CookieName(t.URL, cookie))
	if err != nil {
		return device{}
	}
	return t.decode(c.Value, t.now())
}

// Remember makes the browser a known one at the accounts, which are what Try was called
// with, and what else the same person may type: call it once somebody signed in, before
// anything is written to w.
func (t *Throttle) Remember(w http.ResponseWriter, r *http.Request, accounts ...string) {
	tags := make([][tagSize]byte, 0, len(accounts))
	for _, account := range accounts {
		if account != "" {
			tags = append(tags, t.tag(account))
		}
	}
	http.SetCookie(w, web.Cookie(t.URL, cookie, t.device(r).with(tags, t.now()).encode(t), int(deviceLives.Seconds())))
}
