package catalogue

import "entrechat/internal/kit/db"

// Store is all SQL about what we saved and where it lies, by noun. It holds no state of
// its own; the zero value is none: use New.
type Store struct {
	Objects    Objects
	Queue      Queue
	Placements Placements
	Tombstones Tombstones
	Repos      Repos
	Lenders    Lenders
	Troubles   Troubles
	Notes      Notes
	Summaries  Summaries
	Rows       Rows
}

// New is the catalogue in a database with the vault's tables.
func New(d *db.DB) Store {
	return Store{
		Objects{d}, Queue{d}, Placements{d}, Tombstones{d}, Repos{d}, Lenders{d}, Troubles{d}, Notes{d}, Summaries{d}, Rows{d},
	}
}

type (
	// Objects are the files of all repositories in their sealed form.
	Objects struct{ db *db.DB }
	// Queue is what of them has work waiting: to be sent, or sent again.
	Queue struct{ db *db.DB }
	// Placements say where the shards of objects lie.
	Placements struct{ db *db.DB }
	// Tombstones are the signed words by which members delete.
	Tombstones struct{ db *db.DB }
	// Repos are the repositories, called backups on pages.
	Repos struct{ db *db.DB }
	// Lenders are the members that have or had something of ours, as we last saw them.
	Lenders struct{ db *db.DB }
	// Troubles are what members did that they should not have.
	Troubles struct{ db *db.DB }
	// Notes are remarks under a name.
	Notes struct{ db *db.DB }
	// Summaries are what the status is made of.
	Summaries struct{ db *db.DB }
	// Rows hold the check sums of the tables against what a disk does to them.
	Rows struct{ db *db.DB }
)
