package mastodon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// account is one person at one server, signed in.
type account struct {
	*recipe.Web
	Server

	side string
	me   me
	now  time.Time // by the server's clock
}

type me struct {
	ID        string `json:"id"`
	Name      string `json:"username"`
	URL       string `json:"url"`
	URI       string `json:"uri"` // not in older Mastodon
	Followers int64  `json:"followers_count"`
	Moved     *struct {
		URL string `json:"url"`
	} `json:"moved"`
	Source struct {
		Aliases []string `json:"also_known_as_uris"` // of GoToSocial
	} `json:"source"`
}

var idForm = regexp.MustCompile(`^[A-Za-z0-9]{1,40}$`)

func (m *move) open(ctx context.Context, side string, s Server, token string) (a account, err error) {
	a.side, a.Server = side, s
	if a.Web, err = recipe.OpenWeb(side, s.URL, token); err != nil {
		return a, err
	}
	h, err := a.Ask(ctx, recipe.Call{Path: "/api/v1/accounts/verify_credentials"}, &a.me)
	if err != nil {
		return a, err
	}
	if !idForm.MatchString(a.me.ID) || !nameForm.MatchString(a.me.Name) {
		return a, a.odd("/api/v1/accounts/verify_credentials", "no id or name")
	}
	if a.me.URI == "" {
		a.me.URI = s.uri(a.me.Name)
	}
	a.now, _ = http.ParseTime(h.Get("Date")) // zero where it does not say
	return a, nil
}

func (a account) odd(path, said string) error {
	return core.Unsure("succession.recipe.web", errors.New(said)).With("Side", a.side).With("Path", path).With("Said", said)
}

// old signs in at the old server; its token must be of the person whom the settings name.
func (m *move) old(ctx context.Context, name string) (account, error) {
	a, err := m.open(ctx, "old", m.Old, m.people[name].OldToken)
	if err == nil && !strings.EqualFold(a.me.Name, name) {
		err = recipe.Wrong(name + ": old_token is of " + a.me.Name)
	}
	return a, err
}

func (m *move) new(ctx context.Context, name string) (account, error) {
	return m.open(ctx, "new", m.New, m.people[name].NewToken)
}

// address is a whole one, in lower case: "bob@example.org".
func (s Server) address(acct string) string {
	acct = strings.ToLower(strings.TrimPrefix(acct, "@"))
	if !strings.Contains(acct, "@") {
		acct += "@" + s.Domain
	}
	return acct
}

// Bounds of what is read of a server.
const (
	maxEntries = 100_000
	maxPages   = 3_000
)

var nextLink = regexp.MustCompile(`<([^<>]+)>; *rel="?next"?`)

// next is the path of the page after this one; "" = none. The host in it does not matter: it is the
// same server that is asked.
func next(h http.Header) string {
	found := nextLink.FindStringSubmatch(strings.Join(h.Values("Link"), ", "))
	if found == nil {
		return ""
	}
	u, err := url.Parse(found[1])
	if err != nil || !strings.HasPrefix(u.Path, "/api/") {
		return ""
	}
	return u.RequestURI()
}

// pages reads a list to its end, each element alone.
func (a account) pages(ctx context.Context, path string, each func(text json.RawMessage) error) error {
	n := 0
	for pages := 0; path != ""; pages++ {
		var page []json.RawMessage
		h, err := a.Ask(ctx, recipe.Call{Path: path}, &page)
		if err != nil {
			return err
		}
		if n += len(page); n > maxEntries || pages > maxPages {
			return a.odd(path, "a list without end")
		}
		for _, text := range page {
			if err := each(text); err != nil {
				return a.odd(path, err.Error())
			}
		}
		if path = next(h); len(page) == 0 {
			return nil
		}
	}
	return nil
}

type who struct {
	ID   string `json:"id"`
	Acct string `json:"acct"`
}

// people reads a list of accounts: address to id.
func (a account) people(ctx context.Context, path string) (map[string]string, error) {
	all := map[string]string{}
	err := a.pages(ctx, path, func(text json.RawMessage) error {
		var w who
		if err := json.Unmarshal(text, &w); err != nil {
			return err
		}
		if !idForm.MatchString(w.ID) || w.Acct == "" {
			return errors.New("an account without id or address")
		}
		all[a.address(w.Acct)] = w.ID
		return nil
	})
	return all, err
}

type list struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

func (a account) lists(ctx context.Context) (all []list, err error) {
	if _, err = a.Ask(ctx, recipe.Call{Path: "/api/v1/lists"}, &all); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(all, func(l list) bool { return !idForm.MatchString(l.ID) }) {
		return nil, a.odd("/api/v1/lists", "a list without id")
	}
	return all, nil
}

// read is what an account has.
func (a account) read(ctx context.Context, domains bool) (book, error) {
	b := book{}
	for kind, path := range map[string]string{follows: "/api/v1/accounts/" + a.me.ID + "/following?limit=80", blocks: "/api/v1/blocks?limit=80", mutes: "/api/v1/mutes?limit=80"} {
		all, err := a.people(ctx, path)
		if err != nil {
			return nil, err
		}
		for address := range all {
			b.add(kind, entry{Value: address})
		}
	}
	all, err := a.lists(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range all {
		members, err := a.people(ctx, "/api/v1/lists/"+l.ID+"/accounts?limit=80")
		if err != nil {
			return nil, err
		}
		for address := range members {
			b.add(lists, entry{l.Title, address})
		}
	}
	if domains {
		err := a.pages(ctx, "/api/v1/domain_blocks?limit=200", func(text json.RawMessage) error {
			var domain string
			err := json.Unmarshal(text, &domain)
			b.add(domainBlocks, entry{Value: strings.ToLower(domain)})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return b, a.pages(ctx, "/api/v1/bookmarks?limit=40", func(text json.RawMessage) error {
		var status struct {
			URI string `json:"uri"`
		}
		err := json.Unmarshal(text, &status)
		b.add(bookmarks, entry{Value: status.URI})
		return err
	})
}
