// Package incident tells people what became of verdicts: incidents with their timelines,
// and what the hoster says of them.
//
// The folders, each of which imports only those named before it:
//
//	availability  how long a service was up, down, in maintenance, unknown
//	note          what people write, beside the logbook
//	maintenance   what is planned
//	promise       what a hoster promises for a service, and what was measured
//
// Words: a step is one change of one target's verdict. An outage is the time from a step to
// "down" to the next to "up". An incident is what people are told of outages that belong
// together. A manual incident is opened by its owner, without a verdict.
//
// What never happens: two nodes that read the same certificates tell different incidents,
// in whatever order these came. What was said of an incident is changed later: a correction
// is one more line. Anybody but the hoster writes about its incidents.
//
// Source: docs/spec/incident.md
package incident
