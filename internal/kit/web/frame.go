package web

import (
	"net/http"

	"entrechat/internal/kit/words"
)

// frame is all around a page.
type frame struct {
	Host    Host
	Lang    string
	Langs   []choice
	Style   string
	Mark    string
	Menu    []menuGroup
	Feeds   []Feed
	Admin   bool   // the admin's half
	Inside  bool   // and signed in
	Problem string // what is wrong with a form that was sent
	Home    bool
}

type choice struct {
	Lang, Name, URL string
	Here            bool
}

func (s *Site) frame(r *http.Request, p *words.Printer) frame {
	admin := isAdmin(r.URL.Path)
	out := frame{
		Host: s.Host(r.Context()), Lang: p.Lang, Style: s.style.path, Mark: s.mark.path,
		Feeds: s.feeds, Admin: admin, Inside: admin && signedIn(r), Home: r.URL.Path == "/",
	}
	for _, c := range []choice{{Lang: words.French, Name: "Français"}, {Lang: words.English, Name: "English"}} {
		c.URL, c.Here = inLang(r.URL, c.Lang), c.Lang == p.Lang
		out.Langs = append(out.Langs, c)
	}
	out.Menu = s.menuOf(r, p)
	return out
}
