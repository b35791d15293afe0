package pack

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Person is who has something in a service. It stands in the sealed file alone.
type Person struct {
	User   string   `json:"user"`
	Mail   string   `json:"mail"`   // where they are written to; empty = not known
	Lang   string   `json:"lang"`   // "fr", "en"; empty = not known
	Choice string   `json:"choice"` // "handover", "archive", "erase"; empty = silent
	Names  []string `json:"names"`  // other names of theirs: addresses, aliases
}

// Bounds of the people of a service.
const (
	maxPeople = 200_000
	maxNames  = 200 // of one person
	maxWord   = 320 // bytes of a name or an address
)

type peopleFile struct {
	People []Person `json:"people"`
}

func (p Person) check() error {
	if p.User == "" || !plain(p.User, maxWord) || !plain(p.Mail, maxWord) || !plain(p.Lang, 16) || len(p.Names) > maxNames {
		return bad(errors.New("a person without a name, or with a too long one"))
	}
	switch p.Choice {
	case "", "handover", "archive", "erase":
	default:
		return bad(errors.New("a choice that is none"))
	}
	if slices.ContainsFunc(p.Names, func(n string) bool { return n == "" || !plain(n, maxWord) }) {
		return bad(errors.New("a name that is none"))
	}
	return nil
}

// EncodePeople writes the file PeopleName.
func EncodePeople(all []Person) ([]byte, error) {
	for i := range all {
		if all[i].Names == nil {
			all[i].Names = []string{}
		}
	}
	if all == nil {
		all = []Person{}
	}
	return wire.Encode(peopleFile{all})
}

func readPeople(text []byte) ([]Person, error) {
	var f peopleFile
	if err := wire.Peek(text, &f); err != nil {
		return nil, err
	}
	return f.People, checkPeople(f.People)
}

// checkPeople refuses too many, and one user twice.
func checkPeople(all []Person) error {
	if len(all) > maxPeople {
		return bad(fmt.Errorf("%d people", len(all)))
	}
	seen := make(map[string]bool, len(all))
	for _, p := range all {
		if err := p.check(); err != nil {
			return err
		}
		if seen[p.User] {
			return bad(errors.New("a user twice"))
		}
		seen[p.User] = true
	}
	return nil
}

// ReadCSV reads the list that a hoster exports: "user;mail;lang;names" in the first line, names
// separated by commas; "choice" may be a fifth column. Returns CodeInvalid
// "succession.pack.bad_csv" with the line.
func ReadCSV(text []byte) ([]Person, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = ';', -1, true
	wrong := func(err error) ([]Person, error) {
		line, _ := r.FieldPos(0)
		return nil, core.Invalid("succession.pack.bad_csv", err).With("Line", max(line, 1))
	}
	if !utf8.Valid(text) {
		return nil, core.Invalid("succession.pack.bad_csv", errors.New("no UTF-8")).With("Line", 1)
	}
	head, err := r.Read()
	if err != nil || !slices.Contains(head, "user") {
		return nil, core.Invalid("succession.pack.bad_csv", errors.New("no head")).With("Line", 1)
	}
	var all []Person
	seen := map[string]bool{}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return wrong(errors.New("no row"))
		}
		p := personOf(head, row)
		if err := p.check(); err != nil || seen[p.User] || len(all) == maxPeople {
			return wrong(errors.New("no person, or one twice"))
		}
		seen[p.User] = true
		all = append(all, p)
	}
}

func personOf(head, row []string) (p Person) {
	for i, name := range head {
		if i >= len(row) {
			break
		}
		value := strings.TrimSpace(row[i])
		switch strings.TrimSpace(name) {
		case "user":
			p.User = value
		case "mail":
			p.Mail = value
		case "lang":
			p.Lang = value
		case "choice":
			p.Choice = value
		case "names":
			for one := range strings.SplitSeq(value, ",") {
				if one = strings.TrimSpace(one); one != "" {
					p.Names = append(p.Names, one)
				}
			}
		}
	}
	return p
}
