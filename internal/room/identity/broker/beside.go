package broker

import (
	"net/http"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/room/identity/signin"
)

// besidePanel leads from the sign-in page to people's homes.
type besidePanel struct {
	Path       string
	Flow, Next string
	Remembered core.MemberID // where this browser last was at home; empty = not known
}

// Beside is what stands on the sign-in page: the way by another hoster. It is left out where
// no home is let in, and where a member waits: who comes from one is at home here.
func (b *Broker) Beside(site *web.Site) web.Panel {
	return web.NewPanel(site, pages, "pages/beside.html", func(r *http.Request) (p besidePanel, ok bool, err error) {
		v := views{b, site}
		form := r.Form
		if form == nil {
			form = r.URL.Query()
		}
		p.Flow, p.Next = signin.Target(form)
		w, err := v.wish(r, p.Flow, p.Next)
		switch core.CodeOf(err) {
		case "":
		case core.CodeNotFound, core.CodeDenied:
			return p, false, nil // the page itself says so
		default:
			return p, false, err
		}
		if w.f.Client.Member {
			return p, false, nil
		}
		homes, err := v.open(r, w)
		if err != nil || len(homes) == 0 {
			return p, false, err
		}
		last := v.remembered(r)
		for _, h := range homes {
			if h.Member == last {
				p.Remembered = last
			}
		}
		p.Path = PathElsewhere
		if query := (away{flow: p.Flow, next: p.Next}).target().Encode(); query != "" {
			p.Path += "?" + query
		}
		return p, true, nil
	})
}
