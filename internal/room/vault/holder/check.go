package holder

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

// CheckStore says whether what is kept for others is there: the right disk, and on it a
// random sample of the shards that the tables tell of.
func (l *Local) CheckStore(ctx context.Context) (fit.Finding, error) {
	if err := l.n.Dir.Check(); err != nil {
		return fit.Finding{}, err
	}
	held, broken, err := l.store.count(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	if broken > 0 {
		return fit.Finding{}, core.Internal("vault.store_broken", fmt.Errorf("%d shards are damaged", broken)).With("Count", broken)
	}
	if held == 0 {
		return fit.Unknown("vault.store_empty", nil), nil
	}
	var from [4]byte
	_, _ = rand.Read(from[:]) // never fails, says crypto/rand
	rows, err := l.store.sample(ctx, hex.EncodeToString(from[:]), checkSample)
	if err != nil {
		return fit.Finding{}, err
	}
	missing := 0
	for _, r := range rows {
		there, err := l.there(r)
		if err != nil {
			return fit.Finding{}, err
		}
		if !there {
			missing++
		}
	}
	if missing > 0 {
		return fit.Finding{}, core.Internal("vault.store_gaps", fmt.Errorf("%d of %d shards are missing", missing, len(rows))).
			With("Missing", missing).With("Looked", len(rows)).With("Count", held)
	}
	return fit.Well("vault.store_sampled", map[string]any{"Count": held, "Looked": len(rows)}), nil
}

// there says whether a shard's file is on the disk in its whole length, and may be read.
func (l *Local) there(r row) (bool, error) {
	f, err := l.n.Dir.Open(r.ref().file())
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	info, err := f.Stat()
	return err == nil && info.Size() == int64(len(r.head))+r.length, err
}

// Away says why the store is not the disk that was there before; nil when it is.
func (l *Local) Away() error { return l.n.Dir.Check() }

// Accept takes what lies at the store's path for it, and looks at once what is missing
// there: its owners are told, and send it again.
func (l *Local) Accept(ctx context.Context) error {
	if err := l.n.Dir.Accept(); err != nil {
		return err
	}
	return l.Rescan(ctx)
}
