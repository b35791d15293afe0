package need

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// TypeNeeds is the entry by which a hoster says once a month how it hears its users: counts,
// and the digest of what it exports. Nothing that anybody wrote is in it.
// spec: docs/spec/assembly.md#entry
const TypeNeeds = "entrechat/needs/1"

// ExportPath is where anybody reads the published needs.
const ExportPath = "/ec/v1/needs"

const (
	maxExport = 500       // needs, the newest first
	maxBytes  = 400 << 10 // of their texts: what escapes add stays below the mebibyte that members read
)

// Export is what anybody may read: never an author, an address, an exact time.
// spec: docs/spec/assembly.md#export
type Export struct {
	// Salt is drawn anew each month, so that the digest tells nothing of a text that is gone.
	Salt  string     `json:"salt"`
	Needs []Exported `json:"needs"`
}

// Exported is one published need.
type Exported struct {
	ID       string        `json:"id"`
	Lang     string        `json:"lang"`
	Service  string        `json:"service,omitempty"`
	Goal     string        `json:"goal"`
	Obstacle string        `json:"obstacle,omitempty"`
	State    State         `json:"state,omitempty"` // empty = no answer yet
	Member   core.MemberID `json:"member,omitempty"`
	Voices   int64         `json:"voices,omitempty"`
	Month    string        `json:"month"` // in which it was told, 2026-11
}

// entry is the body of TypeNeeds.
type entry struct {
	Digest     string `json:"digest"` // hex SHA-256 of the export's bytes at that moment
	Published  int64  `json:"published"`
	Answered   int64  `json:"answered"`
	Refused    int64  `json:"refused"`
	MedianDays int64  `json:"median_days"` // 0 where none was answered
}

// Export writes what anybody may read now, as JSON.
func (s *Service) Export(ctx context.Context) ([]byte, error) {
	e := Export{Needs: []Exported{}}
	said, err := lastSaid(ctx, s.n.DB)
	if err != nil {
		return nil, err
	}
	e.Salt = said.salt
	list, err := s.List(ctx, Published, maxExport, 0)
	if err != nil {
		return nil, err
	}
	size := 0
	for _, n := range list {
		if size += len(n.ShownGoal) + len(n.ShownObstacle); size > maxBytes {
			break
		}
		one := Exported{
			ID: n.ID, Lang: n.Lang, Service: n.Service, Goal: n.ShownGoal, Obstacle: n.ShownObstacle, State: n.State, Voices: n.Voices, Month: n.Made.Time().UTC().Format("2006-01"),
		}
		if i := len(n.Answers); i > 0 && n.Answers[i-1].State == Elsewhere {
			one.Member = n.Answers[i-1].Member
		}
		e.Needs = append(e.Needs, one)
	}
	return wire.Encode(e)
}

// Append writes an entry of ours.
type Append func(ctx context.Context, typ string, body any) error

// Say tells the other members once a month how we hear our users. Where nobody ever told us
// anything, nothing is said.
func (s *Service) Say(ctx context.Context, write Append) error {
	month := s.n.Now().UTC().Format("2006-01")
	said, err := lastSaid(ctx, s.n.DB)
	if err != nil || said.month == month {
		return err
	}
	stats, err := s.Stats(ctx)
	if err != nil || stats.Published+stats.Refused == 0 {
		return err
	}
	if said.drawn != month {
		if err := drawSalt(ctx, s.n.DB, month, rand.Text()); err != nil {
			return err
		}
	}
	text, err := s.Export(ctx)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	if err := write(ctx, TypeNeeds, entry{hex.EncodeToString(sum[:]), stats.Published, stats.Answered, stats.Refused, stats.MedianDays}); err != nil {
		return err
	}
	return noteSaid(ctx, s.n.DB, month)
}
