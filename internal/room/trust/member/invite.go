package member

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/room/trust/document"
)

// Invite is a link one hoster hands to another by a way both trust. It carries
// the whole root key, so whoever follows it pins the right node, and a code
// that lets the inviter recognise the answer once.
type Invite struct {
	Address
	Code string // 26 characters, 130 bits; good for one member
}

// invitePrefix begins every link. The link holds no character a shell would
// take for itself: people paste it unquoted.
const invitePrefix = "entrechat:invite/1/"

var inviteCode = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// codeHash is what the inviter keeps instead of the code.
func codeHash(code string) string {
	sum := sha256.Sum256([]byte("entrechat/invite/1\n" + code))
	return hex.EncodeToString(sum[:])
}

// String writes the link. The URL is left out where it follows from the origin.
//
// spec: docs/spec/trust.md#invitation
func (i Invite) String() string {
	link := invitePrefix + string(i.Member) + "/" + i.Root.String() + "/" + i.Code
	if i.URL != "https://"+string(i.Member) {
		link += "/" + i.URL
	}
	return link
}

// IsInvite says whether a text is meant as an invitation link.
func IsInvite(s string) bool { return strings.HasPrefix(unwrap(s), "entrechat:") }

// ParseInvite reads a link as people paste it: broken over lines or with spaces
// around. Returns CodeInvalid.
func ParseInvite(s string) (Invite, error) {
	bad := func(why string) (Invite, error) {
		return Invite{}, core.Invalid("trust.bad_invite", fmt.Errorf("invitation: %s", why))
	}
	link, ok := strings.CutPrefix(unwrap(s), invitePrefix)
	if !ok || len(link) > 2*document.MaxLine {
		return bad("not an invitation link")
	}
	part := strings.SplitN(link, "/", 4)
	if len(part) < 3 || !inviteCode.MatchString(part[2]) {
		return bad("cut short")
	}
	root, err := core.ParseRootKey(part[1])
	if err != nil {
		return bad("key damaged")
	}
	in := Invite{Address{core.MemberID(part[0]), "https://" + part[0], root}, part[2]}
	if len(part) == 4 {
		in.URL = part[3]
	}
	if err := in.Check(); err != nil {
		return bad("address damaged")
	}
	return in, nil
}

// unwrap drops every space and line end: mail programs break long links.
func unwrap(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}
