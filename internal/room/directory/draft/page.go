package draft

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"time"

	"golang.org/x/net/html"

	"entrechat/internal/core"
)

// What links are called on a hoster's page, in French and English.
var (
	legalWords   = regexp.MustCompile(`(?i)mentions[ _-]l[ée]gales|legal[ _-]?notice|imprint|impressum`)
	privacyWords = regexp.MustCompile(`(?i)confidentialit|vie[ _-]priv|donn[ée]es[ _-]personnelles|\brgpd\b|privacy|\bgdpr\b`)
	termsWords   = regexp.MustCompile(`(?i)\bcg[us]\b|conditions[ _-](g[ée]n[ée]rales|d['’ _-]?utilisation)|terms[ _-](of|and)|\btos\b|r[èe]gles[ _-]d['’ _-]utilisation`)
	statusWords  = regexp.MustCompile(`(?i)[ée]tat[ _-]des[ _-]services|service[ _-]status|\bstatus\b`)
	contactWords = regexp.MustCompile(`(?i)\bcontact\b|nous[ _-]([ée]crire|joindre|contacter)|contact[ _-]us`)
)

// pageOf says which page a link leads to, by its words or its address; "" for
// none that we look for.
func pageOf(text string) Field {
	switch {
	case legalWords.MatchString(text):
		return FieldLegal
	case privacyWords.MatchString(text):
		return FieldPrivacy
	case termsWords.MatchString(text):
		return FieldTerms
	case statusWords.MatchString(text):
		return FieldStatusPage
	case contactWords.MatchString(text):
		return FieldContact
	}
	return ""
}

// homepage reads the page at the root: its title, its language, and the links
// that are called like the pages a charter asks for.
func homepage(ctx context.Context, v *visit) {
	data, s, ok := v.get(ctx, v.base+"/")
	if !ok {
		return
	}
	root, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		v.saw(s.address, NotUnderstood)
		return
	}
	found := map[Field]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			s.say(FieldLanguage, attribute(n, "lang"))
		case "title":
			if n.FirstChild != nil && n.Parent != nil && n.Parent.Data == "head" {
				s.say(FieldTitle, n.FirstChild.Data)
			}
		case "a":
			s.linked(n, found)
		}
	}
	if len(s.facts) > 0 {
		v.tell("", rankGeneral, s)
	}
}

// linked adds the page that a link leads to, when its words or its address say
// which one it is; the first of each kind counts.
func (s *source) linked(a *html.Node, found map[Field]bool) {
	href := attribute(a, "href")
	words := clean(text(a), shortText)
	if address, ok := strings.CutPrefix(href, "mailto:"); ok && !found[FieldEmail] {
		address, _, _ = strings.Cut(address, "?")
		found[FieldEmail] = true
		s.note(FieldEmail, address, words)
		return
	}
	if len(words) > 80 {
		return // a paragraph, not the name of a page
	}
	for _, hint := range []string{words, href} {
		if field := pageOf(hint); field != "" && !found[field] && absolute(s.address, href) != "" {
			found[field] = true
			s.link(field, href, words)
			return
		}
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name && len(a.Val) < 2000 {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

// text is what stands in an element.
func text(n *html.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode && out.Len() < 1000 {
			out.WriteString(d.Data + " ")
		}
	}
	return strings.ReplaceAll(out.String(), "<", "‹") // clean must not see tags here
}

// securityText reads where to report a hole, and until when that holds.
func securityText(ctx context.Context, v *visit) {
	data, s, ok := v.get(ctx, v.base+"/.well-known/security.txt")
	if !ok {
		return
	}
	for line := range strings.Lines(string(data[:min(len(data), 32<<10)])) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "contact":
			if len(s.facts) < 10 && (strings.HasPrefix(value, "mailto:") || strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "tel:")) {
				s.say(FieldSecurity, value)
			}
		case "expires":
			if at, err := time.Parse(time.RFC3339, value); err == nil {
				s.say(FieldExpires, at.UTC().Format(time.RFC3339))
			}
		}
	}
	if s.facts.First(FieldSecurity) == "" {
		v.saw(s.address, NotUnderstood)
		return
	}
	v.tell("", rankGeneral, s)
}

// Expired says whether the security.txt that was read no longer holds, or never
// said until when: RFC 9116 asks for a date.
func (f Facts) Expired(now core.Moment) bool {
	until, err := time.Parse(time.RFC3339, f.First(FieldExpires))
	return err != nil || until.Before(now.Time())
}
