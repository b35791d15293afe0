package web

import (
	"html/template"
	"net/http"

	"entrechat/internal/kit/words"
)

// frame is all around a page.
type frame struct {
	Host    Host
	Lang    string
	Langs   []choice // none on an answer to POST
	Style   string
	Mark    string
	Menu    []menuGroup
	Feeds   []Feed
	Admin   bool   // the admin's half
	Inside  bool   // and signed in
	Problem string // what is wrong with a form that was sent
	Home    bool
	Banners []template.HTML
	Script  string // address of the page's one script; empty = it has none
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
	out.Langs = langs(r, p)
	out.Menu = s.menuOf(r, p)
	if !admin {
		out.Banners = s.banner(r, p)
	}
	return out
}

// banner is what all pages say. One that fails is logged and left out: the page itself tells what
// is the matter.
func (s *Site) banner(r *http.Request, p *words.Printer) (out []template.HTML) {
	for _, panel := range s.banners {
		section, err := panel(r, p)
		if err != nil {
			s.Log.Error("what all pages say failed", "page", asked(r), "error", err)
		} else if section != "" {
			out = append(out, section)
		}
	}
	return out
}

// langs are the links to the same page in each language. What answers POST, as a token shown
// once or a form with what was typed, is lost when a link is followed: it has none.
func langs(r *http.Request, p *words.Printer) []choice {
	if r.Method == http.MethodPost {
		return nil
	}
	all := []choice{{Lang: words.French, Name: "Français"}, {Lang: words.English, Name: "English"}}
	for i := range all {
		all[i].URL, all[i].Here = inLang(r.URL, all[i].Lang), all[i].Lang == p.Lang
	}
	return all
}
