package tally

import (
	"errors"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// Stance is what a member says to a proposal for consent. The zero value is none.
type Stance string

// The stances.
const (
	Agree   Stance = "agree"
	Concern Stance = "concern" // agrees all the same
	Aside   Stance = "aside"
	Object  Stance = "object"
)

// MaxGrade is the best grade an option can get; 0 is the worst.
const MaxGrade = 5

// Choice is what a ballot says: a stance, with the objection where it is Object, or grades.
type Choice struct {
	Stance    Stance `json:"stance,omitzero"`
	Objection string `json:"objection,omitzero"` // the id of an own objection in the chain
	Grades    []int  `json:"grades,omitempty"`   // one for each option, in their order
}

// ParseChoice reads the JSON of a choice. Whether it fits the question is for Fits to say.
// Returns CodeInvalid.
func ParseChoice(text []byte) (Choice, error) {
	var read struct {
		Stance    *Stance `json:"stance"`
		Objection *string `json:"objection"`
		Grades    []*int  `json:"grades"`
	}
	if err := wire.Decode(text, &read); err != nil {
		return Choice{}, err
	}
	var c Choice
	bad := core.Invalid("wire.bad_json", errors.New("an empty part, or none at all, in a choice"))
	if read.Stance == nil && read.Grades == nil || read.Stance != nil && *read.Stance == "" || read.Objection != nil && *read.Objection == "" {
		return Choice{}, bad
	}
	if read.Stance != nil {
		c.Stance = *read.Stance
	}
	if read.Objection != nil {
		c.Objection = *read.Objection
	}
	for _, g := range read.Grades {
		if g == nil {
			return Choice{}, bad
		}
		c.Grades = append(c.Grades, *g)
	}
	if read.Grades != nil && c.Grades == nil {
		return Choice{}, bad
	}
	return c, nil
}

// Fits says whether the choice is one that the question asks for. That an objection is one of
// the member's is for the count to say.
func (c Choice) Fits(q *Question) bool {
	switch q.Kind {
	case KindConsent:
		known := c.Stance == Agree || c.Stance == Concern || c.Stance == Aside || c.Stance == Object
		return known && len(c.Grades) == 0 && (c.Stance == Object) == (c.Objection != "")
	case KindChoice, KindPoll:
		if c.Stance != "" || c.Objection != "" || len(c.Grades) != q.Options {
			return false
		}
		for _, g := range c.Grades {
			if g < 0 || g > MaxGrade {
				return false
			}
		}
		return q.Options > 0
	case KindLazy:
	}
	return false
}

// String is the choice as it stands in the text of a tally.
func (c Choice) String() string {
	if len(c.Grades) == 0 {
		return string(c.Stance)
	}
	var all []string
	for _, g := range c.Grades {
		all = append(all, strconv.Itoa(g))
	}
	return strings.Join(all, ",")
}
