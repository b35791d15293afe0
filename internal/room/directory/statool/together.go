package statool

import (
	"regexp"
	"strings"
)

// text is what a field of the document means, "" for nothing.
func (v *validator) text(key string) string {
	f, ok := fieldOf(v.fields, key)
	if raw, there := v.doc.Get(key); ok && there {
		return f.read(raw).text
	}
	return ""
}

// together are the remarks on fields that do not go together.
func (v *validator) together() {
	server, provider := v.text("host.server.type"), v.text("host.provider.type")
	if (server == "NANO" && (provider == "HOSTEDSERVER" || provider == "OUTSOURCED")) || (server == "PHYSICAL" && provider == "OUTSOURCED") {
		v.say(Error, "host.provider.type", "directory.statool.forbidden_pair", map[string]any{"Server": server, "Provider": provider})
	}
	for _, section := range []string{"federation", "organization", "service"} {
		start, end := v.text(section+".startdate"), v.text(section+".enddate")
		if start != "" && end != "" && end < start {
			v.say(Error, section+".enddate", "directory.statool.end_before_start", map[string]any{"Start": start, "End": end})
		}
	}
	if v.text("service.enddate") != "" && v.text("service.registration.load") == "OPEN" {
		v.say(Note, "service.registration.load", "directory.statool.ended_but_open", nil)
	}
	if protocol := v.text("file.protocol"); protocol != "" && !knownProtocol.MatchString(protocol) {
		v.say(Warning, "file.protocol", "directory.statool.protocol", map[string]any{"Value": shown(protocol)})
	}
}

var knownProtocol = regexp.MustCompile(`(?i)^(StatoolInfos|ChatonsInfos)-[0-9]+\.[0-9]+$`)

// A street, in the two languages that our hosters write addresses in.
var street = regexp.MustCompile(`(?i)\b[0-9]+\s*(?:bis|ter)?,?\s+(?:(?:rue|avenue|boulevard|chemin|impasse|place|allée|route|quai|lieu-dit)\b|[\p{L}' -]+\b(?:street|road|avenue|lane|square)\b)`)

// precise warns of a place that is closer than a town: many small hosters have
// their machine at somebody's home.
func (v *validator) precise(f Field, key, text string) {
	_, digits, _ := strings.Cut(text, ".")
	switch {
	case f.Type == TypeDecimalDegree && len(digits) > 3,
		strings.HasSuffix(f.Path, ".address") && street.MatchString(text):
		v.say(Note, key, "directory.statool.precise_place", nil)
	}
}

// subs checks how many files hang below this one.
func (v *validator) subs() {
	n, seen := 0, map[string]string{}
	for _, key := range v.doc.Keys() {
		if !strings.HasPrefix(key, "subs.") {
			continue
		}
		n++
		raw, _ := v.doc.Get(key)
		target := readURL(raw).text
		if first, twice := seen[target]; twice && target != "" {
			v.say(Warning, key, "directory.statool.same_sub", map[string]any{"First": shown(first)})
		}
		seen[target] = key
	}
	if n > MaxSubs {
		v.report.add(Finding{Severity: Error, Key: "directory.statool.too_many_subs", Args: map[string]any{"Count": n, "Limit": MaxSubs}})
	}
}

// nearest is the path of the list that a key was probably meant to be: one or two
// letters away, "" for none.
func nearest(fields []Field, key string) string {
	if len(key) > 80 {
		return ""
	}
	best, at := "", 3
	for _, f := range fields {
		if strings.Contains(f.Path, "*") || len(f.Path)-len(key) > 2 || len(key)-len(f.Path) > 2 {
			continue
		}
		if n := distance(f.Path, key); n < at {
			best, at = f.Path, n
		}
	}
	return best
}

// distance is Levenshtein's, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
