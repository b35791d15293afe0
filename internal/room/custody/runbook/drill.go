package runbook

import (
	"errors"
	"time"

	"entrechat/internal/core"
)

// Card is something that really happened at a hoster and that it told: what a role play
// begins with.
type Card struct {
	Member core.MemberID `json:"member"`
	At     core.Moment   `json:"at_us"` // when it happened
	// What happened, and what was known too late: texts of the postmortem, may be empty.
	What    string `json:"what"`
	Whom    string `json:"whom,omitempty"`
	Depends string `json:"depends,omitempty"`
	Without string `json:"without,omitempty"`
	Change  string `json:"change,omitempty"`
}

// Drill is a role play that was played. Nothing of who played, and nothing of the card.
type Drill struct {
	At      core.Moment   `json:"at_us"`
	Took    time.Duration `json:"-"`
	Minutes int64         `json:"minutes"`
	Defects []string      `json:"defects"`
}

const (
	maxMinutes = 24 * 60
	maxDefects = 20
)

// NewDrill holds what was typed against the rules. Returns CodeInvalid
// "custody.runbook.bad_drill".
func NewDrill(minutes int64, defects []string, now core.Moment) (Drill, error) {
	d := Drill{At: now, Minutes: minutes, Took: time.Duration(minutes) * time.Minute, Defects: []string{}}
	for _, text := range defects {
		if text = line(text, maxDefect); text != "" {
			d.Defects = append(d.Defects, text)
		}
	}
	if minutes < 1 || minutes > maxMinutes || len(d.Defects) > maxDefects {
		return Drill{}, core.Invalid("custody.runbook.bad_drill", errors.New("minutes or defects out of bounds")).With("Limit", maxDefects)
	}
	return d, nil
}

// draw picks a card by a number that is drawn at random; ok is false when there is none.
func draw(cards []Card, pick func(n int) int) (Card, bool) {
	if len(cards) == 0 {
		return Card{}, false
	}
	return cards[pick(len(cards))], true
}

// cardPart is one text of a card under the words key of its name.
type cardPart struct{ Key, Text string }

// parts are what a card tells: what happened and for whom it hurt. What they depended on
// and what they changed are for after the play.
func (c Card) parts() (out []cardPart) {
	for _, p := range []cardPart{{"custody.runbook.card_what", c.What}, {"custody.runbook.card_whom", c.Whom}} {
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}

// after are what the players read once they are done.
func (c Card) after() (out []cardPart) {
	for _, p := range []cardPart{{"custody.runbook.card_depends", c.Depends}, {"custody.runbook.card_without", c.Without}, {"custody.runbook.card_change", c.Change}} {
		if p.Text != "" {
			out = append(out, p)
		}
	}
	return out
}
