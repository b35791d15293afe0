// Package audit keeps what happened to accounts: who signed in from where, what was
// changed by whom. Its owner reads it; nobody can change it unseen.
//
// Words: an event is one thing that happened. The chain is that each row's hash covers the
// row before. A network is the address somebody came from, or, after 30 days, its first
// part (/24, or /48 of IPv6).
//
// Invariants: a row is never changed, but for its network and browser being shortened; the
// chain is checked with and without them. Rows are kept for 12 months.
//
// What the chain does not do: who can write the whole table can write a new chain. It
// shows a row that was changed, taken out or put in.
package audit
