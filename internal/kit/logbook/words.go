package logbook

import (
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/recovery"
	"entrechat/internal/kit/logbook/store"
)

// The words that rooms and commands use; each stands explained where it is declared.
type (
	// Entry is one verified leaf of a member's log.
	Entry = format.Entry
	// KeySet is what a member's root key says about it.
	KeySet = format.KeySet
	// Key is one online key of a member.
	Key = format.Key
	// Closed is the last good state of a log that does not go on.
	Closed = format.Closed
	// Fork is the proof that a member signed two histories.
	Fork = format.Fork
	// State is how a member's log stands with us.
	State = format.State
	// WellKnown is who a node is, for somebody who has only its address.
	WellKnown = format.WellKnown
	// Member is a member's log as others may see it.
	Member = store.Member
	// Roster is a summary of whom we follow and who is suspended.
	Roster = store.Roster
	// Damage is a log that does not verify on this disk.
	Damage = store.Damage
	// Evidence is a fork proof that was stored.
	Evidence = members.Evidence
	// Contact is how the exchange with one member goes.
	Contact = mirror.Contact
	// Calls is what the exchange needs of other members.
	Calls = mirror.Calls
	// Tuning is the exchange's pace.
	Tuning = mirror.Tuning
	// Answer is how reading our own log from one address went.
	Answer = recovery.Answer
)

// The states of a log.
const (
	Unknown   = format.Unknown   // followed, nothing verified yet
	Fresh     = format.Fresh     // heard within 48 hours
	NotHeard  = format.NotHeard  // not for 48 hours
	Stale     = format.Stale     // not for seven days
	Suspended = format.Suspended // it told different things to different members
)

const (
	// TypKeySet is one of the two kinds of entry this kit writes itself.
	TypKeySet = format.TypKeySet
	// TypFork is the other.
	TypFork = format.TypFork
	// MaxEntry bounds one leaf, in bytes.
	MaxEntry = format.MaxEntry
	// ReadingLife is the longest a reading key is good for.
	ReadingLife = format.ReadingLife
)
