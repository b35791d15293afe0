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

// read gives the members as they are now; what was read less than viewLife ago counts.
func (f *Federation) read(ctx context.Context) (view, error) {
	now := f.n.Now()
	if age := now.Sub(f.seen.read); f.seen.members != nil && age >= 0 && age < viewLife {
		return f.seen, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
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
	for issuer := range f.made {
		if _, still := v.members[issuer]; !still && issuer != f.n.Issuer {
			delete(f.made, issuer)
		}
	}
	f.seen = v
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
