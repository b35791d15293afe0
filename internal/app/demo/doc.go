// Package demo tells what members do for one another as one story on one machine: seven
// hosters, each a process of this very binary with its own disk. Chapter "decision": one
// proposes, one objects, a second version takes it up, all vote sealed, and each node counts
// by itself. Chapter "watch": the
// owner's service fails, the others agree that it does, its admin is told and everybody can
// read it; then its node is killed. Chapter "identity": a person of one hoster signs in at a
// service of another; her home goes away and comes back at another address. Chapter "backup":
// two members fail, the owner loses everything, and it all comes back byte for byte. Chapter
// "custody": the owner's 24 words were dealt to five hosters; now its disk and its words are
// gone, and three of the five bring them back. Nothing here is simulated but the disasters,
// and what is told is what the programs answered.
package demo
