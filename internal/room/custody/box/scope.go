package box

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"entrechat/internal/core"
)

// Scope is what a box is about: one of the constants, or "data:" with a repository's name. The
// zero value is none.
type Scope string

// The scopes. Those of data carry the name of a repository.
const (
	Serve  Scope = "serve"  // the page that says we are down, the DNS zone
	Domain Scope = "domain" // the registrar
	Root   Scope = "root"   // the 24 words
	Assets Scope = "assets" // what belongs to a collective
	// Rehearsal is a dummy: nothing waits for it.
	Rehearsal Scope = "rehearsal"
)

const data = "data:"

var repositoryForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`)

// ParseScope reads a scope. Returns CodeInvalid "custody.box.bad_scope".
func ParseScope(text string) (Scope, error) {
	s := Scope(text)
	if s.Valid() {
		return s, nil
	}
	return "", core.Invalid("custody.box.bad_scope", errors.New("no scope"))
}

// Valid says whether the scope is one.
func (s Scope) Valid() bool {
	switch s {
	case Serve, Domain, Root, Assets, Rehearsal:
		return true
	}
	return repositoryForm.MatchString(s.Repository())
}

// Repository is the name of the repository whose data it is about; empty for another scope.
func (s Scope) Repository() string {
	name, is := strings.CutPrefix(string(s), data)
	if !is {
		return ""
	}
	return name
}

// Kind is the scope without a repository's name: "serve", "data", "domain", "root", "assets".
func (s Scope) Kind() string {
	if s.Repository() != "" {
		return "data"
	}
	return string(s)
}

// Wait is how long holders wait before they give their shares, unless the deal says another
// time.
func (s Scope) Wait() time.Duration {
	const day = 24 * time.Hour
	switch s {
	case Serve:
		return day
	case Domain, Assets:
		return 7 * day
	case Root:
		return 14 * day
	case Rehearsal:
		return 0
	}
	return 3 * day // data
}
