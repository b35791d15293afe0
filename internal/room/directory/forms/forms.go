// Package forms are the admin's pages about what this hoster publishes: who we are, each
// service, the evidence for the charter, whom we send people to.
//
// What never happens here: a field that a form does not ask is changed.
package forms

import (
	"context"
	"embed"

	"entrechat/internal/kit/web"
	"entrechat/internal/room/directory/catalogue"
	"entrechat/internal/room/directory/draft"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/referral"
)

//go:embed pages/*.html
var pages embed.FS

// Needs is what the forms are made of; all of it is required.
type Needs struct {
	Own       *own.Files
	Catalogue *catalogue.Store
	Referral  *referral.Referral
	Draft     func(ctx context.Context, domain string) (draft.Drafted, error)
	URL       string // where this node is reached, without a slash at its end
}

// Forms are the pages.
type Forms struct{ n Needs }

// New makes them.
func New(n Needs) *Forms { return &Forms{n} }

// Pages are all of them.
func (r *Forms) Pages(s *web.Site) []web.Pages {
	return []web.Pages{r.introduction(s), r.files(s), r.service(s), r.transparency(s), r.refer(s)}
}
