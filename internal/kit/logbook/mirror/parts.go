package mirror

import (
	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/store"
)

// Needs is what the exchange with members is made of.
type Needs struct {
	Store   *store.Store
	Members *members.Registry
	Author  *author.Author
	// Calls may come later by Remote.Connect.
	Calls Calls
	// Room returns CodeFull while the database's disk has no room for what others
	// write; nil = it always has.
	Room   func() error
	Tuning Tuning // with its zero fields filled
}

// Parts are what brings logs from members here, and ours to them.
type Parts struct {
	Remote   *Remote
	Contacts *Contacts
	Mirror   *Mirror
	Exchange *Exchange
	Pusher   *Pusher
}

// New makes the parts.
func New(n Needs) Parts {
	remote := &Remote{st: n.Store, calls: n.Calls}
	contacts := &Contacts{st: n.Store, ended: map[core.MemberID]core.Moment{}}
	mirror := &Mirror{
		st: n.Store, reg: n.Members, author: n.Author, remote: remote, contacts: contacts, tuning: n.Tuning, room: n.Room,
		refused: map[string]refusal{},
	}
	return Parts{
		Remote: remote, Contacts: contacts, Mirror: mirror,
		Exchange: &Exchange{
			st: n.Store, contacts: contacts, mirror: mirror, remote: remote, tuning: n.Tuning,
			hints: make(chan core.MemberID, 16), pulls: tasks{wait: n.Tuning.Wait},
		},
		Pusher: &Pusher{
			st: n.Store, reg: n.Members, contacts: contacts, remote: remote, tuning: n.Tuning, pushes: tasks{wait: n.Tuning.Wait},
		},
	}
}
