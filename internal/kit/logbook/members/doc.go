// Package members is whom this node knows: pinned root keys, the newest key set of each,
// and what was proved against them. A key set is learned wherever it comes from, for the
// root key's signature is what counts; learning one brings the stored logs in line with it.
package members
