// Package contact says who a hoster wants told: people, their channels, quiet hours, the
// rota, and how much each service matters. All of it is one document, the contact plan.
//
// Words: a channel is one way to reach a person. A rota says who is on call when; a shift
// is one line of it. Quiet hours are when delivery waits, never evaluation. Waking is
// delivery within quiet hours.
//
// What never happens: a plan, or a part of it, stands in a logbook or a log line. A
// foreign plan is used before all of it was checked.
//
// Source: docs/spec/watch.md
package contact
