package format

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// AddCheckpoint is a request of c2sp.org/tlog-witness.
type AddCheckpoint struct {
	Old   int64
	proof tlog.TreeProof
	Note  []byte
	Claim struct {
		Origin string
		N      int64
	}
}

// Leads says whether the request's proof leads from one tree to the other.
func (r AddCheckpoint) Leads(from, to tlog.Tree) bool {
	if from.N == 0 {
		return len(r.proof) == 0
	}
	return tlog.CheckTree(r.proof, to.N, to.Hash, from.N, from.Hash) == nil
}

// ParseAddCheckpoint reads "old N", proof lines, an empty line, the checkpoint.
func ParseAddCheckpoint(body string) (AddCheckpoint, error) {
	var req AddCheckpoint
	top, rest, ok := strings.Cut(body, "\n\n")
	lines := strings.Split(top, "\n")
	number, isOld := strings.CutPrefix(lines[0], "old ")
	if !ok || !isOld || len(lines) > 1+maxProofLines {
		return req, errors.New("not an add-checkpoint request")
	}
	var err error
	if req.Old, err = strconv.ParseInt(number, 10, 64); err != nil || strconv.FormatInt(req.Old, 10) != number || req.Old < 0 {
		return req, fmt.Errorf("old size %.20q", number)
	}
	if req.proof, err = parseProof(lines[1:]); err != nil {
		return req, err
	}
	req.Note = []byte(rest)
	c, err := Claim(req.Note)
	if err != nil {
		return req, err
	}
	if req.Old > c.N {
		return req, fmt.Errorf("old size %d is above the head's %d", req.Old, c.N)
	}
	req.Claim.Origin, req.Claim.N = c.Origin, c.N
	return req, nil
}

// maxProofLines bounds a proof as c2sp.org/tlog-witness does.
const maxProofLines = 63
