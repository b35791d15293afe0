package heir

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/holder"
)

// Notes of the catalogue: the list of readers with the time it was made and the key that signs it,
// and which holders took the list of which time.
const (
	noteReaders     = "readers"
	noteReadersKey  = "readers_key"
	noteReadersMade = "readers_made_us"
	noteReadersTold = "readers_told"
)

// maxReaders is how many a list takes.
const maxReaders = 64

// lateAfter is how long a holder may take before doctor speaks of it.
const lateAfter = 24 * time.Hour

// Reading says who may fetch our ciphertext at our holders.
type Reading struct {
	Members []core.MemberID
	Made    core.Moment     // the list; zero = none was ever made
	Untold  []core.MemberID // holders that have not taken it yet
}

// Reading answers it.
func (h *Heirs) Reading(ctx context.Context) (r Reading, err error) {
	if r.Members, err = h.n.Store.Notes.Members(ctx, noteReaders); err != nil {
		return r, err
	}
	if r.Made, err = h.n.Store.Notes.Moment(ctx, noteReadersMade); err != nil || r.Made == 0 {
		return r, err
	}
	told, err := h.told(ctx)
	if err != nil {
		return r, err
	}
	holders, err := h.holders(ctx)
	for _, id := range holders {
		if told[id] != r.Made {
			r.Untold = append(r.Untold, id)
		}
	}
	return r, err
}

// holders are the members that have or may get something of ours.
func (h *Heirs) holders(ctx context.Context) ([]core.MemberID, error) {
	out, err := h.n.Store.Placements.PossibleHolders(ctx)
	if err != nil {
		return nil, err
	}
	lenders, err := h.n.Lenders(ctx)
	for _, l := range lenders {
		out = append(out, l.ID)
	}
	slices.Sort(out)
	return slices.Compact(out), err
}

// told reads which holder took the list of which time.
func (h *Heirs) told(ctx context.Context) (map[core.MemberID]core.Moment, error) {
	text, err := h.n.Store.Notes.Get(ctx, noteReadersTold)
	out := map[core.MemberID]core.Moment{}
	for word := range strings.FieldsSeq(text) {
		id, at, _ := strings.Cut(word, "=")
		if us, bad := strconv.ParseInt(at, 10, 64); bad == nil {
			out[core.MemberID(id)] = core.Moment(us)
		}
	}
	return out, err
}

func (h *Heirs) setTold(ctx context.Context, told map[core.MemberID]core.Moment) error {
	words := make([]string, 0, len(told))
	for _, id := range slices.Sorted(maps.Keys(told)) {
		words = append(words, fmt.Sprintf("%s=%d", id, told[id]))
	}
	return h.n.Store.Notes.Set(ctx, noteReadersTold, strings.Join(words, " "))
}

// TellReaders names the successors of our services as readers at every holder that does not have
// the list yet: when it changed, at new holders, and again until each took it.
func (h *Heirs) TellReaders(ctx context.Context) error {
	if h.n.Successors == nil {
		return nil
	}
	says, ok := h.n.Successors()
	if !ok {
		return nil
	}
	members, err := says.OurSuccessors(ctx)
	if err != nil {
		return err
	}
	made, err := h.renew(ctx, members)
	if err != nil {
		return err
	}
	r, err := h.Reading(ctx)
	if err != nil || len(r.Untold) == 0 {
		return err
	}
	list, err := holder.SignReaders(r.Members, made, h.n.Signer)
	if err != nil {
		return err
	}
	return h.send(ctx, list, r.Untold)
}

// renew writes the list anew where others are to be on it, or we have another key: who had the one
// before may have named somebody. It answers when the list was made.
func (h *Heirs) renew(ctx context.Context, members []core.MemberID) (core.Moment, error) {
	want := slices.DeleteFunc(slices.Clone(members), func(m core.MemberID) bool { return m == h.n.Signer.ID() || !m.Valid() })
	slices.Sort(want)
	if want = slices.Compact(want); len(want) > maxReaders {
		h.n.Log.Warn("more successors than a list of readers takes", "count", len(want))
		want = want[:maxReaders]
	}
	have, err := h.n.Store.Notes.Members(ctx, noteReaders)
	if err != nil {
		return 0, err
	}
	by, err := h.n.Store.Notes.Get(ctx, noteReadersKey)
	if err != nil {
		return 0, err
	}
	key := hex.EncodeToString(h.n.Signer.Public())
	made, err := h.n.Store.Notes.Moment(ctx, noteReadersMade)
	if err != nil || made != 0 && slices.Equal(have, want) && by == key {
		return made, err
	}
	// The time first: a list without holders that took it is sent again.
	made = max(core.At(h.n.Now()), made+1)
	if err := h.n.Store.Notes.SetMoment(ctx, noteReadersMade, made); err != nil {
		return 0, err
	}
	if err := h.n.Store.Notes.SetMembers(ctx, noteReaders, want); err != nil {
		return 0, err
	}
	return made, h.n.Store.Notes.Set(ctx, noteReadersKey, key)
}

// send gives the list to holders, all at once, and notes who took it.
func (h *Heirs) send(ctx context.Context, list holder.Readers, to []core.MemberID) error {
	told, err := h.told(ctx)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	newer := false
	for _, id := range to {
		all.Go(func() {
			err := h.n.Holder(id).NameReaders(ctx, list)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				told[id] = list.Made
			case core.CodeOf(err) == core.CodeConflict: // another disk of ours made a newer one
				newer = true
			default:
				h.n.Log.Debug("a holder was not told who may read", "member", id, "error", err)
			}
		})
	}
	all.Wait()
	if err := h.setTold(context.WithoutCancel(ctx), told); err != nil {
		return err
	}
	if now := core.At(h.n.Now()); newer && now > list.Made {
		return h.n.Store.Notes.SetMoment(ctx, noteReadersMade, now)
	}
	return nil
}

// CheckReaders says for doctor who may read, and that a holder was not told for long.
func (h *Heirs) CheckReaders(ctx context.Context) (fit.Finding, error) {
	r, err := h.Reading(ctx)
	if err != nil {
		return fit.Finding{}, err
	}
	places := map[string]any{"Members": catalogue.Joined(r.Members), "Holders": catalogue.Joined(r.Untold), "Count": len(r.Members)}
	switch {
	case len(r.Members) == 0:
		return fit.Finding{}, nil
	case len(r.Untold) > 0 && h.n.Now().Sub(r.Made.Time()) > lateAfter:
		return fit.Finding{}, &core.Error{Code: core.CodeUnsure, Key: "vault.readers_untold", Args: places, Err: fmt.Errorf("%d holders", len(r.Untold))}
	}
	return fit.Well("vault.readers_named", places), nil
}
