package federation

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"entrechat/internal/room/identity/home"
)

// view is what we say of members at one moment.
type view struct {
	members map[string]home.Home // by issuer
	list    []string             // their issuers, sorted
	above   []string             // issuers of the members that say so of us, sorted
	read    time.Time
}

// fresh gives what was read less than viewLife ago.
func (f *Federation) fresh() (view, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	age := f.n.Now().Sub(f.seen.read)
	return f.seen, f.seen.members != nil && age >= 0 && age < viewLife
}

// view gives the members as they are now; what was read less than viewLife ago counts. Whoever
// asks while somebody reads waits for that answer, and not after it for one of their own.
func (f *Federation) view(ctx context.Context) (view, error) {
	if v, ok := f.fresh(); ok {
		return v, nil
	}
	answer := f.reading.DoChan("", func() (any, error) {
		v, err := f.read(context.WithoutCancel(ctx))
		if err == nil {
			f.keep(v)
		}
		return v, err
	})
	select {
	case got := <-answer:
		v, _ := got.Val.(view)
		return v, got.Err
	case <-ctx.Done():
		return view{}, ctx.Err()
	}
}

// keep remembers what was read, and forgets the statements about members that are none any more.
func (f *Federation) keep(v view) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for issuer := range f.made {
		if _, still := v.members[issuer]; !still && issuer != f.n.Issuer {
			delete(f.made, issuer)
		}
	}
	f.seen = v
}

// read asks the database, for five seconds at most.
func (f *Federation) read(ctx context.Context) (view, error) {
	now := f.n.Now()
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	below, err := f.n.Homes.Letting(ctx)
	if err != nil {
		return view{}, err
	}
	above, err := f.n.Homes.LettingUs(ctx)
	if err != nil {
		return view{}, err
	}
	v := view{members: entities(below, f.n.Issuer), read: now}
	for issuer := range v.members {
		v.list = append(v.list, issuer)
	}
	for issuer := range entities(above, f.n.Issuer) {
		v.above = append(v.above, issuer)
	}
	slices.Sort(v.list)
	slices.Sort(v.above)
	v.above = v.above[:min(len(v.above), maxAbove)]
	return v, nil
}

// entities are members by their issuers: those with a key for this and an issuer that is
// theirs. Where two members name one issuer, it is the one with the longer domain: an exact
// match before a domain above.
func entities(homes []home.Home, self string) map[string]home.Home {
	out := map[string]home.Home{}
	for _, h := range homes {
		other, taken := out[h.Issuer]
		if len(h.Federation.Keys) == 0 || h.Issuer == self || !owns(h) || taken && len(other.Member) >= len(h.Member) {
			continue
		}
		out[h.Issuer] = h
	}
	return out
}

// owns says whether a member's issuer is at its own domain, or at one below.
func owns(h home.Home) bool {
	u, err := url.Parse(h.Issuer)
	return err == nil && (u.Host == string(h.Member) || strings.HasSuffix(u.Host, "."+string(h.Member)))
}
