// Package silence knows of which members nothing is heard any more, whom to call, and when a
// successor may ask custodians.
//
// Words. A member is silent when no head of it comes and its services are seen down; quiet when only
// the first is known. Our own line is suspected when too many are quiet at once. Days count from
// the later of the two.
//
// What never happens: silence is written into a logbook or told to another member as a judgement;
// a clock that is set forward makes somebody silent; silence alone opens anything: people call,
// ask, and decide.
//
// It imports promise. Source: docs/spec/succession.md#silent
package silence
