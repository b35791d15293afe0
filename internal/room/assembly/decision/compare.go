package decision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/assembly/archive"
	"entrechat/internal/room/assembly/motion"
)

// pathTally is where the text of a node's count is asked for.
const pathTally = "/ec/v1/decisions/tallies/"

const (
	compared = 10 // members that are asked for their text
	patience = 10 * time.Second
)

// tallyMessage is the text of a count.
type tallyMessage struct {
	Text string `json:"text"`
}

// Difference is a member that counted otherwise, and the first line that differs.
type Difference struct {
	Member core.MemberID `json:"member"`
	// Ours and Theirs are the lines; both empty where it does not show its text.
	Ours   string `json:"ours"`
	Theirs string `json:"theirs"`
}

// Compare asks whoever logged another count than ours for its text. id is the whole id. Returns
// CodeNotFound.
func (s *Service) Compare(ctx context.Context, id string) ([]Difference, error) {
	r, err := archive.Proposal(ctx, s.n.DB, id)
	if err != nil {
		return nil, err
	}
	c, err := s.a.Count(ctx, s.n.DB, r)
	if err != nil {
		return nil, err
	}
	entries, err := archive.EntriesOf(ctx, s.n.DB, id)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, o := range outcomes(r, entries, c.T.Hash) {
		if o.Alike || len(out) >= compared {
			continue
		}
		d := Difference{Member: o.Member}
		if text, err := s.theirs(ctx, o, id); err == nil {
			d.Ours, d.Theirs = firstDifference(c.T.Text, text)
		}
		out = append(out, d)
	}
	return out, nil
}

// theirs is the text whose hash a member logged.
func (s *Service) theirs(ctx context.Context, o OutcomeView, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var m tallyMessage
	if err := s.n.Peer.JSON(ctx, o.Member, http.MethodGet, pathTally+id, nil, &m); err != nil {
		return "", err
	}
	if sum := sha256.Sum256([]byte(m.Text)); hex.EncodeToString(sum[:]) != o.Tally {
		return "", errors.New("not what it logged")
	}
	return m.Text, nil
}

// firstDifference are the first lines of two texts that differ.
func firstDifference(ours, theirs string) (string, string) {
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "", ""
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return x, y
		}
	}
	return "", ""
}

// serveTally answers the text of our count to anybody, once it is due.
func (s *Service) serveTally(w http.ResponseWriter, r *http.Request, _ core.MemberID) error {
	id := r.PathValue("id")
	if !motion.ValidID(id) {
		return core.NotFound("assembly.decision.unknown", errors.New("no id"))
	}
	row, err := archive.Proposal(r.Context(), s.n.DB, id)
	if err != nil {
		return err
	}
	if s.now() <= row.P.CountedAt() {
		return core.NotFound("assembly.decision.unknown", errors.New("not counted"))
	}
	c, err := s.a.Count(r.Context(), s.n.DB, row)
	if err != nil {
		return err
	}
	return peer.WriteJSON(w, tallyMessage{c.T.Text})
}

// Routes are the endpoints for members.
// spec: docs/spec/decision.md#words
func (s *Service) Routes() []peer.Route {
	return append(s.a.Routes(), peer.Route{Pattern: "GET " + pathTally + "{id}", Public: true, Handle: s.serveTally})
}
