package pack

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/peer"
	"entrechat/internal/kit/seal"
)

const (
	// askAgain is how long a receipt counts: then the successor proves anew that it has the file.
	askAgain = 7 * day
	maxAhead = 5 * time.Minute
	first    = 10 * time.Second // from a try to the next, doubled each time: who was named just now may not have heard it
	longest  = 12 * time.Hour
)

func keysOf(id core.MemberID, keys []ed25519.PublicKey) map[core.MemberID][]ed25519.PublicKey {
	return map[core.MemberID][]ed25519.PublicKey{id: keys}
}

// sender brings packs to successors, and restores to owners.
type sender struct{ *Service }

// Deliver sends each successor what it does not have, and asks those that do whether they still
// have it. Trouble with one is noted, and no trouble of the others.
func (s *Service) Deliver(ctx context.Context) error {
	rows, err := newest(ctx, s.n.DB, s.self())
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := (sender{s}).deliver(ctx, r, false); err != nil {
			return err
		}
	}
	return sender{s}.tellRestores(ctx)
}

// DeliverNow is Deliver for one service, whenever it was tried last.
func (s *Service) DeliverNow(ctx context.Context, service string) error {
	all, err := packsOf(ctx, s.n.DB, s.self(), service)
	if err != nil || len(all) == 0 {
		return err
	}
	return sender{s}.deliver(ctx, all[0], true)
}

func (s sender) deliver(ctx context.Context, r row, now bool) error {
	named, err := s.n.Promises.Of(ctx, s.self())
	if err != nil {
		return err
	}
	for _, n := range named {
		if n.Service != r.Service {
			continue
		}
		to, err := sentTo(ctx, s.n.DB, r.Service, n.Member)
		if err != nil {
			return err
		}
		if to.Number >= r.Number && s.now().Sub(to.Receipt) < askAgain || !now && to.Next > s.now() {
			continue
		}
		if err := s.send(ctx, r, to); err != nil {
			return err
		}
	}
	return nil
}

// send makes one try, and notes how it went.
func (s sender) send(ctx context.Context, r row, to sent) error {
	err := s.handOver(ctx, r, to.Member)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil {
		return putSent(ctx, s.n.DB, sent{Service: to.Service, Member: to.Member, Number: r.Number, Receipt: s.now()})
	}
	to.Failed++
	to.Trouble = keyOf(err)
	to.Next = s.now().Add(min(longest, first<<min(to.Failed-1, 13)))
	s.n.Log.Warn("a pack did not reach a successor", "service", to.Service, "member", string(to.Member), "try", to.Failed, "error", err)
	return putSent(ctx, s.n.DB, to)
}

// keyOf is the words key of an error.
func keyOf(err error) string {
	if core.CodeOf(err) == core.CodeDenied {
		return "succession.pack.to_denied"
	}
	if e, ok := errors.AsType[*core.Error](err); ok && e.Key != "" && e.Key != "core.internal" {
		return e.Key
	}
	return "succession.pack.not_sent"
}

// handOver offers a pack, sends the file where it lacks, and takes the receipt.
func (s sender) handOver(ctx context.Context, r row, to core.MemberID) error {
	nonce := rand.Text()
	sum, proved, err := s.hashKept(r.Pack, nonce)
	if err != nil {
		return err
	}
	if sum != r.Sealed {
		return errors.Join(s.damaged(ctx, r.Pack), core.Unsure("succession.pack.own_damaged", errors.New("our own sealed file is damaged")))
	}
	var got answer
	if err := s.n.Peer.JSON(ctx, to, http.MethodPost, pathPack, offer{r.Document, nonce}, &got); err != nil {
		return err
	}
	if got.Receipt == nil {
		if got, err = s.upload(ctx, r.Pack, to, nonce); err != nil {
			return err
		}
	}
	if got.Receipt == nil {
		return core.Unsure("succession.pack.no_receipt", errors.New("no receipt"))
	}
	return s.checkReceipt(ctx, r.Pack, to, *got.Receipt, receipt{Nonce: nonce, Proof: proved})
}

// upload sends the sealed file.
func (s sender) upload(ctx context.Context, p Pack, to core.MemberID, nonce string) (got answer, err error) {
	f, err := s.disk.Open(blobName(p))
	if err != nil {
		return got, err
	}
	defer f.Close() //nolint:errcheck // only read
	r, err := s.n.Peer.Do(ctx, to, peer.Request{
		Method: http.MethodPut, Path: pathSealed(p.Service), Query: url.Values{"nonce": {nonce}, "pack": {p.ID}}, Body: f, Length: p.SealedBytes,
	})
	if err != nil {
		return got, err
	}
	defer r.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(r.Body, MaxDocument))
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return got, core.Unsure("succession.pack.no_receipt", err)
	}
	return got, nil
}

// checkReceipt refuses a receipt of another pack, by another, or by who does not have the file.
func (s sender) checkReceipt(ctx context.Context, p Pack, from core.MemberID, env seal.Envelope, want receipt) error {
	lies := func(err error) error { return core.Unsure("succession.pack.no_receipt", err) }
	r, err := readReceipt(env)
	if err != nil {
		return lies(err)
	}
	if err := s.signedBy(ctx, env, typeReceipt, from); err != nil {
		return lies(err)
	}
	if r.By != from || r.Owner != p.Owner || r.Service != p.Service || r.Pack != p.ID || r.Nonce != want.Nonce || r.Proof != want.Proof {
		return lies(errors.New("a receipt of something else"))
	}
	return nil
}

// tellRestores tells owners of what we restored.
func (s sender) tellRestores(ctx context.Context) error {
	all, err := unsaid(ctx, s.n.DB, s.self(), s.now())
	if err != nil {
		return err
	}
	for _, r := range all {
		err := s.n.Peer.JSON(ctx, r.Owner, http.MethodPost, pathRestored, saidRestored{r.Document}, nil)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.n.Log.Warn("an owner does not hear of a restore", "owner", string(r.Owner), "service", r.Service, "error", err)
			r.next = s.now().Add(longest / 12)
		} else {
			r.said = s.now()
		}
		if err := setSaid(ctx, s.n.DB, r); err != nil {
			return err
		}
	}
	return nil
}

// Late is how long a pack may be on its way before somebody is told.
const Late = day

// Undelivered are our services whose newest pack some successor does not have for a day.
func (s *Service) Undelivered(ctx context.Context) (names []string, err error) {
	rows, err := newest(ctx, s.n.DB, s.self())
	if err != nil {
		return nil, err
	}
	named, err := s.n.Promises.Of(ctx, s.self())
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		for _, n := range named {
			if n.Service != r.Service || s.now().Sub(max(r.Made, n.Since)) < Late {
				continue
			}
			to, err := sentTo(ctx, s.n.DB, r.Service, n.Member)
			if err != nil {
				return nil, err
			}
			// A pack that follows one which is there may take its time; so may the next receipt.
			if s.now().Sub(to.Receipt) > askAgain+Late && !slices.Contains(names, r.Service) {
				names = append(names, r.Service)
			}
		}
	}
	return names, nil
}
