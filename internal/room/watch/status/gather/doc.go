// Package gather fills snapshots from what the room knows: targets, verdicts, looks,
// incidents, maintenance and promises.
//
// What never happens here: a local target reaches everybody; an echo (ICMP) decides; what
// is not known of one target of a service is known of the service.
package gather
