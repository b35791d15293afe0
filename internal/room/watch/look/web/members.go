package web

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"entrechat/internal/room/watch/look"
)

const (
	maxDepth = 32
	maxText  = 200 // bytes of a member's value that are kept
)

// members reads some members of a JSON object, by their paths ("software/name"), as text:
// "true", "12", a string as it is. What stands beside them is passed over, and what comes
// after the last of them is not read, so that a long document that was cut does as well.
// An absent member, one that is null, and one that is an object or a list, is not there.
// Returns a ClassError of class Content.
func members(w *look.Answer, paths ...string) (map[string]string, error) {
	found := map[string]string{}
	err := walk(w.Body, func(path, value string) bool {
		if slices.Contains(paths, path) {
			found[path] = value
		}
		return len(found) < len(paths)
	})
	switch {
	case err == nil:
	case w.Cut && cutOff(err):
	case w.Cut:
		return nil, look.Fail(look.Content, "no JSON as expected (in the first %d KiB): %v", look.MaxRead>>10, err)
	default:
		return nil, look.Fail(look.Content, "no JSON as expected: %v", err)
	}
	return found, nil
}

func cutOff(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) }

var (
	errNoObject = errors.New("it is no object")
	errDeep     = errors.New("it is too deep")
)

// walk gives every string, number and boolean with its path, until visit answers false.
// The path of an element has its number.
func walk(text []byte, visit func(path, value string) bool) error {
	d := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if d.PeekKind() != '{' {
		_, err := d.ReadToken() // a cut or a bad byte first
		return orNoObject(err)
	}
	for {
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		depth := d.StackDepth()
		if depth > maxDepth {
			return errDeep
		}
		switch kind := t.Kind(); kind {
		case '}':
			if depth == 0 {
				return nil
			}
		case '"', '0', 't', 'f':
			if in, n := d.StackIndex(depth); in == '{' && n%2 == 1 {
				continue // the name of a member
			}
			path := strings.TrimPrefix(string(d.StackPointer()), "/")
			if !visit(path, look.Clip(t.String(), maxText)) {
				return nil
			}
		default: // null, lists, the starts of objects
		}
	}
}

func orNoObject(err error) error {
	if err != nil {
		return err
	}
	return errNoObject
}
