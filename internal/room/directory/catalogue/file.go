package catalogue

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/language"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/access"
	"entrechat/internal/room/directory/statool"
)

// Bounds of the texts of a listing, in characters.
const (
	MaxName = 120  // names, towns, versions
	MaxText = 2000 // descriptions
	MaxWord = 500  // one sentence: a price, a limit, a note
	MaxLink = 500  // addresses
)

// maxLanguages bounds a list of languages.
const maxLanguages = 20

// HosterOf is what an organization's file says, heard now. Nothing is taken from
// anywhere else; Author.Key is the caller's to set. Names of people stay out: the
// owner is not read, a mailbox only when it is a role's.
// spec: docs/spec/statoolinfos.md#catalogue
func HosterOf(doc *statool.Document, now time.Time) Hoster {
	o := statool.Read[statool.Organization](doc)
	h := Hoster{
		Author:    authorOf(o.Head, now),
		Name:      line(o.Name, MaxName),
		About:     paragraph(o.Description, MaxText),
		Website:   link(o.Website),
		File:      link(o.Head.URL),
		Town:      TownOf(extra(doc, "town")),
		Country:   countryOf(o.Country),
		Languages: languagesOf(extra(doc, "languages")),
		Contact:   contactOf(o.Contact),
		State:     stateOf(o.Status.Level),
		Note:      line(o.Status.Description, MaxWord),
	}
	if h.Town == "" {
		h.Town = townIn(o.Place.Address, o.Country)
	}
	if end, ok := day(o.EndDate); ok && end.Before(now.AddDate(foreseeable, 0, 0)) {
		h.State, h.Ends = StateClosing, core.At(end)
	}
	return h
}

// ServiceOf is what a service's file says, heard now; slug is its name in the file
// that leads to it. Nothing is taken from anywhere else: what an organization says
// of itself is not said of its services.
// spec: docs/spec/statoolinfos.md#catalogue
func ServiceOf(doc *statool.Document, slug string, now time.Time) Service {
	s := statool.Read[statool.Service](doc)
	end, ends := day(s.EndDate)
	return Service{
		Author:    authorOf(s.Head, now),
		Slug:      slug,
		Name:      line(s.Name, MaxName),
		Kind:      kindOf(extra(doc, "kind"), s.Software.Name),
		About:     paragraph(s.Description, MaxText),
		Website:   link(s.Website),
		Software:  line(s.Software.Name, MaxName),
		Version:   line(s.Software.Version, MaxName),
		Languages: languagesOf(extra(doc, "languages")),
		Town:      TownOf(extra(doc, "town")),
		Country:   countryOf(s.Host.Country),
		Price:     line(extra(doc, "price"), MaxWord),
		Limits:    line(extra(doc, "limits"), MaxWord),
		Access:    accessOf(doc, s),
		Level:     levelOf(s.Status.Level),
		Ended:     s.Status.Level == "OVER" || ends && !now.Before(end),
	}
}

// extra is the value of a key that only files made for entrechat have.
func extra(doc *statool.Document, key string) string {
	value, _ := doc.Get("entrechat." + key)
	return value
}

// zones is how far a moment without a zone may be ahead of ours: UTC+14 exists.
const zones = 14 * time.Hour

// authorOf dates a file. Its moment has no zone and is taken as UTC; one that lies
// in the future anywhere on earth is nobody's word.
func authorOf(head statool.Head, now time.Time) Author {
	a := Author{Source: FromFile, Heard: core.At(now)}
	said, err := time.Parse("2006-01-02T15:04:05", head.DateTime)
	switch {
	case err != nil || said.After(now.Add(zones)):
	case said.After(now):
		a.Said = core.At(now)
	default:
		a.Said = core.At(said)
	}
	return a
}

// foreseeable is how many years ahead an end is one; 9999 is how forms write "never".
const foreseeable = 100

func day(text string) (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, text)
	return t, err == nil
}

func kindOf(said, program string) Kind {
	if k := Kind(strings.ToLower(said)); slices.Contains(Kinds(), k) {
		return k
	}
	return KindOf(program)
}

// accessOf is the file's answer; our own two keys say more and go before.
func accessOf(doc *statool.Document, s statool.Service) access.Access {
	a := access.FromStatool(s.Registration, s.Load)
	if own := (access.Access{Without: access.Without(strings.ToLower(extra(doc, "without")))}); own.Without != "" && own.Valid() {
		a.Without = own.Without
	}
	if own := (access.Access{Register: access.Register(strings.ToLower(extra(doc, "register")))}); own.Register != "" && own.Valid() {
		a.Register = own.Register
	}
	return a
}

func stateOf(level string) State {
	switch level {
	case "ACTIVE":
		return StateActive
	case "IDLE":
		return StateIdle
	case "AWAY":
		return StateAway
	}
	return StateUnknown
}

func levelOf(level string) Level {
	switch level {
	case "OK":
		return LevelOK
	case "WARNING":
		return LevelWarning
	case "ALERT":
		return LevelAlert
	case "ERROR":
		return LevelError
	}
	return LevelUnknown
}

// contactOf prefers a page; a mailbox counts only when it belongs to a role.
func contactOf(c statool.Contact) string {
	if page := link(c.URL); page != "" {
		return page
	}
	name, _, _ := strings.Cut(strings.ToLower(c.Email), "@")
	if slices.Contains(roles(), name) && len(c.Email) <= MaxName {
		return c.Email
	}
	return ""
}

// roles are mailboxes that are nobody's own.
func roles() []string {
	return []string{
		"abuse", "accueil", "admin", "admins", "adminsys", "aide", "asso", "association", "bonjour", "bureau", "ca",
		"chaton", "chatons", "collectif", "contact", "contacts", "coucou", "equipe", "hello", "help", "hi", "hosting",
		"hostmaster", "info", "infos", "mail", "postmaster", "root", "salut", "security", "support", "sysadmin", "team",
		"technique", "tech", "webmaster",
	}
}

// languagesOf reads a list of ISO 639-1 codes; others are left out.
func languagesOf(text string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ';' || r == ',' || unicode.IsSpace(r) }) {
		base, err := language.ParseBase(word)
		if len(word) != 2 || err != nil || base.String() != word || slices.Contains(out, word) {
			continue
		}
		if out = append(out, word); len(out) == maxLanguages {
			break
		}
	}
	return out
}

// countryOf is the code, or that of a name that leaves no doubt.
func countryOf(c statool.Country) string {
	if c.Code != "" {
		return c.Code
	}
	return countries()[strings.ToLower(c.Name)]
}

// countries are those where the collective's hosters are, by name.
func countries() map[string]string {
	return map[string]string{
		"france": "FR", "belgique": "BE", "belgium": "BE", "suisse": "CH", "switzerland": "CH", "luxembourg": "LU",
		"canada": "CA", "allemagne": "DE", "germany": "DE", "espagne": "ES", "spain": "ES", "italie": "IT", "italy": "IT",
		"pays-bas": "NL", "netherlands": "NL", "royaume-uni": "GB", "united kingdom": "GB", "finlande": "FI", "finland": "FI",
	}
}

// link lets through what may stand in a link.
func link(text string) string {
	if len(text) > MaxLink {
		return ""
	}
	return text
}

// line is a foreign text as one bounded line.
func line(text string, limit int) string {
	return shorten(strings.Join(strings.Fields(visible(text)), " "), limit)
}

var blankLines = regexp.MustCompile(`\n{3,}`)

// paragraph keeps line breaks, at most one empty line in a row.
func paragraph(text string, limit int) string {
	lines := strings.Split(visible(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
	for i := range lines {
		lines[i] = strings.Join(strings.Fields(lines[i]), " ")
	}
	return shorten(strings.TrimSpace(blankLines.ReplaceAllString(strings.Join(lines, "\n"), "\n\n")), limit)
}

// visible takes out what moves a cursor, hides, or turns the direction of reading.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

// shorten bounds a text and shows that some is missing.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimSpace(string(runes[:limit-1])) + "…"
}
