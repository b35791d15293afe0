package signin

import "net/url"

// Target reads what the sign-in page's address says that somebody goes on to: a service's
// request that waits, or a page of this node. Both are empty for neither; whatever does not
// name a page of this node is left out.
func Target(v url.Values) (flow, next string) {
	t := parseTarget(v)
	return t.Flow, t.Next
}

// Done is the page from which a service's request goes on after a form: no POST may end at
// another site.
func Done(flow string) string { return target{Flow: flow}.page() }
