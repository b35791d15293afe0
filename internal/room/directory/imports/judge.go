package imports

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/directory/statool"
)

// Trouble is why a file is not good: a sentence of the room's words, with the line
// it is about, 0 for none. Its texts are short and without control characters.
type Trouble struct {
	Line int            `json:"line"`
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"` // strings and integers
}

func (t Trouble) none() bool { return t.Key == "" }

func trouble(line int, key string, args map[string]any) Trouble {
	plain := map[string]any{}
	for name, v := range args {
		if _, number := v.(int); number {
			plain[name] = v
		} else {
			plain[name] = fmt.Sprint(v)
		}
	}
	return Trouble{line, key, plain}
}

// link is one entry of a file's subs.
type link struct {
	Slug  string
	Child string // empty when the value is no address
	Line  int
}

// good is a file that can be used.
type good struct {
	class statool.Class
	links []link
}

// below is the class of what a class leads to.
func below(c statool.Class) statool.Class {
	switch c {
	case statool.ClassFederation:
		return statool.ClassOrganization
	case statool.ClassOrganization:
		return statool.ClassService
	case statool.ClassService, statool.ClassMetrics, statool.ClassDevice, statool.ClassNone:
	}
	return statool.ClassNone
}

// judge says whether bytes from outside are a good file of the wanted class;
// ClassNone wants any of the three. What a lenient reader forgives is forgiven.
func judge(data []byte, want statool.Class) (good, Trouble) {
	doc, err := statool.Parse(data)
	if err != nil {
		if e, ok := errors.AsType[*core.Error](err); ok {
			return good{}, trouble(lineOfNUL(data), e.Key, e.Args)
		}
		return good{}, trouble(0, "directory.statool.no_class", nil)
	}
	class, name := doc.Class(), ""
	switch class {
	case statool.ClassFederation:
		name = statool.Read[statool.Federation](doc).Name
	case statool.ClassOrganization:
		name = statool.Read[statool.Organization](doc).Name
	case statool.ClassService:
		name = statool.Read[statool.Service](doc).Name
	case statool.ClassNone:
		return good{}, trouble(doc.Line("file.class"), "directory.statool.no_class", nil)
	case statool.ClassMetrics, statool.ClassDevice:
	}
	if class == statool.ClassMetrics || class == statool.ClassDevice || want != statool.ClassNone && class != want {
		return good{}, wrongClass(doc.Line("file.class"), want, class)
	}
	if field := string(class) + ".name"; strings.TrimSpace(name) == "" {
		return good{}, trouble(doc.Line(field), "directory.statool.missing", map[string]any{"Field": field})
	}
	links := linksOf(doc, class)
	if len(links) > statool.MaxSubs {
		return good{}, trouble(links[statool.MaxSubs].Line, "directory.statool.too_many_subs", map[string]any{"Count": len(links), "Limit": statool.MaxSubs})
	}
	return good{class, links}, Trouble{}
}

func wrongClass(line int, want, class statool.Class) Trouble {
	if want == statool.ClassNone {
		return trouble(line, "directory.import.no_class", nil)
	}
	return trouble(line, "directory.import.wrong_class", map[string]any{"Want": string(want), "Class": string(class)})
}

func lineOfNUL(data []byte) int {
	before, _, found := bytes.Cut(data, []byte{0})
	if !found {
		return 0
	}
	return 1 + bytes.Count(before, []byte("\n"))
}

var slugForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,59}$`)

// linksOf lists what a file of a federation or an organization leads to, in its
// order. A name that could not stand in an address gets the number of its line.
func linksOf(doc *statool.Document, class statool.Class) []link {
	var out []link
	if below(class) == statool.ClassNone {
		return nil
	}
	for _, key := range doc.Keys() {
		slug, ok := strings.CutPrefix(key, "subs.")
		value, _ := doc.Get(key)
		if !ok || value == "" {
			continue
		}
		l := link{Slug: slug, Line: doc.Line(key)}
		if !slugForm.MatchString(slug) {
			l.Slug = fmt.Sprintf("line-%d", l.Line)
		}
		l.Child, _ = address(strings.Trim(value, `'" `))
		out = append(out, l)
	}
	return out
}

// why is the trouble that an error of the network is.
func why(err error) Trouble {
	var e *core.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return trouble(0, "directory.import.too_slow", nil)
	case !errors.As(err, &e):
	case e.Key == "peer.answer_too_long":
		return trouble(0, "directory.import.too_big", nil)
	case e.Key == "peer.bad_address":
		return trouble(0, "directory.import.not_https", nil)
	case e.Args["Status"] != nil:
		return answered(e.Args["Status"])
	}
	return trouble(0, "directory.import.silent", nil)
}

func answered(status any) Trouble {
	return trouble(0, "directory.import.answered", map[string]any{"Status": status})
}
