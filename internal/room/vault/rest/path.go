package rest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"entrechat/internal/core"
)

// Type is one of restic's kinds of file.
type Type string

// The types. Config is a single file without a name.
const (
	Config    Type = "config"
	Keys      Type = "keys"
	Locks     Type = "locks"
	Snapshots Type = "snapshots"
	Index     Type = "index"
	Data      Type = "data"
)

// Types lists every type that has names, in the order a repository is read.
func Types() []Type { return []Type{Keys, Locks, Snapshots, Index, Data} }

// Handle names one file of a repository. Name is 64 lower-case hex digits, the
// SHA-256 of the content; empty for config.
type Handle struct {
	Type Type
	Name string
}

func (h Handle) String() string {
	if h.Type == Config {
		return string(Config)
	}
	return string(h.Type) + "/" + h.Name
}

// Path is where in a plain repository on a disk restic keeps the file.
func (h Handle) Path() string {
	if h.Type == Data {
		return "data/" + h.Name[:2] + "/" + h.Name
	}
	return h.String()
}

// Valid says whether the handle names a file.
func (h Handle) Valid() bool {
	if h.Type == Config {
		return h.Name == ""
	}
	return h.Type.named() && fileName.MatchString(h.Name)
}

func (t Type) named() bool { return slices.Contains(Types(), t) }

var (
	fileName = regexp.MustCompile(`^[0-9a-f]{64}$`)
	repoName = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$`)
	asOfDate = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
)

// ValidRepo says whether a backup may have this name: 1 to 63 characters of a-z,
// 0-9, dot, dash and underscore, a letter or digit at both ends.
func ValidRepo(name string) bool { return repoName.MatchString(name) }

// Target is what a request's path names: a repository, and in it nothing (Type
// empty), all files of a type (List), or one file.
type Target struct {
	Repo string
	AsOf string // a date, YYYY-MM-DD, for the read-only view of that day; empty = now
	Handle
	List bool
}

// ParsePath reads "/NAME[@DATE]/", "/NAME/config", "/NAME/TYPE/" or
// "/NAME/TYPE/ID". Returns CodeNotFound for anything else.
func ParsePath(path string) (Target, error) {
	none := func() (Target, error) {
		return Target{}, core.NotFound("vault.no_such_path", fmt.Errorf("%.120q is no path of a repository", path))
	}
	repo, rest, slash := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	name, date, dated := strings.Cut(repo, "@")
	if !slash || !ValidRepo(name) || dated && !asOfDate.MatchString(date) {
		return none()
	}
	t := Target{Repo: name, AsOf: date}
	switch kind, id, slash := strings.Cut(rest, "/"); {
	case rest == "":
		return t, nil
	case rest == string(Config):
		t.Type = Config
	case !slash || !Type(kind).named():
		return none()
	case id == "":
		t.Type, t.List = Type(kind), true
	default:
		t.Handle = Handle{Type: Type(kind), Name: id}
		if !t.Valid() {
			return none()
		}
	}
	return t, nil
}
