package status

import (
	"crypto/ed25519"
	"errors"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
)

// Type is how a signed snapshot says what it is.
const Type = "entrechat/watch-status/1"

// ahead is how far the clock of who made a snapshot may be before ours.
const ahead = 2 * time.Minute

// Sign signs the JSON of a snapshot.
func Sign(text []byte, by seal.Signer) ([]byte, error) {
	env, err := seal.SignDoc(Type, text, by)
	if err != nil {
		return nil, err
	}
	return env.Encode()
}

// Read takes a snapshot of hoster that somebody else made: exactly one of those whose keys
// are given, its voters, signed it, and it says so itself. Returns CodeInvalid, or
// CodeDenied when nobody who may speak of the hoster signed it.
// spec: docs/spec/watch.md#snapshot
func Read(data []byte, hoster core.MemberID, voters map[core.MemberID][]ed25519.PublicKey, now core.Moment) (Snapshot, error) {
	env, err := seal.DecodeEnvelope(data)
	if err != nil {
		return Snapshot{}, err
	}
	text, signers, err := env.Verify(Type, voters)
	if err != nil {
		return Snapshot{}, err
	}
	if len(text) > MaxSnapshot {
		return Snapshot{}, core.Invalid("watch.status.bad_snapshot", errors.New("too large"))
	}
	var s Snapshot
	if err := wire.Peek(text, &s); err != nil {
		return Snapshot{}, err
	}
	s = s.Bounded()
	switch {
	case len(signers) != 1 || s.By != signers[0] || s.Hoster != hoster:
		return Snapshot{}, core.Denied("watch.status.not_its_voter", errors.New("signed by another than it says, or for another"))
	case s.Made > now.Add(ahead):
		return Snapshot{}, core.Invalid("watch.status.bad_snapshot", errors.New("made in the future"))
	}
	return s, nil
}
