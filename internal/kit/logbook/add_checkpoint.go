package logbook

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// addCheckpoint is a request of c2sp.org/tlog-witness.
type addCheckpoint struct {
	old   int64
	proof tlog.TreeProof
	note  []byte
	claim struct {
		Origin string
		N      int64
	}
}

// leads says whether the request's proof leads from one tree to the other.
func (r addCheckpoint) leads(from, to tlog.Tree) bool {
	if from.N == 0 {
		return len(r.proof) == 0
	}
	return tlog.CheckTree(r.proof, to.N, to.Hash, from.N, from.Hash) == nil
}

// parseAddCheckpoint reads "old N", proof lines, an empty line, the checkpoint.
func parseAddCheckpoint(body string) (addCheckpoint, error) {
	var req addCheckpoint
	top, rest, ok := strings.Cut(body, "\n\n")
	lines := strings.Split(top, "\n")
	number, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld || len(lines) > 1+maxProofLines {
		return req, errors.New("not an add-checkpoint request")
	}
	var err error
	if req.old, err = strconv.ParseInt(number, 10, 64); err != nil || strconv.FormatInt(req.old, 10) != number || req.old < 0 {
		return req, fmt.Errorf("old size %.20q", number)
	}
	if req.proof, err = parseProof(lines[1:]); err != nil {
		return req, err
	}
	req.note = []byte(rest)
	c, err := claim(req.note)
	if err != nil {
		return req, err
	}
	if req.old > c.N {
		return req, fmt.Errorf("old size %d is above the head's %d", req.old, c.N)
	}
	req.claim.Origin, req.claim.N = c.Origin, c.N
	return req, nil
}

// maxProofLines bounds a proof as c2sp.org/tlog-witness does.
const maxProofLines = 63
