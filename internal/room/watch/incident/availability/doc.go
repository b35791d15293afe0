// Package availability counts how long a service was up, down, partly up, in maintenance
// and unknown. It works on intervals, not on the share of looks that failed, and it is
// pure: no clock, no database.
//
// Words: an interval is a verdict with its beginning and its end. A window is a planned
// maintenance. A part is a piece of the period in one condition. An outage is the time from
// the first verdict "down" to the next verdict "up".
//
// What never happens: unknown time counts as up. A maintenance announced after an outage
// began excuses that outage. The parts of a period do not sum up to it.
//
// Source: docs/spec/incident.md#availability
package availability
