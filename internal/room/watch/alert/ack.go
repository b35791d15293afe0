package alert

import (
	"context"
	"encoding/base64"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/watch/alert/delivery"
)

// PathAck is where a person acknowledges, with the notice, the person and a signature of
// this node behind it.
const PathAck = "/watch/ack/"

func ackText(key, person string) []byte {
	return []byte("entrechat/watch-ack/1\n" + key + "\n" + person)
}

// link is where one person acknowledges one notice at this node.
func (s *Service) link(key, person string) string {
	sig := s.n.Signer.Sign(ackText(key, person))
	return s.n.URL + PathAck + key + "/" + person + "/" + base64.RawURLEncoding.EncodeToString(sig)
}

// linked is the notice behind a link that we signed. Returns CodeDenied for any other,
// CodeNotFound for a notice that is forgotten.
func (s *Service) linked(ctx context.Context, key, person, sig string) (delivery.Standing, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sig)
	if err != nil || !seal.Holds(s.n.Signer.Public(), ackText(key, person), raw) {
		return delivery.Standing{}, core.Denied("watch.alert.bad_link", errors.New("not our signature"))
	}
	return s.queue.Get(ctx, key)
}

// Acknowledge says that a person looks after a notice, and with it after its incident.
// person may be empty: somebody of the team. Returns CodeNotFound.
func (s *Service) Acknowledge(ctx context.Context, key, person string) (first bool, err error) {
	if person == "" {
		person = "admin"
	}
	return s.queue.Acknowledge(ctx, key, person)
}
