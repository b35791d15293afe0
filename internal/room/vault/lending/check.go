package lending

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
)

// checkSample is how many shards `doctor` looks for on the disk.
const checkSample = 200

// CheckStore says whether what is stored for others is there: the right disk, and on it a
// random sample of the shards that the tables tell of.
func (s *Store) CheckStore(ctx context.Context) (fit.Finding, error) {
	if err := s.disk.dir.Check(); err != nil {
		return fit.Finding{}, err
	}
	stored, broken, err := s.records.count(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if broken > 0 {
		return fit.Finding{}, core.Internal("vault.store_broken", fmt.Errorf("%d shards are damaged", broken)).With("Count", broken)
	}
	if stored == 0 {
		return fit.Unknown("vault.store_empty", nil), nil
	}
	var from [4]byte
	_, _ = rand.Read(from[:]) // never fails, says crypto/rand
	rows, err := s.records.sample(ctx, hex.EncodeToString(from[:]), checkSample)
	if err != nil {
		return fit.Finding{}, err
	}
	missing := 0
	for _, r := range rows {
		there, err := s.disk.has(r)
		if err != nil {
			return fit.Finding{}, err
		}
		if !there {
			missing++
		}
	}
	if missing > 0 {
		return fit.Finding{}, core.Internal("vault.store_gaps", fmt.Errorf("%d of %d shards are missing", missing, len(rows))).
			With("Missing", missing).With("Looked", len(rows)).With("Count", stored)
	}
	return fit.Well("vault.store_sampled", map[string]any{"Count": stored, "Looked": len(rows)}), nil
}

// Away says why the store is not the disk that was there before; nil when it is.
func (s *Store) Away() error { return s.disk.dir.Check() }

// Accept takes what lies at the store's path for it, and looks at once what is missing
// there: its owners are told, and send it again.
func (s *Store) Accept(ctx context.Context) error {
	if err := s.disk.dir.Accept(); err != nil {
		return err
	}
	return s.Rescan(ctx)
}
