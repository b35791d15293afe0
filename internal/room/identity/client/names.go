package client

import (
	"errors"
	"strconv"
	"strings"

	"entrechat/internal/core"
)

// Names is the form of the usernames a service can read. The zero value is Plain.
type Names string

// The forms.
const (
	Plain  Names = ""       // as our handles: a-z 0-9 . _ -
	Dotted Names = "dotted" // a-z 0-9 . _
	Word   Names = "word"   // a-z 0-9 _
)

const maxWord = 30 // Mastodon's

func (n Names) check() error {
	if n != Plain && n != Dotted && n != Word {
		return core.Invalid("identity.client.bad_names", errors.New("no such form of names"))
	}
	return nil
}

// longest is how long a new username may be: Mastodon cuts at 30, PeerTube at 50. WordPress
// keeps 60 (user_login), Nextcloud 64 (uid). What a service was told before stays as it is.
func (n Names) longest() int {
	switch n {
	case Word:
		return maxWord
	case Dotted:
		return 50
	case Plain:
	}
	return 60
}

// Username is a handle in this form. From the second try on, when another person has it at
// this service, a number follows.
func (n Names) Username(handle string, try int) string {
	allowed, between := "._-", "-"
	switch n {
	case Dotted:
		allowed, between = "._", "_"
	case Word:
		allowed, between = "_", "_"
	case Plain:
	}
	text := strings.Map(func(r rune) rune {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') || strings.ContainsRune(allowed, r) {
			return r
		}
		return '_'
	}, handle)
	tail := ""
	if try > 1 {
		tail = between + strconv.Itoa(try)
	}
	if most := n.longest() - len(tail); len(text) > most {
		text = strings.TrimRight(text[:most], "._-")
	}
	return text + tail
}
