package whose

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Person is one person of a service, as the pack has them (users/people.json).
type Person struct {
	User   string   `json:"user"`
	Mail   string   `json:"mail"`
	Lang   string   `json:"lang"`
	Choice string   `json:"choice"`
	Names  []string `json:"names"`
}

// Kind is what a share holds.
type Kind string

// The kinds.
const (
	Files    Kind = "files"
	Maildir  Kind = "maildir"
	Calendar Kind = "calendar"
	Contacts Kind = "contacts"
	Wiki     Kind = "wiki"
	Git      Kind = "git"
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Files, Maildir, Calendar, Contacts, Wiki, Git} }

// Share is a part of a snapshot (data/layout.json). Path is relative to the snapshot's root, with
// {user}, {mail}, {local} and {domain} for what is of each person.
type Share struct {
	Kind   Kind   `json:"kind"`
	Path   string `json:"path"`
	Public bool   `json:"public"`
}

// personal says whether the path names one person. {domain} alone is of many.
func (s Share) personal() bool {
	return strings.Contains(s.Path, "{user}") || strings.Contains(s.Path, "{mail}") || strings.Contains(s.Path, "{local}")
}

// Item is a share of one person, or of everybody.
type Item struct {
	ID      string // 16 lower-case hexadecimal signs
	Service string
	Kind    Kind
	Path    string // relative to the snapshot's root
	User    string // whose; also of a public one that names somebody
	Public  bool
}

// Hidden counts what nobody is shown, by why.
type Hidden struct {
	Nobody int // a share that is neither public nor of one person
	Common int // another person's data lie in it, or it is of two people
	Name   int // a name that is no name of a folder
}

// All is the sum.
func (h Hidden) All() int { return h.Nobody + h.Common + h.Name }

// Resolve says what is whose: what is left after everything that is doubtful. Shut are the paths
// of what another person's data lie in; those that are given stay shut, whoever has left since.
func Resolve(service string, people []Person, shares []Share, before []string) (items []Item, shut []string, hidden Hidden) {
	for _, s := range shares {
		switch {
		case !slices.Contains(Kinds(), s.Kind):
			hidden.Nobody++
		case s.personal():
			for _, p := range people {
				at, ok := fill(s.Path, p)
				if !ok {
					hidden.Name++
					continue
				}
				items = append(items, newItem(service, s, at, p.User))
			}
		case s.Public:
			if at, ok := fill(s.Path, Person{}); ok {
				items = append(items, newItem(service, s, at, ""))
			} else {
				hidden.Name++
			}
		default:
			hidden.Nobody++
		}
	}
	items, shut = apart(items, before)
	hidden.Common = len(shut)
	return items, shut, hidden
}

func newItem(service string, s Share, at, user string) Item {
	sum := sha256.Sum256([]byte(strings.Join([]string{service, string(s.Kind), at, user}, "\x00")))
	return Item{hex.EncodeToString(sum[:8]), service, s.Kind, at, user, s.Public}
}

// fill puts a person into a path. ok is false where a part of it would not be exactly one name.
func fill(text string, p Person) (at string, ok bool) {
	local, domain, _ := strings.Cut(p.Mail, "@")
	for part := range strings.SplitSeq(strings.Trim(text, "/"), "/") {
		for mark, value := range map[string]string{"{user}": p.User, "{mail}": p.Mail, "{local}": local, "{domain}": domain} {
			if !strings.Contains(part, mark) {
				continue
			}
			if !name(value) {
				return "", false
			}
			part = strings.ReplaceAll(part, mark, strings.ReplaceAll(value, "{", "\x01"))
		}
		part = strings.ReplaceAll(part, "\x01", "{")
		if !name(part) {
			return "", false
		}
		at = path.Join(at, part)
	}
	return at, true
}

// name says whether a text is one name of a file.
func name(text string) bool {
	return text != "" && text != "." && text != ".." && len(text) <= 255 && !strings.ContainsAny(text, "/\x00\x01")
}

// apart leaves out each item that is, or lies around, the private item of another person, and each
// public one that does so with anybody's, and says at which paths.
func apart(items []Item, before []string) (kept []Item, shut []string) {
	at := map[string][]int{}
	for i, it := range items {
		at[it.Path] = append(at[it.Path], i)
	}
	spoiled := map[string]bool{}
	for _, up := range before {
		spoiled[up] = true
	}
	for _, it := range items {
		if it.Public {
			continue
		}
		for up := it.Path; up != "."; up = path.Dir(up) {
			for _, j := range at[up] {
				if items[j].User != it.User || items[j].Public {
					spoiled[up] = true
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, it := range items {
		if !spoiled[it.Path] && !seen[it.ID] {
			seen[it.ID] = true
			kept = append(kept, it)
		}
	}
	return kept, slices.Sorted(maps.Keys(spoiled))
}

// Shown is a name from a snapshot as a page shows it: no sign that turns or hides text.
func Shown(name string) string {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "�")
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return '�'
		}
		return r
	}, name)
}
