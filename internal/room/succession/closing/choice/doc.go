// Package choice keeps what each person wants done with their data when a service ends, and makes
// a count of it that everybody can check.
//
// Words: a choice is handover, archive or erase; a leaf is one person's choice, hidden by a salt;
// the root stands for all leaves in the owner's logbook; a slip is what a person takes home to
// prove that theirs was counted.
//
// What never happens: silence becomes a handover; something is ticked before the person ticks it;
// a GET changes a choice; a leaf says whose it is.
//
// Source: docs/spec/succession.md#choices
package choice
