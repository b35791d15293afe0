// Package exposition speaks with Prometheus and its Alertmanager: looks as metrics with the
// names that the blackbox exporter gives them, so that dashboards and alert rules go on
// working, and alerts of other programs as results here.
//
// Words. A sample is the newest look at one target from one vantage.
//
// What never happens: a look that was unfit is exposed as a failure; a detail of a look,
// which may hold what stood in a body, becomes a label; a webhook without its token has
// any effect.
//
// Source: docs/runbook/metrics.md#looks; README of blackbox_exporter 0.23; the webhook of
// Alertmanager, version 4.
package exposition
