package look

import (
	"cmp"
	"time"

	"entrechat/internal/core"
)

// Class says how a look ended. The zero value is well.
type Class string

// The classes. All but Fine, Slow and Unfit are failures.
const (
	Fine    Class = ""
	Slow    Class = "slow"    // well, but slower than expected
	DNS     Class = "dns"     // the name did not resolve
	Refused Class = "refused" // nobody listens there
	Timeout Class = "timeout"
	Reset   Class = "reset" // the connection was cut
	TLS     Class = "tls"   // no TLS came about
	Cert    Class = "cert"  // a certificate that does not hold
	HTTP4xx Class = "http4xx"
	HTTP5xx Class = "http5xx"
	Content Class = "content" // an answer, but not the expected one
	Blocked Class = "blocked" // we do not call this address
	Silent  Class = "silent"  // no ping came in time
	Failed  Class = "failed"  // a ping said that its work failed
	Stale   Class = "stale"   // the newest backup is too old
	Unfit   Class = "unfit"   // we were not fit to look: it says nothing of the target
)

// Failure says whether the class is one.
func (c Class) Failure() bool { return c != Fine && c != Slow && c != Unfit }

// Key is the words key of the class.
func (c Class) Key() string { return "watch.class." + cmp.Or(string(c), "fine") }

// Result is what one look found.
type Result struct {
	At      core.Moment // when it began
	Class   Class
	Latency time.Duration // to the end of the look; of a failure, how long it took
	// DNS, Connect, TLS and First are parts of Latency: to the address, to the connection,
	// to the end of the handshake, to the first byte of the answer. Zero = there was none.
	DNS, Connect, TLS, First time.Duration
	// Family is 4 or 6, that of the connection which decided; 0 = there was none.
	Family int
	// Half is the class of the other family, when one answered and the other failed; empty
	// = both, or only one, were tried with one result.
	Half Class
	// Status is that of the last answer over HTTP; 0 = there was none.
	Status int
	Leaf   [32]byte    // SHA-256 of the leaf certificate; zero = there was none
	Ends   core.Moment // when the first certificate of the chain ends; zero = there was none
	Starts core.Moment // since when that chain holds; zero = there was none
	// Software and Version are what a server says it runs; may be empty.
	Software, Version string
	// Detail is for our own admin and for the target's owner: it never goes to another
	// member, because it may hold what stood in a body. At most 200 bytes.
	Detail string
}
