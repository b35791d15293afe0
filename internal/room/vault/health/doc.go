// Package health says how the backups stand: what lies where, how many losses each outlives,
// and what `doctor` finds. It changes nothing. What cannot be known is never said to be well.
package health
