//go:build long

package mail

import (
	"testing"

	"entrechat/internal/room/succession/recipe/mail"
	"entrechat/internal/room/succession/recipe/recipetest"
)

func TestContract(t *testing.T) {
	recipetest.Contract(t, func(t *testing.T) recipetest.World {
		w := newWorld(t, "probe", "jean.dupont")
		for i, p := range w.people {
			w.fill(p, oddFolders[i*4:i*4+3], 12)
		}
		return recipetest.World{
			Recipe: mail.Recipe{}, Settings: []byte(w.settings("")),
			Source: func(*testing.T) string { return w.state(w.old) },
			Target: func(*testing.T) string { return w.state(w.now) },
			Plant: func(t *testing.T) {
				for _, p := range w.people {
					w.now.Admin(t, "", "expunge", "-u", p, "mailbox", "*", "all")
				}
			},
		}
	})
}
