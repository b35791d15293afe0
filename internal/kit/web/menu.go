package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"entrechat/internal/kit/words"
)

// Entry is one line of a menu. Those whose path begins with /admin/ are the
// admin's menu, all others everybody's.
type Entry struct {
	Path  string
	Key   string // words key of what it says
	Group Group  // of an admin's page: where it stands
	Order int    // within the group; lower comes first
}

// Group is what an admin wants to do with a page; the menu is in this order. The zero
// value is GroupNode, where everything stands that concerns the program itself.
type Group int

// The groups of the admin's menu.
const (
	GroupNode     Group = iota // the node: its logbook, its settings
	GroupToday                 // what is well, what is not, what to do next
	GroupPublic                // what we show to everybody
	GroupPartners              // who we help and who helps us
	GroupBackups               // our own data at the others
	GroupWatch                 // whether services answer, and who is told when they do not
	GroupAccounts              // who signs in here, at what, and from where
	GroupCustody               // who can act when somebody is gone
)

// groups are all of them as the menu shows them, with the words key of each.
func groups() []struct {
	group Group
	key   string
} {
	return []struct {
		group Group
		key   string
	}{
		{GroupToday, "web.group_today"},
		{GroupWatch, "web.group_watch"},
		{GroupPublic, "web.group_public"},
		{GroupAccounts, "web.group_accounts"},
		{GroupPartners, "web.group_partners"},
		{GroupBackups, "web.group_backups"},
		{GroupCustody, "web.group_custody"},
		{GroupNode, "web.group_node"},
	}
}

// menuGroup is a part of a menu. A group of one page is that page, under the group's
// name, and has no Name of its own; so has everybody's menu.
type menuGroup struct {
	Name  string
	Items []menuItem
}

type menuItem struct {
	Path, Text string
	Here       bool
}

func inOrder(menu []Entry) {
	slices.SortStableFunc(menu, func(a, b Entry) int { return cmp.Compare(a.Order, b.Order) })
}

// menuOf is the menu of a page; who is not signed in sees none in the admin's half.
func (s *Site) menuOf(r *http.Request, p *words.Printer) []menuGroup {
	switch {
	case !isAdmin(r.URL.Path):
		if len(s.menu) == 0 {
			return nil
		}
		return []menuGroup{{Items: items(r, p, s.menu)}}
	case !signedIn(r):
		return nil
	}
	var out []menuGroup
	for _, g := range groups() {
		var entries []Entry
		for _, e := range s.admin {
			if e.Group == g.group {
				entries = append(entries, e)
			}
		}
		switch one := items(r, p, entries); len(one) {
		case 0:
		case 1:
			one[0].Text = p.T(g.key, nil)
			out = append(out, menuGroup{Items: one})
		default:
			out = append(out, menuGroup{Name: p.T(g.key, nil), Items: one})
		}
	}
	return out
}

func items(r *http.Request, p *words.Printer, menu []Entry) []menuItem {
	out := make([]menuItem, 0, len(menu))
	nearest := "" // a page under two entries belongs to the nearer one
	for _, e := range menu {
		if below(r.URL.Path, e.Path) && len(e.Path) > len(nearest) {
			nearest = e.Path
		}
	}
	for _, e := range menu {
		out = append(out, menuItem{e.Path, p.T(e.Key, nil), e.Path == nearest})
	}
	return out
}

// below says that a page belongs to a menu's entry: it, or one under it. The
// halves' own home pages have nothing under them.
func below(path, entry string) bool {
	return path == entry || entry != "/" && entry != adminPath && strings.HasPrefix(path, strings.TrimSuffix(entry, "/")+"/")
}
