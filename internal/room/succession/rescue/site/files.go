package site

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/web"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/rescue/gitread"
	"entrechat/internal/room/succession/rescue/record"
	"entrechat/internal/room/succession/rescue/send"
	"entrechat/internal/room/succession/rescue/whose"
)

// perPage is how many names, or messages, one page has.
const perPage = 200

// item is one part of what somebody has, as a page shows it.
type item struct {
	Name, Service string
	Page, Zip     string
	One           string // all cards or dates in one file; empty = there is no such
	Kind          whose.Kind
}

func (v views) item(p *words.Printer, owner core.MemberID, it record.Owned) item {
	out := item{
		Name: p.T("succession.rescue.kind_"+string(it.Kind), nil), Service: it.Service, Kind: it.Kind,
		Page: below(owner, "of", it.ID) + "/", Zip: below(owner, "zip", it.ID) + "/",
	}
	switch it.Kind {
	case whose.Maildir:
		out.Page = below(owner, "mail", it.ID)
	case whose.Calendar, whose.Contacts:
		out.One = below(owner, "one", it.ID)
	case whose.Files, whose.Wiki, whose.Git:
	}
	return out
}

// minePage is all that somebody has.
type minePage struct {
	Owner    core.MemberID
	Services []service
	Items    []item
	Public   []item
}

func (v views) mine(r *http.Request) (page minePage, err error) {
	owner, all, err := v.owner(r)
	if err != nil {
		return page, err
	}
	g, err := v.guest(r, owner)
	if err != nil {
		return page, err
	}
	p := v.site.Printer(r)
	page.Owner = owner
	for _, one := range all {
		if one.Shown(v.Records.Now()) {
			page.Services = append(page.Services, v.service(p, one, false))
		}
	}
	for _, who := range []string{g.Who, ""} {
		items, err := v.Records.Mine(r.Context(), owner, who)
		if err != nil {
			return page, err
		}
		for _, it := range items {
			if who == "" {
				page.Public = append(page.Public, v.item(p, owner, it))
			} else {
				page.Items = append(page.Items, v.item(p, owner, it))
			}
		}
	}
	return page, nil
}

// folderPage is a folder of somebody.
type folderPage struct {
	Owner  core.MemberID
	Item   item
	Crumbs []crumb
	Rows   []row
	All    int
	More   bool // it has more names than can be listed
	Newer  string
	Older  string
	Repos  []repo
	Zip    string
}

type crumb struct{ Name, Page string }

type row struct {
	Name, Page string
	Dir        bool
	Size       int64
	At         core.Moment
}

// repo is a repository and where it is cloned from.
type repo struct{ Name, Clone string }

// files answers for a folder with a page, for a page of a wiki with its text, for a file with it.
func (v views) files(folder *web.Page[folderPage], text *web.Page[textPage]) http.Handler {
	folders, texts := folder.Show(v.folder), text.Show(v.text)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		it, view, err := v.reached(r)
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		defer view.Close()
		at := r.PathValue("path")
		info, err := view.Stat(at)
		switch {
		case err != nil:
			v.site.Fail(w, r, err)
		case info.IsDir():
			folders.ServeHTTP(w, r)
		case it.Kind == whose.Wiki && strings.HasSuffix(at, ".txt") && r.URL.Query().Get("raw") == "":
			texts.ServeHTTP(w, r)
		default:
			if err := send.File(w, r, view, at, path.Base(at)); err != nil {
				v.site.Fail(w, r, err)
				return
			}
			v.counted(r, core.MemberID(r.PathValue("owner")), "file")
		}
	})
}

func (v views) crumbs(r *http.Request, at string) (out []crumb) {
	owner := core.MemberID(r.PathValue("owner"))
	parts := []string{"of", r.PathValue("item")}
	for part := range strings.SplitSeq(strings.Trim(at, "/"), "/") {
		if part != "" {
			parts = append(parts, part)
			out = append(out, crumb{whose.Shown(part), below(owner, parts...)})
		}
	}
	return out
}

func (v views) folder(r *http.Request) (page folderPage, err error) {
	it, view, err := v.reached(r)
	if err != nil {
		return page, err
	}
	defer view.Close()
	owner, at := core.MemberID(r.PathValue("owner")), strings.Trim(r.PathValue("path"), "/")
	page = folderPage{Owner: owner, Item: v.item(v.site.Printer(r), owner, it), Crumbs: v.crumbs(r, at)}
	parts := []string{it.ID}
	if at != "" {
		parts = append(parts, strings.Split(at, "/")...)
	}
	here := below(owner, append([]string{"of"}, parts...)...)
	page.Zip = below(owner, append([]string{"zip"}, parts...)...)
	if at == "" {
		page.Zip += "/"
	}
	from, err := start(r)
	if err != nil {
		return page, err
	}
	list, all, more, err := view.List(at, from, perPage)
	page.All, page.More = all, more
	for _, e := range list {
		page.Rows = append(page.Rows, row{whose.Shown(e.Name), below(owner, append(append([]string{"of"}, parts...), e.Name)...), e.Dir, e.Size, e.At})
	}
	page.Newer, page.Older = turn(here, "", from, all)
	if it.Kind == whose.Git && at == "" {
		for _, name := range gitread.Repositories(view, 500) {
			page.Repos = append(page.Repos, repo{whose.Shown(name), v.site.URL + below(owner, append([]string{"git", it.ID}, strings.Split(name, "/")...)...)})
		}
	}
	return page, err
}

// start is the first row of a page. Returns CodeInvalid.
func start(r *http.Request) (int, error) {
	text := r.URL.Query().Get("from")
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, core.NotFound("succession.rescue.no_file", errors.New("no such page"))
	}
	return n, nil
}

// turn are the pages before and after one.
func turn(here, more string, from, all int) (before, after string) {
	if from > 0 {
		before = here + "?from=" + strconv.Itoa(max(from-perPage, 0)) + more
	}
	if from+perPage < all {
		after = here + "?from=" + strconv.Itoa(from+perPage) + more
	}
	return before, after
}

// textPage is a page of a wiki as it was written.
type textPage struct {
	Owner  core.MemberID
	Item   item
	Crumbs []crumb
	Text   string
	Cut    bool // it is longer than a page shows
	Raw    string
}

const maxText = 1 << 20

func (v views) text(r *http.Request) (page textPage, err error) {
	it, view, err := v.reached(r)
	if err != nil {
		return page, err
	}
	defer view.Close()
	owner, at := core.MemberID(r.PathValue("owner")), r.PathValue("path")
	f, _, err := view.File(at)
	if err != nil {
		return page, err
	}
	defer f.Close() //nolint:errcheck // nothing is written
	text, err := io.ReadAll(io.LimitReader(f, maxText+1))
	page = textPage{Owner: owner, Item: v.item(v.site.Printer(r), owner, it), Crumbs: v.crumbs(r, at), Cut: len(text) > maxText}
	page.Raw = page.Crumbs[len(page.Crumbs)-1].Page + "?raw=1"
	page.Text = clean(text[:min(len(text), maxText)])
	return page, err
}

// clean is a text of many lines as a page shows it.
func clean(text []byte) string {
	lines := strings.Split(strings.ToValidUTF8(string(text), string(utf8.RuneError)), "\n")
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(whose.Shown(strings.ReplaceAll(strings.TrimSuffix(l, "\r"), "\t", "    ")), "\u00ad", "")
	}
	return strings.Join(lines, "\n")
}

// sends answers with a file, or the page of an error that came before it.
func (v views) sends(do func(w http.ResponseWriter, r *http.Request, it record.Owned, view whose.View) (what string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		it, view, err := v.reached(r)
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		defer view.Close()
		what, err := do(w, r, it, view)
		if err != nil {
			v.site.Fail(w, r, err)
			return
		}
		v.counted(r, core.MemberID(r.PathValue("owner")), what)
	})
}

func (v views) zip(w http.ResponseWriter, r *http.Request, it record.Owned, view whose.View) (string, error) {
	at := strings.Trim(r.PathValue("path"), "/")
	name := it.Service + "-" + string(it.Kind)
	if at != "" {
		name = path.Base(at)
	}
	return "zip", send.Zip(w, view, at, name)
}

// joined sends all cards, or all dates, as one file: each is an object of its own, one after the
// other, as RFC 5545 (section 3.4) and RFC 6350 (section 3.3) let them be.
func (v views) joined(w http.ResponseWriter, _ *http.Request, it record.Owned, view whose.View) (string, error) {
	ext := map[whose.Kind]string{whose.Calendar: ".ics", whose.Contacts: ".vcf"}[it.Kind]
	if ext == "" {
		return "", core.NotFound("succession.rescue.no_file", errors.New("neither cards nor dates"))
	}
	send.Head(w, it.Service+"-"+string(it.Kind)+ext)
	join(w, view, ext)
	return string(it.Kind), nil
}
