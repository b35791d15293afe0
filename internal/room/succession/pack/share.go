package pack

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"entrechat/internal/kit/wire"
)

// Share says what in a snapshot is whose: a rescue shows it to them.
type Share struct {
	Kind string `json:"kind" toml:"kind"` // one of the kinds
	// Path is relative to the snapshot's root, with {user}, {mail}, {local} and {domain} of the
	// person.
	Path   string `json:"path" toml:"path"`
	Public bool   `json:"public" toml:"public"` // everybody may read it
}

// The kinds of shares.
const (
	KindFiles    = "files"
	KindMaildir  = "maildir"
	KindCalendar = "calendar"
	KindContacts = "contacts"
	KindWiki     = "wiki"
	KindGit      = "git"
)

// Kinds are all kinds of shares.
func Kinds() []string {
	return []string{KindFiles, KindMaildir, KindCalendar, KindContacts, KindWiki, KindGit}
}

const maxShares = 64

// LayoutName is where the shares stand in the sealed file.
const LayoutName = "data/layout.json"

type layoutFile struct {
	Shares []Share `json:"shares"`
}

func (s Share) check() error {
	known := false
	for _, k := range Kinds() {
		known = known || s.Kind == k
	}
	switch {
	case !known:
		return bad(fmt.Errorf("kind %.20q", s.Kind))
	case len(s.Path) > 500 || !fs.ValidPath(s.Path) || !plain(s.Path, 500) || strings.Contains(s.Path, `\`):
		return bad(errors.New("a path that is none"))
	}
	return nil
}

// CheckShares returns CodeInvalid for what no rescue could show.
func CheckShares(all []Share) error {
	if len(all) > maxShares {
		return bad(fmt.Errorf("%d shares", len(all)))
	}
	for _, s := range all {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

// EncodeLayout writes the file LayoutName.
func EncodeLayout(all []Share) ([]byte, error) {
	if all == nil {
		all = []Share{}
	}
	return wire.Encode(layoutFile{all})
}

func readLayout(text []byte) ([]Share, error) {
	var f layoutFile
	if err := wire.Peek(text, &f); err != nil {
		return nil, err
	}
	return f.Shares, CheckShares(f.Shares)
}
