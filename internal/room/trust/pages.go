package trust

import (
	"context"
	"embed"
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/trust/member"
	"entrechat/internal/room/trust/pact"
)

//go:embed pages
var pages embed.FS

// web is the room's pages for people.
func (r *Room) web(site *web.Site) web.Pages {
	return web.Pages{
		Routes: append(r.Members.Pages(site), r.Pacts.Pages(site)...),
		Menu: []web.Entry{
			{Path: member.Path, Key: "trust.menu.members", Group: web.GroupPartners, Order: 30},
			{Path: pact.Path, Key: "trust.menu.pacts", Group: web.GroupPartners, Order: 40},
		},
		Overview: []web.Panel{web.NewPanel(site, pages, "pages/attention.html", r.attention)},
	}
}

// attentionPanel is what of this room waits for a person.
type attentionPanel struct {
	Asking    []core.MemberID
	Proposals []pact.View
}

func (r *Room) attention(req *http.Request) (attentionPanel, bool, error) {
	panel, err := r.waitsForUs(req.Context())
	return panel, len(panel.Asking)+len(panel.Proposals) > 0, err
}

func (r *Room) waitsForUs(ctx context.Context) (panel attentionPanel, err error) {
	list, err := member.All(ctx, r.DB)
	if err != nil {
		return panel, err
	}
	for _, m := range list {
		if m.Standing == member.Asked && !m.Refused {
			panel.Asking = append(panel.Asking, m.ID())
		}
	}
	records, err := r.Pacts.List(ctx)
	for _, h := range records {
		if v := h.View(r.self(), r.now(), nil); v.State == pact.Proposed && !v.Ours {
			panel.Proposals = append(panel.Proposals, v)
		}
	}
	return panel, err
}
