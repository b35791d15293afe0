package deal

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/custody/box"
	"entrechat/internal/room/custody/share"
)

// Wish is a deal that somebody of ours wants.
type Wish struct {
	Scope box.Scope
	K     int      // how many shares open the box
	To    []string // members that promised custody, and persons of ours
	Paper []string // names for shares that are printed
	// Content is what the box holds: for root the 24 words.
	Content []byte
	Holds   []string       // what that is, one line each, without the secrets
	Wait    *time.Duration // nil = the usual one of the scope
	Alone   bool           // the hoster has no partner yet, and says that it knows
}

// labels of what is sealed with the room's key.
const (
	sealLabel = "custody share to print "
	macLabel  = "custody last six signs"
)

// Make splits a new secret among the holders, seals the box, and begins to bring them their
// shares. Until the deal stands, the one before it does. Returns CodeInvalid with the rule that
// a wish breaks, CodeNotFound for a holder that nobody knows, CodeConflict while another deal
// of the scope is pending.
func (d *Deals) Make(ctx context.Context, w Wish) (share.ID, error) {
	by := dealer{d}
	p, err := by.plan(ctx, w)
	if err != nil {
		return "", err
	}
	made, err := by.split(ctx, w, p)
	if err != nil {
		return "", err
	}
	err = d.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := insert(ctx, q, made.row); err != nil {
			return err
		}
		if _, err := box.Put(ctx, q, box.Kept{Signed: made.box, Holds: w.Holds}); err != nil {
			return err
		}
		for _, one := range made.parts {
			if err := insertPart(ctx, q, one); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return made.row.ID, d.Bring(ctx, made.row.ID)
}

// dealer makes deals.
type dealer struct{ *Deals }

// made is a deal before it is written down.
type made struct {
	row   row
	box   box.Signed
	parts []part
}

// split draws the secret and leaves nothing of it but sealed shares and a sealed box, which
// were opened once with random choices of the shares.
func (d dealer) split(ctx context.Context, w Wish, p plan) (m made, err error) {
	now := d.n.now()
	id, err := share.NewID()
	if err != nil {
		return m, err
	}
	secret, err := share.New()
	if err != nil {
		return m, err
	}
	shares, commitments, err := secret.Split(id, p.k, len(p.holders))
	if err != nil {
		return m, err
	}
	to, err := secret.Recipient(id)
	if err != nil {
		return m, err
	}
	doc := Deal{
		ID: id, Scope: w.Scope, K: int64(p.k), N: int64(len(p.holders)), Commitments: commitments, Recipient: to.String(),
		WaitHours: int64(w.wait() / time.Hour), Made: now, Until: now.Add(life),
	}
	for i, c := range p.holders {
		c.Number = int64(i + 1)
		one, err := d.part(id, c, shares[i])
		if err != nil {
			return m, err
		}
		doc.Holders, m.parts = append(doc.Holders, c.Holder), append(m.parts, one)
	}
	if m.row, err = d.document(ctx, doc); err != nil {
		return m, err
	}
	sealed, err := box.Seal(to, id, w.Content)
	if err == nil {
		m.box, err = box.Sign(box.Update{Deal: id, Version: 1, Made: now}, sealed, d.n.Signer)
	}
	if err == nil {
		err = tryOpen(m, shares, w.Content)
	}
	return m, err
}

// document signs a deal.
func (d dealer) document(ctx context.Context, doc Deal) (r row, err error) {
	if doc.Cards, err = d.n.People.Cards(ctx); err != nil {
		return r, err
	}
	before, err := inState(ctx, d.n.DB, doc.Scope, Standing)
	if err == nil {
		doc.Before = before.ID
	} else if core.CodeOf(err) != core.CodeNotFound {
		return r, err
	}
	me, err := d.n.Book.Member(ctx, d.n.self())
	if err != nil {
		return r, err
	}
	signed, err := sign(doc, d.n.Signer)
	return row{Signed: signed, state: Pending, from: me.Size}, err
}

// tryOpen opens the box as it was written with k random choices of k shares: what cannot be
// opened is never dealt.
func tryOpen(m made, shares []share.Share, content []byte) error {
	k := int(m.row.K)
	for range k {
		some := make([]share.Share, k)
		for i, j := range rand.Perm(len(shares))[:k] { //nolint:gosec // which shares are tried is no secret
			some[i] = shares[j]
		}
		found, err := share.Recover(m.row.Commitments, some)
		if err != nil {
			return err
		}
		identity, err := found.Identity(m.row.ID)
		if err != nil {
			return err
		}
		again, err := box.Read(m.box.Document)
		if err != nil {
			return err
		}
		opened, err := box.Open(identity, m.row.ID, again.Sealed)
		if err != nil {
			return err
		}
		if !bytes.Equal(opened, content) {
			return errors.New("a box that was just sealed holds something else: a mistake of the program")
		}
	}
	return nil
}

// part seals one holder's share.
func (d dealer) part(id share.ID, c candidate, s share.Share) (part, error) {
	p := part{deal: id, Holder: c.Holder, kind: c.kind, label: c.name, mac: []byte{}}
	if c.kind == byNode {
		p.label = ""
	} else {
		p.mac = d.mac(id, lastSix(s.Text()))
	}
	if c.kind == byPaper {
		p.sealed = d.n.Box.Seal(sealLabel+string(id), []byte(s.Text()))
		return p, nil
	}
	var err error
	p.sealed, err = c.seal(s)
	return p, err
}

// mac is what is kept of the last six signs of a share.
func (d *Deals) mac(id share.ID, six string) []byte {
	h := hmac.New(sha256.New, d.n.Box.Key(macLabel))
	h.Write([]byte(string(id) + " " + six))
	return h.Sum(nil)
}

func lastSix(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	return text[max(0, len(text)-6):]
}

// sealTo encrypts a share for a holder.
func sealTo(to age.Recipient) func(s share.Share) ([]byte, error) {
	return func(s share.Share) ([]byte, error) { return encrypt(to, []byte(s.Text())) }
}

func encrypt(to age.Recipient, plain []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("encrypt to a holder: %w", err)
	}
	return out.Bytes(), nil
}

// wait is how long holders wait, in whole hours.
func (w Wish) wait() time.Duration {
	if w.Wait == nil {
		return w.Scope.Wait()
	}
	return *w.Wait
}
