package vault

import (
	"context"

	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
)

// The folders of a node that may be mounts.
const (
	FolderStore = "store" // what is kept for others
	folderShelf = "shelf" // what waits for the members
	folderLocks = "locks"
)

// FolderMark is how the directory of a folder is known again: its id stands in the
// database.
func FolderMark(d *db.DB, folder string) blob.Mark {
	s, note := store{d}, "folder."+folder
	ctx := context.Background() // whoever needs the directory next asks, in no request
	return blob.Mark{
		Recall: func() (string, bool, error) {
			id, err := s.note(ctx, note)
			if err != nil {
				return "", false, err
			}
			used, err := s.folderUsed(ctx, folder)
			return id, used, err
		},
		Keep:   func(id string) error { return s.setNote(ctx, note, id) },
		Accept: "entrechat vault accept-folder " + folder,
	}
}

// folderUsed says whether something is known to lie in a folder.
func (s store) folderUsed(ctx context.Context, folder string) (bool, error) {
	query := map[string]string{
		FolderStore: `SELECT count(*) FROM vault_held WHERE state = 'held'`,
		folderShelf: `SELECT count(*) FROM vault_object WHERE file <> ''`,
	}[folder]
	if query == "" {
		return false, nil
	}
	n, err := db.One(ctx, s.db, db.Int64, query)
	return n > 0, err
}
