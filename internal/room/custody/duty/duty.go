package duty

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

const (
	// Version is of the text: who signed an older one signs again.
	Version = 1
	// holds is how long a signature counts.
	holds = 365 * 24 * time.Hour
	// soon is how long before its end a signature is to be renewed.
	soon = 30 * 24 * time.Hour
	// fresh is how many days ago a text that is signed by key may be made.
	fresh = 7
)

// Way is how somebody signed.
type Way string

// The ways.
const (
	ByAccount Way = "account" // signed in here with the account that the card names
	ByKey     Way = "key"     // with the key of the card
)

// Signature is the last one of a person.
type Signature struct {
	Person    string // id of a card
	Version   int64
	Way       Way
	Hash      string // SHA-256 of the text as it was signed, hex
	Signature string // what ssh-keygen wrote; empty for an account
	Signed    core.Moment
}

// State is how it stands with a person.
type State string

// The states, best first.
const (
	Signed   State = "signed"
	Due      State = "due"      // counts still, for less than 30 days
	Ended    State = "ended"    // a year is over
	Outdated State = "outdated" // the text is another since
	Unsigned State = "unsigned"
	NoCard   State = "no_card" // an admin's account that no card names
)

// Counts says whether a person who stands so has signed.
func (s State) Counts() bool { return s == Signed || s == Due }

// Judge says how it stands with a signature; nil = there is none. One dated in the future
// counts as one of now.
func Judge(s *Signature, now core.Moment) State {
	if s == nil {
		return Unsigned
	}
	age := now.Sub(s.Signed)
	switch {
	case s.Version != Version:
		return Outdated
	case age > holds:
		return Ended
	case age > holds-soon:
		return Due
	}
	return Signed
}

// points are the words keys of what the text says, in its order.
func points() []string {
	return []string{
		"custody.duty.point_people", "custody.duty.point_limits", "custody.duty.point_reach", "custody.duty.point_runbooks", "custody.duty.point_secrets",
		"custody.duty.point_look", "custody.duty.point_incidents", "custody.duty.point_help", "custody.duty.point_leave",
	}
}

// Text is what a person signs by key, in a language: the hoster, the card and the day stand
// in it. The last line ends with a line end.
func Text(p *words.Printer, self core.MemberID, person string, day time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s %s %s\n\n", p.T("custody.duty.text_title", map[string]any{"Version": Version}), self, person, day.UTC().Format(time.DateOnly))
	for _, key := range points() {
		fmt.Fprintf(&b, "- %s\n", p.T(key, nil))
	}
	return b.String()
}

func hashOf(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// Person is one of our own admins, as the room's cards know them.
type Person struct {
	ID      string
	Name    string
	Account string // handle; empty = none
	// Verify says whether a signature of ssh-keygen over these bytes is the person's.
	Verify func(message []byte, signature string) error
}

// verify finds the text of the last days, in either language, that a signature is over.
func verify(c *words.Catalogue, self core.MemberID, who Person, signature string, now time.Time) (text string, err error) {
	for ago := range fresh {
		for _, lang := range []string{words.French, words.English} {
			text := Text(c.Printer(lang), self, who.ID, now.AddDate(0, 0, -ago))
			if err = who.Verify([]byte(text), signature); err == nil {
				return text, nil
			}
			if core.CodeOf(err) != core.CodeDenied {
				return "", err
			}
		}
	}
	return "", core.Denied("custody.duty.other_text", errors.Join(errors.New("over no text of these days"), err)).With("Days", fresh)
}
