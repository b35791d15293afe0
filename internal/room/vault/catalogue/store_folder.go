package catalogue

import (
	"context"

	"entrechat/internal/kit/blob"
	"entrechat/internal/kit/db"
)

// The folders of a node that may be mounts.
const (
	FolderStore = "store" // what is kept for others
	FolderLocal = "shelf" // what waits for the members
	FolderLocks = "locks"
)

// FolderMark is how the directory of a folder is known again: its id stands in the
// database.
func FolderMark(d *db.DB, folder string) blob.Mark {
	s, note := New(d), "folder."+folder
	ctx := context.Background() // whoever needs the directory next asks, in no request
	return blob.Mark{
		Recall: func() (string, bool, error) {
			id, err := s.Notes.Get(ctx, note)
			if err != nil {
				return "", false, err
			}
			used, err := s.Notes.folderUsed(ctx, folder)
			return id, used, err
		},
		Keep:   func(id string) error { return s.Notes.Set(ctx, note, id) },
		Accept: "entrechat vault accept-folder " + folder,
	}
}
