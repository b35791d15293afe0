package mastodon

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fake is a Mastodon or a GoToSocial with one person, made from the documented interface:
// docs.joinmastodon.org/methods (accounts, lists, blocks, mutes, domain_blocks, bookmarks, search),
// docs.gotosocial.org/en/latest/api/swagger (accounts/alias, accounts/move).
type fake struct {
	*httptest.Server
	srv Server

	mu        sync.Mutex
	name      string
	ids       map[string]string          // id to acct as this server writes it, or a post's address
	has       map[string]map[string]bool // kind to ids, or domains
	lists     map[string]map[string]bool // title to ids
	gone      map[string]bool            // addresses that nobody finds
	locked    map[string]bool            // addresses whose follows wait
	asked     map[string]bool            // ids that were asked
	aliases   []string
	moved     string
	followers int64
	writes    int
	lies      bool   // says yes and does nothing
	limit     int    // writes until it says "tomorrow"; 0 = none
	link      string // instead of the next page
	date      string
}

func newFake(t *testing.T, program, name, domain string) *fake {
	t.Helper()
	f := &fake{
		name: name, ids: map[string]string{}, has: map[string]map[string]bool{}, lists: map[string]map[string]bool{}, gone: map[string]bool{},
		locked: map[string]bool{}, asked: map[string]bool{}, followers: 3, date: "Tue, 01 Dec 2026 00:00:00 GMT",
	}
	for _, kind := range kinds() {
		f.has[kind] = map[string]bool{}
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	f.srv = Server{Program: program, URL: f.URL, Domain: domain}
	return f
}

// id is that of an address or a post, as this server numbers it.
func (f *fake) id(value string) string {
	value = strings.TrimSuffix(value, "@"+f.srv.Domain)
	for id, v := range f.ids {
		if v == value {
			return id
		}
	}
	id := fmt.Sprintf("%s%d", strings.ToUpper(f.name[:1]), len(f.ids)+1)
	f.ids[id] = value
	return id
}

func filled(t *testing.T, program string, n int) *fake {
	t.Helper()
	f := newFake(t, program, "ana", "old.test")
	for i := range n {
		f.has[follows][f.id(fmt.Sprintf("ami%d@server%d.test", i, i%3))] = true
	}
	f.has[follows][f.id("voisine")] = true // of the old server itself
	f.has[follows][f.id("ana2@new.test")] = true
	f.has[blocks][f.id("troll@bad.test")] = true
	f.has[mutes][f.id("bruit@loud.test")] = true
	f.has[bookmarks][f.id("https://server1.test/posts/1")] = true
	if program == "mastodon" {
		f.has[domainBlocks]["spam.test"] = true
	}
	f.lists["Les amies, \"proches\""] = map[string]bool{f.id("ami0@server0.test"): true, f.id("voisine"): true}
	return f
}

func answer(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// page writes one page of ids, with a link to the next.
func (f *fake) page(w http.ResponseWriter, r *http.Request, ids map[string]bool, each func(id string) any) {
	all := slices.Sorted(maps.Keys(ids))
	from, _ := strconv.Atoi(r.URL.Query().Get("max_id"))
	from = min(from, len(all))
	to := min(from+2, len(all))
	if to < len(all) {
		link := fmt.Sprintf("<https://proxy.test%s?max_id=%d>; rel=\"next\", <https://proxy.test/>; rel=\"prev\"", r.URL.Path, to)
		if f.link != "" {
			link = f.link
		}
		w.Header().Set("Link", link)
	}
	out := []any{}
	for _, id := range all[from:to] {
		out = append(out, each(id))
	}
	answer(w, out)
}

func (f *fake) account(id string) any { return map[string]any{"id": id, "acct": f.ids[id]} }

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = r.ParseForm()
	w.Header().Set("Date", f.date)
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if r.URL.Path == "/users/"+f.name {
		if f.srv.Program == social {
			w.WriteHeader(http.StatusUnauthorized) // signed requests alone
			return
		}
		answer(w, map[string]any{"id": f.srv.uri(f.name), "alsoKnownAs": f.aliases})
		return
	}
	if r.Header.Get("Authorization") != "Bearer token-"+f.name {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method != "GET" {
		if f.writes++; f.limit > 0 && f.writes > f.limit {
			w.Header().Set("Retry-After", "80000")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		if f.lies {
			answer(w, map[string]any{"id": "L1"})
			return
		}
	}
	if len(parts) == 3 && f.listed(w, r, parts[2]) {
		return
	}
	switch {
	case parts[1] == "v2":
		f.search(w, r)
	case len(parts) > 3 && parts[2] == "accounts":
		f.accounts(w, r, parts[3:])
	case len(parts) > 3 && parts[2] == "lists":
		f.list(w, r, parts[3:])
	case len(parts) == 5 && parts[2] == "statuses":
		f.set(bookmarks, parts[3], parts[4] == "bookmark")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fake) set(kind, id string, on bool) {
	if on {
		f.has[kind][id] = true
	} else {
		delete(f.has[kind], id)
	}
}

// listed are the lists of things.
func (f *fake) listed(w http.ResponseWriter, r *http.Request, what string) bool {
	switch {
	case what == "blocks" || what == "mutes":
		f.page(w, r, f.has[what], f.account)
	case what == bookmarks:
		f.page(w, r, f.has[what], func(id string) any { return map[string]any{"uri": f.ids[id]} })
	case what == domainBlocks && f.srv.Program == "mastodon":
		if r.Method == "GET" {
			f.page(w, r, f.has[what], func(id string) any { return id })
			return true
		}
		if r.Method == "DELETE" {
			f.set(what, r.URL.Query().Get("domain")+bodyDomain(r), false)
			return true
		}
		f.set(what, r.Form.Get("domain"), true)
	case what == "lists" && r.Method == "POST":
		f.lists[r.Form.Get("title")] = map[string]bool{}
		answer(w, map[string]any{"id": "L" + f.id(r.Form.Get("title")), "title": r.Form.Get("title")})
	case what == "lists":
		out := []any{}
		for _, title := range slices.Sorted(maps.Keys(f.lists)) {
			out = append(out, map[string]any{"id": "L" + f.id(title), "title": title})
		}
		answer(w, out)
	default:
		return false
	}
	return true
}

// bodyDomain is the domain of a DELETE: Go parses no form of those.
func bodyDomain(r *http.Request) string {
	text := make([]byte, 1000)
	n, _ := r.Body.Read(text)
	_, domain, _ := strings.Cut(string(text[:n]), "domain=")
	return domain
}

func (f *fake) list(w http.ResponseWriter, r *http.Request, parts []string) {
	title := f.ids[strings.TrimPrefix(parts[0], "L")]
	members, ok := f.lists[title]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == "GET":
		f.page(w, r, members, f.account)
	case r.Method == "DELETE" && len(parts) == 1:
		delete(f.lists, title)
	case r.Method == "DELETE":
		delete(members, "")
	case !f.has[follows][r.Form.Get("account_ids[]")] && !f.asked[r.Form.Get("account_ids[]")]:
		w.WriteHeader(http.StatusNotFound)
	default:
		members[r.Form.Get("account_ids[]")] = true
	}
}

func (f *fake) search(w http.ResponseWriter, r *http.Request) {
	q := strings.TrimPrefix(r.Form.Get("q"), "@")
	accounts, statuses := []any{}, []any{}
	switch {
	case f.gone[q]:
	case r.Form.Get("type") == "statuses":
		statuses = append(statuses, map[string]any{"id": f.id(q), "uri": q})
	default:
		accounts = append(accounts, map[string]any{"id": f.id("imposter@x.test"), "acct": "imposter@x.test"}, f.account(f.id(q)))
	}
	answer(w, map[string]any{"accounts": accounts, "statuses": statuses})
}

func (f *fake) accounts(w http.ResponseWriter, r *http.Request, parts []string) {
	switch parts[0] {
	case "verify_credentials":
		me := map[string]any{"id": "1", "username": f.name, "url": f.URL + "/@" + f.name, "followers_count": f.followers}
		if f.moved != "" {
			me["moved"] = map[string]any{"url": f.moved}
		}
		if f.srv.Program == social {
			me["source"] = map[string]any{"also_known_as_uris": f.aliases}
		}
		answer(w, me)
	case "alias":
		var in struct {
			All []string `json:"also_known_as_uris"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		f.aliases = in.All
	case "move":
		if r.Form.Get("password") != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		f.moved = strings.Replace(r.Form.Get("moved_to_uri"), "/users/", "/@", 1)
	case "lookup":
		id := f.id(r.Form.Get("acct"))
		answer(w, f.account(id))
	case "relationships":
		out := []any{}
		for _, id := range r.Form["id[]"] {
			out = append(out, map[string]any{"id": id, "requested": f.asked[id]})
		}
		answer(w, out)
	case "1":
		f.page(w, r, f.has[follows], f.account)
	default:
		f.relate(parts[0], parts[1])
	}
}

func (f *fake) relate(id, do string) {
	switch do {
	case "follow":
		if f.locked[f.ids[id]] {
			f.asked[id] = true
		} else {
			f.set(follows, id, true)
		}
	case "unfollow":
		f.set(follows, id, false)
		delete(f.asked, id)
		for _, members := range f.lists {
			delete(members, id)
		}
	case "block", "unblock":
		f.set(blocks, id, do == "block")
	case "mute", "unmute":
		f.set(mutes, id, do == "mute")
	}
}

// state tells what the person has, without numbers of the server.
func (f *fake) state() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for kind, ids := range f.has {
		for id := range ids {
			lines = append(lines, kind+" "+f.ids[id]+" "+strings.TrimPrefix(id, f.ids[id]))
		}
	}
	for title, members := range f.lists {
		lines = append(lines, "list "+title)
		for id := range members {
			lines = append(lines, "list "+title+" "+f.ids[id])
		}
	}
	for id := range f.asked {
		lines = append(lines, "asked "+f.ids[id])
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n") + fmt.Sprintf("\naliases %v, moved %q", f.aliases, f.moved)
}

// written are the settings of one person; from nil = dead.
func written(t *testing.T, from, to *fake, csv, more string) []byte {
	t.Helper()
	dir := t.TempDir()
	secret := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	text := fmt.Sprintf("[new]\nprogram = %q\nurl = %q\ndomain = %q\n[old]\ndomain = \"old.test\"\n", to.srv.Program, to.URL, to.srv.Domain)
	if from != nil {
		text += fmt.Sprintf("program = %q\nurl = %q\n", from.srv.Program, from.URL)
	} else {
		text += "program = \"mastodon\"\n"
	}
	text += fmt.Sprintf("[[person]]\nname = \"ana\"\nnew_token = %q\ncsv = %q\n", secret("new", "token-"+to.name), csv)
	if from != nil {
		text += fmt.Sprintf("old_token = %q\nold_password = %q\n", secret("old", "token-"+from.name), secret("password", "secret"))
	}
	return []byte(text + more)
}
