package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/tally"
)

// exported is an entry of a logbook: the JSON of its leaf, and its index.
type exported struct {
	Index int64  `json:"index"`
	Leaf  string `json:"leaf"`
}

// leaf is what of a leaf a count reads.
type leaf struct {
	Typ  string         `json:"typ"`
	Iss  core.MemberID  `json:"iss"`
	Iat  core.Moment    `json:"iat"`
	Body jsontext.Value `json:"body"`
}

// Export writes what a recount by docs/spec/tally.py needs into a folder that is made: the bytes
// that were signed of each version up to this one (proposal-1.json...), and what each member of an electorate logged about them (MEMBER.jsonl). It answers
// how many members. Returns CodeConflict for a folder that is there.
func (a *Archive) Export(ctx context.Context, id, dir string) (members int, err error) {
	if id, err = Find(ctx, a.DB, id); err != nil {
		return 0, err
	}
	r, err := Proposal(ctx, a.DB, id)
	if err != nil {
		return 0, err
	}
	chain, err := Lineage(ctx, a.DB, r)
	if err != nil {
		return 0, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // all of it is public
		return 0, core.Conflict("assembly.decision.no_folder", err).With("Dir", dir)
	}
	deciding := map[core.MemberID]bool{}
	for _, one := range chain {
		p, err := GetPaper(ctx, a.DB, one.ID)
		if err != nil {
			return 0, err
		}
		if p.Gone {
			return 0, core.NotFound("assembly.decision.text_gone", errors.New("the text was taken back"))
		}
		payload, err := p.Envelope.Unverified()
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(filepath.Join(dir, "proposal-"+strconv.FormatInt(one.P.Version, 10)+".json"), payload, 0o644); err != nil { //nolint:gosec // the same
			return 0, fmt.Errorf("write %s: %w", dir, err)
		}
		for _, e := range one.P.Electorate {
			deciding[e.Member] = true
		}
	}
	for m := range deciding {
		if err := a.exportLog(ctx, m, chain, filepath.Join(dir, string(m)+".jsonl")); err != nil {
			return 0, err
		}
	}
	return len(deciding), nil
}

// exportLog writes what one member logged about a chain, and of forks.
func (a *Archive) exportLog(ctx context.Context, m core.MemberID, chain []Row, file string) error {
	var out []byte
	written := map[int64]bool{}
	add := func(list []Entry, err error) error {
		for _, e := range list {
			if e.Member != m || written[e.Index] {
				continue
			}
			written[e.Index] = true
			text, err := wire.Encode(leaf{e.Typ, e.Member, e.Iat, e.Body})
			if err != nil {
				return err
			}
			line, err := wire.Encode(exported{e.Index, string(text)})
			if err != nil {
				return err
			}
			out = append(append(out, line...), '\n')
		}
		return err
	}
	for _, one := range chain {
		if err := add(EntriesOf(ctx, a.DB, one.ID)); err != nil {
			return err
		}
		// The version after may not be here; its entry is counted all the same.
		if err := add(EntriesNaming(ctx, a.DB, tally.TypeProposal, one.ID)); err != nil {
			return err
		}
	}
	if err := add(Forks(ctx, a.DB)); err != nil {
		return err
	}
	if err := os.WriteFile(file, out, 0o644); err != nil { //nolint:gosec // all of it is public
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
