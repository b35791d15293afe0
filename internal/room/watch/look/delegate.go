package look

import (
	"fmt"
	"time"

	"entrechat/internal/core"
)

// What probes in the folders below this one need of an attempt, beyond its connections.

// Now is the time as the Looker knows it.
func (a *Attempt) Now() time.Time { return a.now() }

// Ends notes when something that proves who answers ends, beside certificates: a signature
// of DNSSEC. The first of all ends counts.
func (a *Attempt) Ends(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m := core.At(at); a.r.Ends == 0 || m < a.r.Ends {
		a.r.Ends = m
	}
}

// Own says whether the target is our own.
func (a *Attempt) Own() bool { return a.own }

// Note notes what our own admin should know of a look that is well. The detail of a failure
// takes its place.
func (a *Attempt) Note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.r.Detail = clean(fmt.Sprintf(format, args...))
}

// May says whether a look at a host may go on to another host, because a record or a
// document of the first one says so: below the same registrable domain, and anywhere for a
// target of our own. Otherwise a member could aim all others at a stranger. Returns a
// ClassError of class Blocked.
func (a *Attempt) May(from, to string) error {
	if a.own || sameDomain(from, to) {
		return nil
	}
	return Fail(Blocked, "%.80s leads to %.80s, which is not below the same domain", from, to)
}

// AnyCertificate says whether any certificate will do, and none: for local targets of our
// own whose owner said so.
func AnyCertificate(a *Attempt) bool { return a.insecure }

// IsUnfit says whether an error says nothing of the target: this machine has no way to an
// address, no descriptor left, or stops.
func IsUnfit(err error) bool {
	class, _ := classify(err)
	return class == Unfit
}

// Clip cuts a stranger's text to so many bytes of one printable line.
func Clip(s string, most int) string { return clip(s, most) }
