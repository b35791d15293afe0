package mandate

import (
	"cmp"
	"context"
	"regexp"

	"entrechat/internal/core"
)

// Standing is how a decision stands for the owner of a box.
type Standing string

// The standings.
const (
	Passed     Standing = "passed"
	Open       Standing = "open"         // not counted yet
	NotPassed  Standing = "not_passed"   // counted, or replaced: it asks for nothing
	Unreviewed Standing = "not_reviewed" // it passed; 60 days after its review day nobody said a word
	Elsewhere  Standing = "elsewhere"    // of hosters among whom the owner is not
	Unbound    Standing = "unbound"      // it passed, and does not bind the owner
	Unknown    Standing = "unknown"      // nothing is known of it here
)

// Decisions knows what collectives decided.
type Decisions interface {
	// Mandate says how a decision stands for a hoster, and its title, empty where that was taken
	// back. Returns CodeNotFound.
	Mandate(ctx context.Context, decision string, owner core.MemberID) (title, standing string, err error)
}

var idForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// ValidID says whether a text is the id of a decision.
func ValidID(id string) bool { return idForm.MatchString(id) }

// Mandate is a decision that an ask names.
type Mandate struct {
	ID       string        `json:"id"`
	Title    string        `json:"title"` // empty where it is not known
	Owner    core.MemberID `json:"owner"` // of the box
	Standing Standing      `json:"standing"`
}

// Of says how a decision stands for the owner of a box; nil where id is empty. What cannot be
// found out is Unknown: nobody waits for it who opens a box in the night.
func Of(ctx context.Context, find func() (Decisions, bool), id string, owner core.MemberID) *Mandate {
	if id == "" {
		return nil
	}
	m := &Mandate{ID: id, Owner: owner, Standing: Unknown}
	decisions, ok := find()
	if !ok {
		return m
	}
	title, standing, err := decisions.Mandate(ctx, id, owner)
	if err != nil {
		return m
	}
	m.Title = title
	switch s := Standing(standing); s {
	case Passed, Open, NotPassed, Unreviewed, Elsewhere, Unbound:
		m.Standing = s
	case Unknown:
	}
	return m
}

// Printer says sentences; words.Printer is one.
type Printer interface {
	T(key string, args map[string]any) string
}

// Say is what people read of it.
func (m Mandate) Say(p Printer) string {
	return p.T(m.Key(), map[string]any{"Title": m.Name(), "Owner": string(m.Owner)})
}

// Key is that of the sentence.
func (m Mandate) Key() string { return "custody.mandate." + string(m.Standing) }

// Name is the title, or the beginning of the id.
func (m Mandate) Name() string { return cmp.Or(m.Title, m.ID[:12]) }

// Holds says whether nothing is to be warned of.
func (m Mandate) Holds() bool { return m.Standing == Passed }
