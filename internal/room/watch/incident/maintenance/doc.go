// Package maintenance plans times in which services may be down, and says them to everybody
// beforehand.
//
// Words: a plan is one planned maintenance, as its owner's logbook has it. It is announced
// when it was said.
//
// What never happens: a maintenance announced after an outage began excuses it. A plan stops
// a look or a verdict: it only keeps messages back. A member plans for another one.
//
// Source: docs/spec/incident.md#maintenance
package maintenance
