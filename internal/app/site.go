package app

import (
	"context"

	"entrechat/internal/app/config"
	"entrechat/internal/app/site"
	"entrechat/internal/core"
)

// newSite makes everything a browser reaches.
func (a *App) newSite() *site.Site {
	return site.New(site.Needs{
		DB: a.DB, Data: a.Data, Store: a.storePath(), Config: func() config.Config { return a.Config }, Self: a.Signer.ID(),
		Book: a.Book, Words: a.Words, Lang: a.Lang, Fittings: a.fittings, Checks: a.checks, Around: a.around, Log: a.Log,
	})
}

// around asks whichever rooms know who is around us, and what is stored with whom.
func (a *App) around(ctx context.Context) (out site.Around, err error) {
	if who, ok := opened[interface {
		Partners(ctx context.Context) ([]site.Partner, error)
	}](a); ok {
		if out.Partners, err = who.Partners(ctx); err != nil {
			return out, err
		}
	}
	if what, ok := opened[interface {
		Exchange(ctx context.Context, known []core.MemberID) (site.Exchange, error)
	}](a); ok {
		known := make([]core.MemberID, 0, len(out.Partners))
		for _, p := range out.Partners {
			known = append(known, p.ID)
		}
		out.Exchange, err = what.Exchange(ctx, known)
	}
	return out, err
}

// saidLimits are the lines of what we wrote ourselves that we cannot do, in the node's language.
func (a *App) saidLimits(ctx context.Context) ([]string, error) {
	return site.Said(ctx, a.fittings, a.Words.Printer(a.Config.Node.Lang))
}
