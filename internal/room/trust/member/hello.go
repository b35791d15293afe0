package member

import (
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/trust/document"
)

// HelloType is the DSSE payload type of a hello.
const HelloType = "application/vnd.entrechat.hello.v1+json"

// maxHello is the longest greeting on the wire, in bytes.
const maxHello = 32 << 10

// Greeting is how a node introduces itself to one that does not know it: its
// root-signed key set, and a hello signed by a key of that set.
//
// spec: docs/spec/trust.md#hello
type Greeting struct {
	Keys  seal.Envelope `json:"keys"`  // logbook.TypKeySet
	Hello seal.Envelope `json:"hello"` // HelloType
}

// Hello is what the greeting node says.
type Hello struct {
	V    int64         `json:"v"` // 1
	From core.MemberID `json:"from"`
	To   core.MemberID `json:"to"`
	At   core.Moment   `json:"at_us"`
	Code string        `json:"code,omitzero"` // of the invitation it answers
}

// Check returns CodeInvalid for a hello to somebody else or of another day.
func (h Hello) Check(from, to core.MemberID, now core.Moment) error {
	late := h.At < now.Add(-document.ClockTolerance) || h.At > now.Add(document.ClockTolerance)
	if h.V != 1 || h.From != from || h.To != to || late || (h.Code != "" && !inviteCode.MatchString(h.Code)) {
		return core.Invalid("trust.bad_hello", fmt.Errorf("hello from %.80q to %.80q", h.From, h.To))
	}
	return nil
}

// Open checks a greeting to us: the key set by the root key it names, the hello by
// a key of the set that is not revoked. That proves who speaks, not that it is
// who it should be: the pin and the invitation do. Returns CodeDenied for a
// signature that does not hold.
func (g Greeting) Open(to core.MemberID, now core.Moment) (Address, Hello, error) {
	var set logbook.KeySet
	if err := document.Payload(g.Keys, &set); err != nil {
		return Address{}, Hello{}, err
	}
	set, err := format.OpenKeySet(g.Keys, set.Origin, set.Root)
	if err != nil {
		return Address{}, Hello{}, err
	}
	a := Address{Member: set.Origin, URL: set.URL, Root: set.Root}
	keys := document.Keys{}
	for _, k := range set.Keys {
		if k.RevokedFrom == 0 {
			keys[a.Member] = append(keys[a.Member], k.Public())
		}
	}
	payload, signers, err := document.Open(g.Hello, HelloType, maxHello, keys)
	if err != nil {
		return a, Hello{}, err
	}
	if len(signers) != 1 {
		return a, Hello{}, document.BadSignature("the hello is not signed by the key set it brings")
	}
	var h Hello
	if err := wire.Decode(payload, &h); err != nil {
		return a, h, err
	}
	return a, h, errors.Join(a.Check(), h.Check(a.Member, to, now))
}
