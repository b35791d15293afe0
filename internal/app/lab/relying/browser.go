package relying

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

const (
	maxSteps = 10      // pages that go on by themselves, one after the other
	maxPage  = 1 << 20 // bytes
)

// Browser is a person's browser without scripts: it keeps cookies, follows redirects and
// pages that go on by themselves, and sends forms as browsers do. As in every browser,
// cookies belong to a host and not to a port: hosters that shall not share them need
// different names, as localhost and 127.0.0.1.
type Browser struct{ client http.Client }

// NewBrowser opens one that has been nowhere.
func NewBrowser() *Browser {
	jar, _ := cookiejar.New(nil) // it fails for no options
	return &Browser{http.Client{Jar: jar, Timeout: time.Minute}}
}

// Page is what a browser shows.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
	root   *html.Node
}

// Open goes to an address and on, until a page stays.
func (b *Browser) Open(ctx context.Context, address string) (Page, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Page{}, err
	}
	return b.walk(r)
}

// Send fills in a form of a page and sends it: the first that goes to a path of that page's
// host (empty = the page's own path) and has all these fields. What it proposes is left
// where nothing else is said; an empty value takes a tick away.
func (b *Browser) Send(ctx context.Context, p Page, path string, fields map[string]string) (Page, error) {
	if path == "" {
		path = p.URL.Path
	}
	for n := range p.root.Descendants() {
		if n.DataAtom != atom.Form || !strings.EqualFold(attr(n, "method"), "post") {
			continue
		}
		to, err := p.URL.Parse(attr(n, "action"))
		if err != nil || to.Host != p.URL.Host || to.Path != path {
			continue
		}
		values, ok := fill(n, fields)
		if !ok {
			continue
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), strings.NewReader(values.Encode()))
		if err != nil {
			return Page{}, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", p.URL.Scheme+"://"+p.URL.Host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.walk(r)
	}
	return p, fmt.Errorf("%s has no form for %s: %s", p.URL, path, p.Text())
}

// walk sends a request, and goes on from pages that do not stay.
func (b *Browser) walk(r *http.Request) (p Page, err error) {
	for range maxSteps {
		if p, err = b.show(r); err != nil {
			return p, err
		}
		next := refresh(p.root, p.URL)
		if next == nil || p.Status != http.StatusOK {
			return p, nil
		}
		if r, err = http.NewRequestWithContext(r.Context(), http.MethodGet, next.String(), nil); err != nil {
			return p, err
		}
	}
	return p, errors.New("the way never ends: " + p.URL.String())
}

func (b *Browser) show(r *http.Request) (Page, error) {
	r.Header.Set("Accept", "text/html")
	answer, err := b.client.Do(r)
	if err != nil {
		return Page{}, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxPage))
	if err != nil {
		return Page{}, fmt.Errorf("read %s: %w", answer.Request.URL, err)
	}
	root, err := html.Parse(strings.NewReader(string(text)))
	return Page{answer.Request.URL, answer.StatusCode, answer.Header, string(text), root}, err
}

// Text is what a person reads.
func (p Page) Text() string {
	var out strings.Builder
	for n := range p.root.Descendants() {
		if n.Type == html.TextNode && n.Parent.DataAtom != atom.Style && n.Parent.DataAtom != atom.Script {
			out.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

// Title is its heading; empty = it has none.
func (p Page) Title() string {
	for n := range p.root.Descendants() {
		if n.DataAtom == atom.H1 {
			return strings.Join(strings.Fields(inner(n)), " ")
		}
	}
	return ""
}

// At is the text of the element of an id; empty = there is none.
func (p Page) At(id string) string {
	for n := range p.root.Descendants() {
		if attr(n, "id") == id {
			return strings.TrimSpace(inner(n))
		}
	}
	return ""
}

// Typed says whether a field of a form holds a value already.
func (p Page) Typed(name, value string) bool {
	for n := range p.root.Descendants() {
		if n.DataAtom == atom.Input && attr(n, "name") == name && attr(n, "value") == value {
			return true
		}
	}
	return false
}

func inner(n *html.Node) string {
	var out strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			out.WriteString(c.Data)
		}
	}
	return out.String()
}

// fill gives what a form sends with these fields; ok says whether it has all of them.
func fill(form *html.Node, fields map[string]string) (values url.Values, ok bool) {
	values = url.Values{}
	has := map[string]bool{}
	for n := range form.Descendants() {
		name, value := attr(n, "name"), attr(n, "value")
		if name == "" {
			continue
		}
		typed, wanted := fields[name]
		switch {
		case n.DataAtom == atom.Select:
			value = chosen(n)
			wanted = wanted && slices.Contains(options(n), typed)
		case n.DataAtom == atom.Button:
			wanted = wanted && typed == value
			if !wanted {
				continue // it is not the one that was pressed
			}
		case n.DataAtom != atom.Input && n.DataAtom != atom.Textarea:
			continue
		case attr(n, "type") == "checkbox" && wanted && typed == "":
			has[name] = true
			continue // its tick is taken away
		case attr(n, "type") == "checkbox" && !marked(n, "checked") && !wanted:
			continue
		}
		if wanted {
			value, has[name] = typed, true
		}
		values.Set(name, value)
	}
	return values, len(has) == len(fields)
}

// chosen is the value that a list proposes: the one marked, else the first.
func chosen(list *html.Node) string {
	for n := range list.Descendants() {
		if n.DataAtom == atom.Option && marked(n, "selected") {
			return attr(n, "value")
		}
	}
	if all := options(list); len(all) > 0 {
		return all[0]
	}
	return ""
}

func options(list *html.Node) (all []string) {
	for n := range list.Descendants() {
		if n.DataAtom == atom.Option {
			all = append(all, attr(n, "value"))
		}
	}
	return all
}

// refresh is where a page goes on by itself; nil = it stays.
func refresh(root *html.Node, from *url.URL) *url.URL {
	for n := range root.Descendants() {
		if n.DataAtom != atom.Meta || !strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			continue
		}
		if _, to, found := strings.Cut(attr(n, "content"), "url="); found {
			if u, err := from.Parse(to); err == nil {
				return u
			}
		}
	}
	return nil
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func marked(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}
