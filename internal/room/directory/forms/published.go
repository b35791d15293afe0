package forms

import (
	"entrechat/internal/core"
	"entrechat/internal/room/directory/own"
	"entrechat/internal/room/directory/site"
	"entrechat/internal/room/directory/statool"
)

// publishedPath ends the address of the page that follows a form.
const publishedPath = "/published"

// publishedPage says that something was published, where it is seen now, and what comes
// next.
type publishedPage struct {
	Title  string // what the file calls itself
	Seen   []seenAt
	Told   bool   // the members are told: there is a file about us
	Change string // the form
}

// seenAt is one place where it is seen.
type seenAt struct {
	Where string // words key
	URL   string
}

func (r *Forms) publishedPage(name string) (page publishedPage, err error) {
	if name == own.HosterName {
		o, known, err := r.n.Own.Hoster()
		if err == nil && !known {
			_, err = r.n.Own.Text(name) // says that it is not there
		}
		return publishedPage{Title: o.Name, Told: true, Change: StartPath, Seen: r.seen(name, "/", "directory.published.home")}, err
	}
	text, err := r.n.Own.Text(name)
	if err != nil {
		return page, err
	}
	doc, err := statool.Parse(text)
	if err != nil {
		return page, err
	}
	_, told, err := r.n.Own.Hoster()
	if core.CodeOf(err) == core.CodeInvalid {
		err = nil // doctor's to tell; nothing is said with it
	}
	page = publishedPage{Title: statool.Read[statool.Service](doc).Name, Told: told, Change: servicePath + name}
	page.Seen = r.seen(name, site.ServicesPath+"/"+name, "directory.published.page")
	return page, err
}

func (r *Forms) seen(name, path, where string) []seenAt {
	return []seenAt{{where, r.n.URL + path}, {"directory.published.file", r.n.Own.Address(name)}}
}
