package recipient

import (
	"context"
	"encoding/json"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// TypeKey is the entry by which a member says what its node's shares are encrypted to. The
// last one counts.
// spec: docs/spec/custody.md#recipient
const TypeKey = "entrechat/custody-key/1"

type body struct {
	Recipient string `json:"recipient"`
}

// Append writes an entry of ours.
type Append func(ctx context.Context, typ string, body any) error

// Recipients knows what each member's shares are encrypted to. Safe for concurrent use.
type Recipients struct {
	DB   *db.DB
	Self core.MemberID
	Key  Key
	Now  func() time.Time
}

// Say publishes our own, when the last one published is another.
func (r *Recipients) Say(ctx context.Context, write Append) error {
	said, err := get(ctx, r.DB, r.Self)
	if err == nil && said == r.Key.Public() {
		return nil
	}
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	return write(ctx, TypeKey, body{r.Key.Public()})
}

// Of is what a member's shares are encrypted to. Returns CodeNotFound
// "custody.recipient.none" for a member that published none.
func (r *Recipients) Of(ctx context.Context, id core.MemberID) (*age.X25519Recipient, error) {
	text, err := get(ctx, r.DB, id)
	if err != nil {
		return nil, err
	}
	return parse(text)
}

// Readers take in what members publish.
func (r *Recipients) Readers() []logbook.Reader {
	return []logbook.Reader{{
		Name: "custody_recipient", Types: []string{TypeKey},
		Read: func(ctx context.Context, e logbook.Entry) error {
			if !e.InForce(core.At(r.Now())) {
				return nil
			}
			text, err := read(e.Body)
			if err != nil {
				return nil //nolint:nilerr // what cannot be read says nothing; the one before counts
			}
			return put(ctx, r.DB, record{member: e.Log, recipient: text, entry: e.Index, said: e.Iat})
		},
		Truncated: func(ctx context.Context, log core.MemberID, index int64) error {
			return takeBack(ctx, r.DB, log, index)
		},
	}}
}

func read(text json.RawMessage) (string, error) {
	var b body
	if err := wire.Decode(text, &b); err != nil {
		return "", err
	}
	_, err := parse(b.Recipient)
	return b.Recipient, err
}
