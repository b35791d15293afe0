// Package breakglass opens a box when somebody is gone: asks are noted and told to all who
// have to know, each holder counts the wait, people object or let a share go, the asker opens
// the box, and what it held is changed.
//
// What never happens: a share that goes out before the wait ran, before everybody was told,
// without a person, or before the logbook says so; an entry about it twice; a box that is
// opened and its deal goes on.
//
// It imports share, ask, collect, mandate. Source: docs/spec/custody.md.
package breakglass
