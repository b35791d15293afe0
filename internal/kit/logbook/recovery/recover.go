package recovery

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/logbook/author"
	"entrechat/internal/kit/logbook/guard"
	"entrechat/internal/kit/logbook/members"
	"entrechat/internal/kit/logbook/mirror"
	"entrechat/internal/kit/logbook/store"
)

// A node that lost its disk gets its log back in two steps. Reading changes nothing
// at anybody: Expect, then Retrieve from every address there is, until our own log names
// nobody new. TakeOver is what others see.

const (
	// retrieveTime is the end of all reading from one address in one run.
	retrieveTime = 10 * time.Minute
	// lookUpTime bounds the search for where a member moved to.
	lookUpTime = 30 * time.Second
)

// Recovery brings our own log back and gives it new keys.
type Recovery struct {
	st       *store.Store
	reg      *members.Registry
	author   *author.Author
	remote   *mirror.Remote
	contacts *mirror.Contacts
	mirror   *mirror.Mirror
	guard    *guard.Guard
}

// New makes a recovery.
func New(st *store.Store, reg *members.Registry, author *author.Author, parts mirror.Parts, guard *guard.Guard) *Recovery {
	return &Recovery{
		st: st, reg: reg, author: author, remote: parts.Remote, contacts: parts.Contacts, mirror: parts.Mirror, guard: guard,
	}
}

// Answer is how reading from one address went.
type Answer struct {
	Address string
	Member  core.MemberID // empty while nobody there said who it is
	Err     error
}

// Expect makes ready to read our own log back, under our root key; url is where we are
// now. Returns CodeConflict when this node writes its log already.
func (r *Recovery) Expect(ctx context.Context, root core.RootKey, url string) error {
	if taken, err := r.InForce(ctx); err != nil || taken {
		return errors.Join(err, core.Conflict("logbook.exists", fmt.Errorf("%s has a log", r.st.Self())))
	}
	if err := r.forgetAttempt(ctx); err != nil {
		return err
	}
	return r.reg.Follow(ctx, r.st.Self(), url, root)
}

// InForce says whether our newest key set names the key this node signs with as the
// one that signs now.
func (r *Recovery) InForce(ctx context.Context) (bool, error) {
	keys, _, err := r.reg.KeySet(ctx, r.st.Self())
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil && r.st.Signer.Public().Equal(keys.Current()), err
}

// Retrieve asks the members at these addresses, all at once, for our own log; the
// longest verified history counts. Returns CodeConflict (logbook.own_fork) when they
// hold two; what went wrong with one address stands in its answer.
func (r *Recovery) Retrieve(ctx context.Context, addresses []string) ([]Answer, error) {
	var mu sync.Mutex
	var out []Answer
	var fork error
	mirror.SideBySide(ctx, addresses, retrieveTime, func(ctx context.Context, address string) {
		id, err := r.fetchOwn(ctx, address)
		mu.Lock()
		defer mu.Unlock()
		if errors.Is(err, mirror.ErrConflict) {
			fork = core.Conflict("logbook.own_fork", err)
		}
		out = append(out, Answer{address, id, err})
	})
	return out, errors.Join(fork, ctx.Err())
}

// Retrieved says whether our log came back. Returns CodeUnsure when nobody answered,
// CodeNotFound when nobody knows us, CodeDenied when they know us under another root key.
func (r *Recovery) Retrieved(ctx context.Context, answers []Answer) error {
	m, err := store.GetMember(ctx, r.st.DB, r.st.Self())
	if err != nil || m.Version != 0 {
		return err
	}
	var problems error
	otherRoot := false
	for _, a := range answers {
		otherRoot = otherRoot || core.CodeOf(a.Err) == core.CodeDenied
		problems = errors.Join(problems, a.Err)
	}
	switch cause := fmt.Errorf("read own log: %w", problems); {
	case otherRoot:
		return core.Denied("logbook.other_words", cause).With("Member", r.st.Self())
	case problems != nil && core.CodeOf(problems) != core.CodeNotFound:
		return core.Unsure("logbook.nobody_answers", cause)
	default:
		return core.NotFound("logbook.nobody_knows_us", cause)
	}
}

// LookUp asks everybody we know, all at once, for a member's newest key set: it says
// where the member moved to. Nobody knowing more is no error.
func (r *Recovery) LookUp(ctx context.Context, id core.MemberID) error {
	all, err := r.contacts.Neighbours(ctx)
	if err != nil {
		return err
	}
	mirror.SideBySide(ctx, all, lookUpTime, func(ctx context.Context, n store.Neighbour) {
		if n.Member == id {
			return
		}
		doc, err := r.remote.SourceAt(n.At(), string(id)).KeySet(ctx)
		if err == nil {
			err = r.reg.Learn(ctx, id, doc)
		}
		if err != nil {
			r.st.Log.Debug("no newer key set", "of", id, "at", n.Member, "error", err)
		}
	})
	return ctx.Err()
}

// Resume makes the log that was read back go on under this node's new online key,
// which the root key vouches for, and url our address; earlier keys are revoked from where
// the history ends. Members are told at once. It answers the size of that history. Codes
// as for ReplaceKeys.
func (r *Recovery) Resume(ctx context.Context, root ed25519.PrivateKey, url string) (int64, error) {
	r.author.Passed() // whoever is left was just asked
	// Who was asked may not have known the newest key set; one of the same version would
	// be refused for ever where it is known.
	size, err := r.author.RenewKeys(ctx, root, url, r.st.Now().Time().Unix(), nil)
	if err == nil {
		r.announce(ctx)
	}
	return size, err
}

// announce tells every member our newest key set at once; who does not hear it will
// find it in the exchange.
func (r *Recovery) announce(ctx context.Context) {
	_, doc, err := r.reg.KeySet(ctx, r.st.Self())
	if err != nil {
		return
	}
	all, err := r.contacts.Neighbours(ctx)
	if err != nil {
		return
	}
	mirror.SideBySide(ctx, all, announceTime, func(ctx context.Context, n store.Neighbour) {
		if err := r.remote.Post(ctx, n.Member, "/ec/v1/keyset", doc, nil); err != nil {
			r.st.Log.Warn("key set not announced", "member", n.Member, "error", err)
		}
	})
}

// forgetAttempt forgets a recovery that brought nothing: it may have had another root
// key in hand.
func (r *Recovery) forgetAttempt(ctx context.Context) error {
	m, err := store.GetMember(ctx, r.st.DB, r.st.Self())
	if err != nil || m.Version != 0 {
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		return err
	}
	return r.st.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error { return store.Forget(ctx, q, r.st.Self()) })
}

// fetchOwn gets to know the member at an address and fetches our log from it.
// Its root key is taken as shown: what it gives back proves itself, and our own
// log says with whom we had to do.
func (r *Recovery) fetchOwn(ctx context.Context, address string) (core.MemberID, error) {
	known, err := r.remote.Discover(ctx, address)
	if err != nil {
		return "", err
	}
	if known.Origin == r.st.Self() {
		return "", core.NotFound("logbook.nobody_knows_us", fmt.Errorf("%s is our own address", address))
	}
	if err := r.mirror.Adopt(ctx, known); err != nil {
		return "", err
	}
	l, err := store.CurrentLog(ctx, r.st.DB, r.st.Self())
	if err != nil {
		return "", err
	}
	return known.Origin, r.mirror.PullOwnAt(ctx, store.Holder{Member: known.Origin, Address: known.URL}, l)
}

// announceTime is how long telling one member of a key set may take.
const announceTime = 20 * time.Second
