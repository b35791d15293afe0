// Package decision lets a hoster take part in the decisions of its collectives: it proposes,
// speaks, votes; its node opens the ballot, witnesses what the others said in time, counts and
// says what it counted.
//
// What always holds: a ballot lies in the database with what opens it before the logbook has it;
// a stance is in no logbook before ballots are opened; the node witnesses what it read, and
// nothing of its own.
//
// For pages: Service.List, Service.View and the verbs (Propose, Say, Object, Lift, Withdraw,
// Vote, Approve, Review) are all there is. View has what may be shown to everybody, but for Own
// and Can, which are for our own admins: Own says what we voted while it is still sealed.
//
// It imports elector, tally, motion, archive. Source: docs/spec/decision.md.
package decision
