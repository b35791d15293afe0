package app

import (
	"context"
	"fmt"
	"strings"

	"entrechat/internal/core"
)

// checkMirrors: what we hold of the others' logbooks is as they signed it, as far as
// the node's daily comparison says.
func (a *App) checkMirrors(ctx context.Context) error {
	left, err := a.Book.Damages(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, d := range left {
		if d.Member != a.Signer.ID() {
			names = append(names, string(d.Member))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return core.Internal("logbook.mirror_damaged", fmt.Errorf("damaged mirrors: %v", left)).With("Members", strings.Join(names, ", "))
}
