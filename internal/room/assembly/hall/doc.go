// Package hall are the pages of decisions: for everybody what is open and what was decided, with
// minutes, a feed and a calendar; for our own admins one page for each thing that they do: propose,
// speak, object, vote, approve, review.
//
// What always holds: a GET changes nothing. No page, feed or calendar for everybody says what a
// member voted before the count is due, ours neither. Forms work without script, at 320 pixels, by
// keyboard.
//
// It imports decision, elector, motion, need, record, tally. Source: docs/spec/decision.md.
package hall
