// Package delivery brings notices to people: at least once, and never more than twice by
// one channel, whatever ends the process in between.
//
// Words: a notice is one thing to tell of one incident. A delivery is a notice on its way
// to one person at one step. A receipt is what another sender says it did.
//
// What never happens: a message goes out before the database says that it might. What is
// held in quiet hours is forgotten. A recovery is told to who was not told of the trouble.
//
// How: before each try the channel is charged with "may have arrived"; an answer takes
// the charge back or ends the delivery. A channel that was charged twice without an
// answer is not tried again.
//
// Source: docs/spec/watch.md
package delivery
