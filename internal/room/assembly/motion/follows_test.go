package motion

import (
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/tally"
)

// A new version may not end the ballots of the one before earlier than they were to end.
func TestANewVersionEndsNoBallotsEarlier(t *testing.T) {
	at := core.At(time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC))
	before := Proposal{By: "a.test", Kind: tally.KindConsent, Version: 1, Opened: at, CommitUntil: at.Add(14 * 24 * time.Hour)}
	after := Proposal{By: "a.test", Kind: tally.KindConsent, Version: 2, Replaces: "one", Opened: at + 1, CommitUntil: before.CommitUntil}
	if err := after.Follows(before, "one"); err != nil {
		t.Error(err)
	}
	after.CommitUntil--
	if err := after.Follows(before, "one"); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("earlier by a microsecond: %v", err)
	}
}

// With the salt, whoever has the id could try what a text that was taken back said.
func TestWhatIsKeptToCountHasNoSalt(t *testing.T) {
	if p := (Proposal{Salt: newSalt(), Title: "One"}).WithoutText(); p.Salt != "" || p.Title != "" {
		t.Errorf("%+v", p)
	}
}
