// Package debate turns what went wrong into a question to the other members and into actions
// with a role and a day. What happened is told by the watch's postmortem; this package says
// when one is called for, has another member read it before it is public, carries the question
// and the answers, and holds an incident open until its last action is done.
//
// Words: a debate is what follows one incident; its story has the fields of a postmortem; a
// report is the draft that a reader of another member gets; a remark is what a member answers;
// an action is what changes, by which role, until which day.
//
// What never happens: something is public that nobody of another member read, or after the
// reader saw another text. A remark is shown before a person here let it through. A person is
// named: there are roles and members. A debate is closed while one of its actions is open. A
// text stands in a logbook.
//
// It imports need. Source: docs/spec/debate.md
package debate
