package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"entrechat/internal/app/config"
	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// openPresent opens a node whose logbook is there, for everything but the making of
// one. A database that is missing is not made: what is put back later would lie beside
// files of another. Returns CodeNotFound (app.no_logbook) and CodeUnsure
// (app.not_recovered).
func openPresent(ctx context.Context, a *App) (*App, error) {
	data := a.Data
	cfg, err := config.Load(data, sections())
	if err != nil {
		return nil, err
	}
	gone := core.NotFound("app.no_logbook", errors.New("no logbook")).With("Data", data).With("Origin", cfg.Node.Origin)
	if path, ok := strings.CutPrefix(cfg.DatabaseURL(data), db.SQLite+":"); ok && !datadir.Exists(filepath.Clean(path)) {
		return nil, gone
	}
	a, err = openAs(ctx, a)
	if err != nil {
		return nil, err
	}
	self, err := a.Book.Member(ctx, a.Signer.ID())
	switch {
	case core.CodeOf(err) == core.CodeNotFound:
		err = gone
	case err == nil && self.Version == 0:
		err = core.Unsure("app.not_recovered", fmt.Errorf("no key set of %s", self.ID)).With("Origin", self.ID)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}
