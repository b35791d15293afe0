// Package watch has members look at each other's services, agree on what is down, and tell
// the right people the truth, by ways that do not cross who is down.
//
// The room's folders, each of which imports only those named before it:
//
//	migrations  the room's tables
//	target      what is looked at, as its owner published it
//	look        one look at one target, for each kind
//	schedule    when each target is looked at, and how many at once
//	record      what was found: looks, hours, days
//	deadman     pings that backups and other work send, and their silence
//	freshness   how old the newest backup is, as who stores it sees it
//	software    what services run, and what of it has known holes
//	imports     targets from files of Gatus, Uptime Kuma and Prometheus
//	verdict     what the vantage points conclude together
//	incident    what is told of it: incidents, maintenance, promises, postmortems
//	alert       who is told, by which channel, when
//	warning     what is told that is no outage yet: certificates, backups
//	subscribe   mails to users who asked for news
//	status      pages, feeds and badges for everybody, from one signed snapshot
//	exposition  looks as metrics for Prometheus, alerts of other programs as looks
//
// Words: docs/words.md. Source: docs/spec/watch.md, docs/runbook/watch.md.
package watch
