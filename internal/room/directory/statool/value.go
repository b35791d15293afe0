package statool

import (
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// reading is what a foreign value means. text is its canonical form, empty when
// the value means nothing; remark is the message key of what had to be forgiven
// (text is set) or refused (text is empty); both empty for an empty value.
type reading struct {
	text   string
	remark string
}

func fine(text string) reading        { return reading{text: text} }
func odd(text, remark string) reading { return reading{text: text, remark: remark} }
func bad(remark string) reading       { return reading{remark: remark} }

// read takes a value of a field leniently.
// spec: docs/spec/statoolinfos.md#types
func (f Field) read(raw string) reading {
	raw = strings.TrimSpace(raw)
	if raw == "" {
		return reading{}
	}
	switch f.Type {
	case TypeDate:
		return readDate(raw)
	case TypeDateTime:
		return readDateTime(raw)
	case TypeDecimalDegree:
		return readDegree(raw, f.Path)
	case TypeEmail:
		return readEmail(raw)
	case TypeURL:
		return readURL(raw)
	case TypeValues:
		return readList(raw, readString)
	case TypeChoice:
		return readChoice(raw, f.Values)
	case TypeChoices:
		return readList(raw, func(item string) reading { return readChoice(item, f.Values) })
	case TypeCountry:
		return readCountry(raw)
	case TypeString:
	}
	return readString(raw)
}

// Canonical forms of dates. DATETIME has no zone: nobody says which one it is.
const (
	isoDate     = "2006-01-02"
	isoDateTime = "2006-01-02T15:04:05"
)

func parseAny(raw string, layouts ...string) (time.Time, bool) {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, raw); err == nil && t.Year() >= 1900 {
			return t, true
		}
	}
	return time.Time{}, false
}

func readDate(raw string) reading {
	if t, ok := parseAny(raw, isoDate); ok {
		return fine(t.Format(isoDate))
	}
	if t, ok := parseAny(raw, "2/1/2006", "2-1-2006", "2.1.2006"); ok {
		return odd(t.Format(isoDate), "directory.statool.date_day_first")
	}
	if t, ok := parseAny(raw, isoDateTime, time.RFC3339, "2006-01-02 15:04:05", "2006/1/2", "2006-1-2"); ok {
		return odd(t.Format(isoDate), "directory.statool.date_form")
	}
	return bad("directory.statool.bad_date")
}

func readDateTime(raw string) reading {
	if t, ok := parseAny(raw, isoDateTime); ok && len(raw) == len(isoDateTime) {
		return fine(t.Format(isoDateTime))
	}
	if t, ok := parseAny(raw, isoDateTime, time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", isoDate); ok {
		return odd(t.Format(isoDateTime), "directory.statool.datetime_form")
	}
	if t, ok := parseAny(raw, "2/1/2006 15:04:05", "2/1/2006 15:04", "2/1/2006"); ok {
		return odd(t.Format(isoDateTime), "directory.statool.datetime_form")
	}
	return bad("directory.statool.bad_datetime")
}

var degree = regexp.MustCompile(`^([+-]?)0*([0-9]{1,3})(?:[.,]([0-9]{1,30}))?$`)

// readDegree keeps eight digits, one millimetre.
func readDegree(raw, path string) reading {
	m := degree.FindStringSubmatch(raw)
	if m == nil {
		return bad("directory.statool.bad_degree")
	}
	limit := "180"
	if strings.HasSuffix(path, ".latitude") {
		limit = "90"
	}
	if len(m[2]) > len(limit) || len(m[2]) == len(limit) && m[2] >= limit {
		return bad("directory.statool.bad_degree")
	}
	digits := m[3]
	text := strings.TrimPrefix(m[1], "+") + m[2] + "." + (digits + "0")[:max(1, min(8, len(digits)))]
	if digits == "" || len(digits) > 8 {
		return odd(text, "directory.statool.degree_form")
	}
	return fine(text)
}

var plainEmail = regexp.MustCompile(`^[^\s@<>()\[\],;:\\"'&?%]+@[^\s@<>()\[\],;:\\"'&?%]+$`)

func readEmail(raw string) reading {
	if plainEmail.MatchString(raw) && !strings.ContainsFunc(raw, forbidden) {
		return fine(raw)
	}
	bare := unquote(raw)
	if len(bare) > 7 && strings.EqualFold(bare[:7], "mailto:") {
		bare = bare[7:]
	}
	if address, err := mail.ParseAddress(bare); err == nil {
		bare = address.Address
	}
	if plainEmail.MatchString(bare) && !strings.ContainsFunc(bare, forbidden) {
		return odd(bare, "directory.statool.email_form")
	}
	return bad("directory.statool.bad_email")
}

// readURL lets http and https through and nothing else: what comes out may stand
// in a link.
func readURL(raw string) reading {
	bare := unquote(raw)
	u, err := url.Parse(bare)
	if err != nil || u.Host == "" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(bare, " \t\n\"'<>`\\") || strings.ContainsFunc(bare, forbidden) {
		return bad("directory.statool.bad_url")
	}
	switch u.Scheme {
	case "https":
		if bare != raw {
			return odd(bare, "directory.statool.url_quoted")
		}
		return fine(bare)
	case "http":
		return odd(bare, "directory.statool.url_http")
	}
	return bad("directory.statool.bad_url")
}

// unquote takes one pair of quotes off a value that is wrapped in it.
func unquote(value string) string {
	if n := len(value); n >= 2 && value[0] == value[n-1] && (value[0] == '\'' || value[0] == '"') {
		return strings.TrimSpace(value[1 : n-1])
	}
	return value
}

func readCountry(raw string) reading {
	upper := strings.ToUpper(unquote(raw))
	region, err := language.ParseRegion(upper)
	if len(upper) != 2 || err != nil || !region.IsCountry() {
		return bad("directory.statool.bad_country")
	}
	if upper != raw {
		return odd(upper, "directory.statool.value_case")
	}
	return fine(upper)
}

func readChoice(raw string, values []string) reading {
	if slices.Contains(values, raw) {
		return fine(raw)
	}
	bare := unquote(raw)
	for _, v := range values {
		if strings.EqualFold(v, bare) {
			return odd(v, "directory.statool.value_case")
		}
	}
	for _, s := range oldValues() {
		if slices.Contains(values, s.now) && strings.EqualFold(s.old, bare) {
			return odd(s.now, "directory.statool.old_value")
		}
	}
	return bad("directory.statool.bad_choice")
}

// split cuts a list: at ";" when there is one, else at ",".
func split(raw string) (items []string, separator string) {
	separator = ";"
	if !strings.Contains(raw, ";") && strings.Contains(raw, ",") {
		separator = ","
	}
	items = strings.Split(raw, separator)
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items, separator
}

// readList reads each item and drops the empty ones. What is wrong with one is
// said of the list; what is wrong goes before what is odd.
func readList(raw string, read func(string) reading) reading {
	items, separator := split(raw)
	var out reading
	var good []string
	for _, item := range items {
		one := reading{}
		if item != "" {
			one = read(item)
		}
		if one.text != "" {
			good = append(good, strings.ReplaceAll(one.text, ";", ","))
		}
		if one.remark != "" && (out.remark == "" || one.text == "") {
			out.remark = one.remark
		}
	}
	out.text = strings.Join(good, ";")
	if out.remark == "" && separator == "," {
		out.remark = "directory.statool.list_comma"
	}
	return out
}

var lineBreak = regexp.MustCompile(`(?i)[ \t]*<br[ \t]*/?>[ \t]*`)

// readString turns the two published ways of a line break into one, and takes
// out what a text cannot have. Tags are text: whoever shows it escapes it.
func readString(raw string) reading {
	text := strings.ReplaceAll(lineBreak.ReplaceAllString(raw, "\n"), "\r\n", "\n")
	clean := strings.TrimSpace(strings.Map(func(r rune) rune {
		if forbidden(r) {
			return -1
		}
		return r
	}, text))
	if clean != strings.TrimSpace(text) {
		return odd(clean, "directory.statool.hidden_characters")
	}
	return fine(clean)
}

// shown is a foreign text as it may stand in a message: one short line without
// control characters.
func shown(text string) string {
	const limit = 60
	var out []rune
	for _, r := range text {
		if r == '\n' || r == '\t' {
			r = ' '
		} else if forbidden(r) {
			r = '\uFFFD'
		}
		if out = append(out, r); len(out) > limit {
			return string(out[:limit]) + "…"
		}
	}
	return string(out)
}
