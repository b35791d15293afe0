package draft

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"entrechat/internal/core"
)

// Field is what a fact is about.
type Field string

// The fields. Values are text for people but where the comment says more.
const (
	FieldProgram     Field = "program" // lower case, as the source spells it: "peertube"
	FieldVersion     Field = "version"
	FieldName        Field = "name"
	FieldDescription Field = "description"
	FieldWebsite     Field = "website"       // address that answered
	FieldSource      Field = "source_code"   // address
	FieldHomepage    Field = "homepage"      // address of the program's site
	FieldLogo        Field = "logo"          // address
	FieldSignUp      Field = "sign_up"       // SignUpOpen, SignUpRequest, SignUpClosed
	FieldUsers       Field = "users"         // accounts, a decimal number
	FieldActive      Field = "active_users"  // in the last month, a decimal number
	FieldLanguage    Field = "language"      // BCP 47, one fact each
	FieldEmail       Field = "contact_email" //
	FieldContact     Field = "contact_page"  // address
	FieldTerms       Field = "terms"         // address
	FieldPrivacy     Field = "privacy"       // address
	FieldLegal       Field = "legal_notice"  // address
	FieldStatusPage  Field = "status_page"   // address
	FieldHardware    Field = "hardware"      // what the hoster says of its machines
	FieldMaintenance Field = "maintenance"   // "true" while the program says so
	FieldProtocol    Field = "protocol"      // "activitypub", one fact each
	FieldInterface   Field = "interface"     // a documented interface that answered, where the program is not named
	FieldTitle       Field = "page_title"    // of the page at the root: not a name
	FieldSecurity    Field = "security"      // contact of security.txt
	FieldExpires     Field = "security_until"
	FieldPackages    Field = "packages" // number of installed packages
)

// Values of FieldSignUp. Closed does not say who may still come in.
const (
	SignUpOpen    = "open"
	SignUpRequest = "on_request"
	SignUpClosed  = "closed"
)

// Fact is what one source said at one moment.
type Fact struct {
	Field  Field
	Value  string
	Source string // address it was read at, or the name of a local file
	At     core.Moment
	Note   string // how the source worded it, where that helps to judge; may be empty
}

// Facts are the facts of one subject, in the order in which they count.
type Facts []Fact

// First is the value of the first fact about a field, "" for none.
func (f Facts) First(field Field) string {
	if i := slices.IndexFunc(f, func(x Fact) bool { return x.Field == field }); i >= 0 {
		return f[i].Value
	}
	return ""
}

// All are the values about a field, each once.
func (f Facts) All(field Field) []string {
	var values []string
	for _, x := range f {
		if x.Field == field && !slices.Contains(values, x.Value) {
			values = append(values, x.Value)
		}
	}
	return values
}

// Disputed are the fields on which sources contradict each other, of those that
// have one value only.
func (f Facts) Disputed() []Field {
	var fields []Field
	for _, x := range f {
		switch x.Field {
		case FieldProgram, FieldVersion, FieldName, FieldSignUp, FieldMaintenance:
			if len(f.All(x.Field)) > 1 && !slices.Contains(fields, x.Field) {
				fields = append(fields, x.Field)
			}
		default: // may well have several
		}
	}
	slices.Sort(fields)
	return fields
}

// source collects the facts of one answer.
type source struct {
	address string
	at      core.Moment
	facts   Facts
}

const (
	longText  = 2000 // runes of a description
	shortText = 200  // runes of everything else
)

// say adds a fact unless its value is empty.
func (s *source) say(field Field, value string) { s.note(field, value, "") }

func (s *source) note(field Field, value, note string) {
	limit := shortText
	if field == FieldDescription || field == FieldHardware {
		limit = longText
	}
	if value = clean(value, limit); value != "" {
		s.facts = append(s.facts, Fact{Field: field, Value: value, Source: s.address, At: s.at, Note: clean(note, shortText)})
	}
}

// link adds a fact whose value is an address, which may be relative to the source.
func (s *source) link(field Field, address, note string) {
	if address = absolute(s.address, address); address != "" {
		s.facts = append(s.facts, Fact{Field: field, Value: address, Source: s.address, At: s.at, Note: clean(note, shortText)})
	}
}

// absolute resolves an address; "" for anything that is not http or https.
func absolute(base, address string) string {
	b, err := url.Parse(base)
	if err != nil || address == "" || len(address) > 1000 {
		return ""
	}
	u, err := b.Parse(strings.TrimSpace(address))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return ""
	}
	u.Fragment = ""
	if text := u.String(); !strings.ContainsAny(text, "\"'<>` \\") {
		return text
	}
	return ""
}

// clean is a foreign text without tags and control characters, each run of
// spaces one space, at most limit runes.
func clean(text string, limit int) string {
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	text = strings.ToValidUTF8(text, "")
	if strings.ContainsAny(text, "<&") {
		text = withoutTags(text)
	}
	words := strings.FieldsFunc(text, unicode.IsSpace)
	runes := []rune(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError || r == 0xfeff {
			return -1
		}
		return r
	}, strings.Join(words, " ")))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}

func withoutTags(text string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(text))
	hidden := false
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			if !hidden {
				out.WriteString(html.UnescapeString(string(z.Raw())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if t.Data == "script" || t.Data == "style" {
				hidden = t.Type == html.StartTagToken
			}
			if t.Data == "p" || t.Data == "br" || t.Data == "li" || t.Data == "div" {
				out.WriteByte(' ')
			}
		case html.CommentToken, html.DoctypeToken:
		}
	}
}

// rank sorts facts so that the program's own interface counts before the general
// ones, and equal runs give equal drafts.
func rank(facts Facts, order map[string]int) {
	slices.SortStableFunc(facts, func(a, b Fact) int {
		return cmp.Or(cmp.Compare(order[a.Source], order[b.Source]), cmp.Compare(a.Source, b.Source))
	})
}
