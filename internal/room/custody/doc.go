// Package custody answers: who can act when somebody is gone? Secrets are split among
// custodians, k of whom are needed to open them; what each admin can do is proved and dated;
// what a hoster needs people for is written down and rehearsed.
//
// Words: custodian (a member or a person that keeps a share), share (one of n pieces of a
// secret, k needed), deal (one splitting of one secret), box (what a deal's secret opens),
// ask (a request to open a box), ability (something an admin can do), bus factor (the
// smallest number of people whose loss ends an ability).
//
// What always holds: nothing of a person stands in a logbook; silence opens nothing; a deal
// stands whole or the one before it stands; a share is checked before it is used.
//
// Folders, each imports only those before it: recipient, share, person, figure, ability, box,
// deal, proof, mandate, ask, collect, breakglass, rescue, rehearsal, runbook, duty.
//
// Sources: shared/research/custody.md of the founding reports; docs/spec/custody.md.
package custody
