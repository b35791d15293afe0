// Package schedule says when each target is looked at, and how many looks run at once.
//
// A hashed time wheel holds the next look of each target. Each target has its own phase
// within its interval, so that all are looked at within one interval of the start and none
// waits for others. A look then passes limits that are counted for each hoster apart: a
// hoster whose servers hang fills its own share and nobody else's.
//
// Words: a share is how many looks of one hoster may always run at once; a look beyond it
// is borrowed from what all hosters have together. A target is slow when its last look
// timed out or lasted two seconds. Lag is how late we ourselves are.
//
// What never happens: two routine looks at one target at once. A slow target keeps a quick
// one of the same hoster or host waiting. A result counts while we were late ourselves: it
// is Unfit, because it may be our fault.
//
// Source: docs/design.md section 8.
package schedule
