// Package wire reads JSON that strangers wrote, strictly: one object, no
// duplicate or unknown members, valid UTF-8, whole numbers within 2^53-1, at
// most 16 levels deep. Two readers of one text must never see two documents,
// because what was signed is the text.
package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"entrechat/internal/core"
)

const (
	// maxDepth is how deep objects and arrays may nest.
	maxDepth = 16
	// maxInteger is the largest whole number every JSON reader keeps exactly.
	maxInteger = 1<<53 - 1
)

// Decode reads one JSON value into v and refuses everything the package comment
// names. The caller bounds len(data). Returns CodeInvalid.
// spec: docs/spec/documents.md#json-profile
func Decode(data []byte, v any) error {
	return decode(data, v, json.RejectUnknownMembers(true))
}

// Peek is Decode for what a newer program may have written: members it does not
// know are passed over.
func Peek(data []byte, v any) error {
	return decode(data, v, json.RejectUnknownMembers(false))
}

func decode(data []byte, v any, options json.Options) error {
	if err := check(data); err != nil {
		return core.Invalid("wire.bad_json", err)
	}
	if err := json.Unmarshal(data, v, options, strictBytes); err != nil {
		return core.Invalid("wire.bad_json", fmt.Errorf("read JSON: %w", err))
	}
	return nil
}

// strictBytes reads []byte as RFC 4648 base64 with one text for each value: the
// library passes over the unused bits of the last character and over line breaks.
//
//nolint:gochecknoglobals // fixed, and compiled once as a regexp is: the library caches by its address
var strictBytes = json.WithUnmarshalers(json.UnmarshalFromFunc(func(d *jsontext.Decoder, v *[]byte) error {
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	if token.Kind() == 'n' {
		*v = nil
		return nil
	}
	if token.Kind() != '"' {
		return errors.New("bytes are written as a base64 string")
	}
	*v, err = Base64(token.String())
	return err
}))

// Base64 reads standard base64 with padding, strictly: every value has one text.
// Its errors have no code.
func Base64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("line break in base64")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("read base64: %w", err)
	}
	return data, nil
}

// check walks the tokens once, over the whole text: what v passes over or keeps
// raw is within the profile too. The decoder itself refuses duplicates and invalid
// UTF-8, and json.Unmarshal trailing data; the rest is ours.
func check(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read JSON: %w", err)
		}
		if dec.StackDepth() > maxDepth {
			return fmt.Errorf("deeper than %d levels", maxDepth)
		}
		if token.Kind() == '0' && !wholeNumber(token.String()) {
			return fmt.Errorf("%.30s is not a whole number within 2^53-1", token.String())
		}
	}
}

func wholeNumber(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n <= maxInteger && n >= -maxInteger && text != "-0"
}

// Encode writes compact JSON, members in the order of the struct, map keys
// sorted, without HTML escapes. What it writes, Decode reads: a value outside the
// profile (a float, a number past 2^53-1) is a mistake of the program and an
// error without a code.
func Encode(v any) ([]byte, error) {
	out, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	if err := check(out); err != nil {
		return nil, fmt.Errorf("write JSON of %T: %w", v, err)
	}
	return out, nil
}
