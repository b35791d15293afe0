// Package imports reads what other programs were told to look at: a Gatus configuration,
// an export of Uptime Kuma, and the files of Prometheus with its blackbox exporter. It
// makes targets of them, and says line by line what could not be taken over and why.
//
// Words. A finding is one thing said about one line of a file.
//
// What never happens here: a secret of a file stands in a target or in a finding; an
// address is called; a file makes us use more memory or time than its bounds allow.
//
// Sources: docs/spec/watch.md#targets; the README of Gatus 5, the JSON backup of
// Uptime Kuma 1 and the table "monitor" of 1 and 2, CONFIGURATION.md of blackbox_exporter.
package imports
