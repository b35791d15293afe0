package catalogue

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// MaxSaid bounds a description that travels in a logbook, in characters: an entry
// is small, and the whole text is in the hoster's file.
const MaxSaid = 600

// maxSlug bounds a slug, in bytes.
const maxSlug = 80

var (
	slugForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]*$`)
	countryForm = regexp.MustCompile(`^[A-Z]{2}$`)
)

// Tidy is a listing as it may be stored, from what a stranger wrote: texts bounded and
// visible, links that lead somewhere, words we know; what is not so is left out.
// spec: docs/spec/directory.md#listings
func (h Hoster) Tidy() Hoster {
	h.Name, h.About, h.Note = line(h.Name, MaxName), paragraph(h.About, MaxSaid), line(h.Note, MaxWord)
	h.Website, h.File, h.Contact = webLink(h.Website), webLink(h.File), contactLink(h.Contact)
	h.Town, h.Country = line(h.Town, MaxName), countryCode(h.Country)
	h.Languages = languagesOf(strings.Join(h.Languages, ";"))
	if !slices.Contains([]State{StateActive, StateIdle, StateAway, StateClosing}, h.State) {
		h.State = StateUnknown
	}
	if h.State != StateClosing {
		h.Ends = 0
	}
	if h.Name == "" {
		h.Name = line(h.Author.Key, MaxName)
	}
	return h
}

// Tidy is as Hoster.Tidy. Returns CodeInvalid for a slug that is none: nothing
// could be said of it later.
func (s Service) Tidy() (Service, error) {
	if len(s.Slug) > maxSlug || !slugForm.MatchString(s.Slug) {
		return s, core.Invalid("directory.bad_slug", errors.New("no slug"))
	}
	s.Name, s.About = line(s.Name, MaxName), paragraph(s.About, MaxSaid)
	s.Website = webLink(s.Website)
	s.Software, s.Version = line(s.Software, MaxName), line(s.Version, MaxName)
	s.Town, s.Country = line(s.Town, MaxName), countryCode(s.Country)
	s.Price, s.Limits = line(s.Price, MaxWord), line(s.Limits, MaxWord)
	s.Languages = languagesOf(strings.Join(s.Languages, ";"))
	if !slices.Contains(Kinds(), s.Kind) {
		s.Kind = KindUnknown
	}
	if !s.Access.Valid() {
		s.Access.Without, s.Access.Register, s.Access.Load = "", "", ""
	}
	if !slices.Contains([]Level{LevelOK, LevelWarning, LevelAlert, LevelError}, s.Level) {
		s.Level = LevelUnknown
	}
	if s.Name == "" {
		s.Name = s.Slug
	}
	s.Unverified = false // who signs it, says it
	return s, nil
}

func countryCode(code string) string {
	if !countryForm.MatchString(code) {
		return ""
	}
	return code
}

// webLink is an address that a page may link to, or nothing.
func webLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > MaxLink || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || visible(text) != text || strings.ContainsAny(text, " <>\"'`\\\n") {
		return ""
	}
	return text
}

var mailbox = regexp.MustCompile(`^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$`)

// contactLink is a page or a mailbox, or nothing.
func contactLink(text string) string {
	if len(text) <= MaxName && mailbox.MatchString(text) {
		return text
	}
	return webLink(text)
}
