package oidc

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// browser keeps cookies, follows a provider's pages and stops at the client. It runs no script.
type browser struct {
	*http.Client

	p     *probe
	who   somebody
	asked int    // pages that wanted a password
	seen  []page // all pages on the way
	sets  []*http.Cookie
	again bool // a form's answer was a redirect that sends the form on
}

// page is one page that was shown.
type page struct {
	answer

	address *url.URL
}

func (p *probe) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.fatalf("%v", err)
	}
	b := &browser{Client: program(), p: p, who: p.People[0]}
	b.Jar, b.Timeout = jar, 30*time.Second
	return b
}

func (b *browser) get(address string) answer {
	return b.send(b.p.request(http.MethodGet, address, nil))
}

func (b *browser) send(r *http.Request) answer {
	a := b.p.do(b.Client, r)
	b.sets = append(b.sets, (&http.Response{Header: a.header}).Cookies()...)
	if r.Method == http.MethodPost && (a.status == http.StatusTemporaryRedirect || a.status == http.StatusPermanentRedirect) {
		b.again = true
	}
	return a
}

func (b *browser) ours(u *url.URL) bool {
	issuer, err := url.Parse(b.p.Issuer)
	return err == nil && u.Host == issuer.Host
}

const maxSteps = 20

// arrival is where a sign-in ended: at the client with these parameters, or on a page.
type arrival struct {
	url.Values

	at   *url.URL // the client's address; nil = it did not arrive
	last page
	form bool // it came as a form
}

func (a arrival) code() string { return a.Get("code") }

// walk goes from an address to the client, filling in what pages want.
func (b *browser) walk(address string) arrival {
	r := b.p.request(http.MethodGet, address, nil)
	var end arrival
	for range maxSteps {
		a := b.send(r)
		end.last = page{a, r.URL}
		if a.to != nil {
			if !b.ours(a.to) {
				end.at, end.Values = a.to, a.to.Query()
				return end
			}
			r = b.p.request(http.MethodGet, a.to.String(), nil)
			continue
		}
		b.seen = append(b.seen, end.last)
		next, to, form := b.read(end.last)
		if to != nil {
			return arrival{Values: form, at: to, last: end.last, form: true}
		}
		if next == nil {
			return end
		}
		r = next
	}
	b.p.fatalf("the sign-in never ends: %s", end.last.address)
	return end
}

// read says what a person does on a page: the request that comes next, or the form that goes
// to the client.
func (b *browser) read(p page) (next *http.Request, to *url.URL, form url.Values) {
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return nil, nil, nil
	}
	if u := refresh(root, p.address); u != nil {
		return b.p.request(http.MethodGet, u.String(), nil), nil, nil
	}
	f := bestForm(root)
	if f == nil {
		return nil, nil, nil
	}
	form = b.fill(f)
	u, err := p.address.Parse(attr(f, "action"))
	if err != nil {
		b.p.fatalf("a form goes nowhere: %v", err)
	}
	if !b.ours(u) {
		return nil, u, form
	}
	if p.status >= http.StatusBadRequest {
		return nil, nil, nil
	}
	r := b.p.request(http.MethodPost, u.String(), form)
	// What browsers say of a form of the same site.
	r.Header.Set("Origin", p.address.Scheme+"://"+p.address.Host)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r, nil, nil
}

// fill fills in a form as its person.
func (b *browser) fill(f *html.Node) url.Values {
	form := url.Values{}
	password, pressed := false, false
	for n := range f.Descendants() {
		name, value := attr(n, "name"), attr(n, "value")
		switch {
		case n.DataAtom == atom.Button && name != "" && !pressed:
			form.Set(name, value)
			pressed = true
		case n.DataAtom != atom.Input || name == "":
		case attr(n, "type") == "hidden":
			form.Set(name, value)
		case attr(n, "type") == "password":
			form.Set(name, b.who.Password)
			password = true
		case slices.Contains([]string{"", "text", "email"}, attr(n, "type")):
			form.Set(name, b.who.Name)
		}
	}
	if password {
		b.asked++
	}
	return form
}

// bestForm is the form of a page that asks for a password, else the last that posts.
func bestForm(root *html.Node) (best *html.Node) {
	for n := range root.Descendants() {
		if n.DataAtom != atom.Form || !strings.EqualFold(attr(n, "method"), "post") {
			continue
		}
		for c := range n.Descendants() {
			if c.DataAtom == atom.Input && attr(c, "type") == "password" {
				return n
			}
		}
		best = n
	}
	return best
}

// refresh is where a page goes on by itself.
func refresh(root *html.Node, from *url.URL) *url.URL {
	for n := range root.Descendants() {
		if n.DataAtom == atom.Meta && strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			_, to, _ := strings.Cut(attr(n, "content"), "url=")
			if u, err := from.Parse(to); err == nil && to != "" {
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
