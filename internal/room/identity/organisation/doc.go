// Package organisation groups people: an association, a team, a family. A manager looks
// after who is in it; a service may be for some organisations only.
//
// One person may be in several, one service for several. A manager sees and changes the
// members of their own organisation, and nothing else: neither roles of the hoster nor
// accounts. A visitor may be in one like anybody.
package organisation
