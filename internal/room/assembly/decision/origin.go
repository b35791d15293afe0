package decision

import (
	"context"

	"entrechat/internal/core"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/tally"
)

// waits is what a vote says that waits for a second admin.
func (v viewer) waits(id string, w waiting) (c tally.Choice) {
	if text, err := v.n.Box.Open(waitingLabel(id), w.vote); err == nil { // under another key: it has to be cast again
		c, _ = tally.ParseChoice(text)
	}
	return c
}

// mostOrigins is how many proposals are looked through for where they come from.
const mostOrigins = 200

// ByNeed answers which proposal of ours comes from a need, by the id of the need: the newest
// version of each.
func (v viewer) ByNeed(ctx context.Context) (map[string]string, error) {
	all, err := archive.Proposals(ctx, v.n.DB, mostOrigins)
	found := map[string]string{}
	for _, r := range all { // the newest first
		if r.P.By != v.self() {
			continue
		}
		said, _, err := v.text(ctx, r.ID)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, id := range said.From.Needs {
			if found[id] == "" {
				found[id] = r.ID
			}
		}
	}
	return found, err
}
