// Package upkeep looks after what members have of ours: it audits random parts, has proved
// what was repaired, gives copies to members that came later, and moves what lies at members
// that go silent or whose pact ends.
//
// Nothing is concluded of a member while our own line may be down, nor of one of whom no
// pact is known.
//
// Sources: docs/spec/holder.md.
package upkeep
