package statool

import "strings"

// spelling is a key or value as it was, and as it is today.
type spelling struct{ old, now string }

// oldKeys are spellings met in the wild or in early models; the renamed ones
// first, the mistyped after them. All in lower case.
// spec: docs/spec/statoolinfos.md#old-spellings
func oldKeys() []spelling {
	return []spelling{
		{"federation.technical.url", "federation.guide.technical"},
		{"organization.technical.url", "organization.guide.technical"},
		{"organization.geography", "organization.geolocation.address"},
		{"service.technical.url", "service.guide.technical"},
		{"host.provider", "host.provider.type"},

		{"organization.funding.tipee", "organization.funding.tipeee"},
		{"organization.socialnetworks.pixelfeld", "organization.socialnetworks.pixelfed"},
		{"federation.socialnetworks.pixelfeld", "federation.socialnetworks.pixelfed"},
	}
}

// oldSpellings are the keys that meant what the given key means today.
func oldSpellings(key string) []string {
	var old []string
	for _, s := range oldKeys() {
		if s.now == key {
			old = append(old, s.old)
		}
	}
	if rest, ok := strings.CutPrefix(key, "organization."); ok {
		old = append(old, "organisation."+rest)
	}
	return old
}

// modern is today's spelling of a folded key; the key itself when it is not an
// old one.
func modern(key string) string {
	if rest, ok := strings.CutPrefix(key, "organisation."); ok {
		key = "organization." + rest
	}
	for _, s := range oldKeys() {
		if s.old == key {
			return s.now
		}
	}
	return key
}

// oldValues are values of the first drafts (GENERAL.md), with the nearest of
// today's, and one that French speakers write.
func oldValues() []spelling {
	return []spelling{
		{"ON", "OK"},
		{"MAINTENANCE", "WARNING"},
		{"DOWN", "ERROR"},
		{"OFF", "OVER"},
		{"DRAFT", "VOID"},
		{"Organisation", "Organization"},
	}
}
