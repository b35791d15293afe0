// Package signin is how people get an account, sign in, and get back in.
//
// Words: a step is a sign-in that waits for its second factor. A target is the page somebody
// goes on to after signing in; a flow is a service that waits for them there. A token is what
// a link carries that was sent or shown: it works once.
//
// What never happens: an answer that says whether an account exists, to who has not proved
// that it is theirs. A token or a password in the database, an address or a log. A POST that
// ends at another site: browsers hold form-action against it.
//
// Source: docs/spec/identity.md
package signin
