package imports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/directory/statool"
)

// When an address is asked again.
const (
	daily  = 24 * time.Hour
	spread = 2 * time.Hour // added at random, so that a day's files are not all due at once
	soon   = time.Hour     // after a strike
	tired  = 3             // strikes after which once a day is often enough
)

// dueAt is when to ask again.
func dueAt(now time.Time, strikes int) core.Moment {
	if strikes > 0 && strikes < tired {
		return core.At(now.Add(soon))
	}
	return core.At(now.Add(daily + rand.N(spread))) //nolint:gosec // spreading load wants no secrecy
}

// visit asks for one file, if it is due, and keeps what came of it.
func (w *walk) visit(ctx context.Context, address string, class statool.Class) (File, outcome, error) {
	now := w.m.n.Now()
	f, known, err := fileAt(context.WithoutCancel(ctx), w.m.n.DB, address)
	if err != nil {
		return f, isBroken, err
	}
	// Who typed this very address wants it asked; below it, what struck out rests.
	wanted := w.asked && (address == w.root || f.Strikes < tired)
	if known && f.Due > core.At(now) && !wanted {
		return f, notAsked, nil
	}
	if f.Class != statool.ClassNone {
		class = f.Class
	}
	a := w.get(ctx, f, class)
	if ctx.Err() != nil && !a.trouble.none() {
		return f, notReached, nil // we stopped; nobody failed
	}
	// What came is kept even if the walk is just being told to end.
	return w.record(context.WithoutCancel(ctx), f, a)
}

// answer is what an address gave.
type answer struct {
	body    []byte
	hash    string
	seen    peer.Seen
	good    good
	same    bool // as the good version from before
	trouble Trouble
}

// get asks and judges.
func (w *walk) get(ctx context.Context, f File, class statool.Class) answer {
	ctx, cancel := context.WithTimeout(ctx, w.m.n.Limits.Patience)
	defer cancel()
	res, err := w.m.n.Fetch.Revisit(ctx, f.URL, f.Seen, statool.MaxBytes)
	if err != nil {
		return answer{trouble: why(err)}
	}
	defer res.Body.Close() //nolint:errcheck // read to its end below
	if res.StatusCode == http.StatusNotModified {
		if f.Seen == (peer.Seen{}) {
			return answer{trouble: answered(res.StatusCode)}
		}
		return answer{same: true}
	}
	body, err := io.ReadAll(res.Body)
	w.mu.Lock()
	w.bytes += int64(len(body))
	w.mu.Unlock()
	if err != nil {
		return answer{trouble: why(err)}
	}
	sum := sha256.Sum256(body)
	a := answer{body: body, hash: hex.EncodeToString(sum[:]), seen: marks(res.Header)}
	if a.hash == f.Hash {
		a.same = true
		return a
	}
	a.good, a.trouble = judge(body, class)
	return a
}

// marks are the headers to show next time; what is long or odd is not kept.
func marks(h http.Header) peer.Seen {
	short := func(text string) string {
		if len(text) > 200 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return ""
		}
		return text
	}
	return peer.Seen{ETag: short(h.Get("ETag")), Modified: short(h.Get("Last-Modified"))}
}

// record keeps an answer: a good version replaces the one before, trouble is a
// strike and replaces nothing.
func (w *walk) record(ctx context.Context, f File, a answer) (File, outcome, error) {
	now := w.m.n.Now()
	f.Asked, f.Trouble = core.At(now), a.trouble
	fresh := f.URL == w.root && w.asked
	if !a.trouble.none() {
		f.Strikes++
		f.Due = dueAt(now, f.Strikes)
		if fresh && f.Class == statool.ClassNone {
			return f, isBroken, nil // what somebody mistyped is not kept
		}
		return f, isBroken, note(ctx, w.m.n.DB, f)
	}
	f.Strikes, f.Heard, f.Due = 0, core.At(now), dueAt(now, 0)
	if a.same {
		if a.body != nil {
			f.Seen = a.seen
		}
		if err := note(ctx, w.m.n.DB, f); err != nil {
			return f, isUnchanged, err
		}
		return f, isUnchanged, w.typed(ctx, &f, fresh)
	}
	f.Class, f.Size, f.Hash, f.Seen, f.Got = a.good.class, int64(len(a.body)), a.hash, a.seen, core.At(now)
	if err := storeGood(ctx, w.m.n.DB, f, a.body, a.good.links); err != nil {
		return f, isGood, err
	}
	return f, isGood, w.typed(ctx, &f, fresh)
}

// typed makes a file a root.
func (w *walk) typed(ctx context.Context, f *File, fresh bool) error {
	if !fresh || f.Typed {
		return nil
	}
	f.Typed = true
	return setTyped(ctx, w.m.n.DB, f.URL, true)
}
