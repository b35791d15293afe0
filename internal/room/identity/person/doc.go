// Package person holds who has an account here: people of this hoster, and visitors whose
// account is at another member.
//
// Words: a handle is the name a person signs in with, a home is the hoster where a person
// has their account. A visitor is a person here whose home is another member. A choice is
// what a person wants done with their account and data on the day the hoster closes.
//
// What never happens: an id or a handle given to a second person, also after the first has
// left. Two people with one verified address. Anything of a person in a logbook.
//
// Source: docs/spec/identity.md
package person
