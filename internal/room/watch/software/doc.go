// Package software notices programs that are behind the oldest version known to be safe.
//
// Words. A table says for each program the oldest safe version of each branch that is
// still looked after. One member curates it and publishes it in its logbook; a hoster may
// have a file of its own instead, or beside. Behind is a version older than its branch's.
//
// What never happens: a hoster's service is shown as behind before its hoster had 14 days
// to act; a table of anybody but the chosen member counts; a version that cannot be read
// counts as behind.
//
// Source: docs/spec/watch.md#versions
package software
