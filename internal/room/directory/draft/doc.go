// Package draft reads what a hoster's services say of themselves in public, and
// makes the beginning of its file from it.
//
// Words. A look is one request to a known address and what came of it. A fact is
// one statement of a source, with the address and the moment; two sources may
// contradict each other, and both are kept. A draft is all facts of one domain,
// by service. A criterion is one thing that the collective's charter asks for,
// with the facts that speak for it.
//
// What never happens here: a guess is a fact (that a page answers does not say
// what it is called, that sign-ups are closed does not say for whom); an answer
// makes us read more than a fixed number of bytes or addresses; a text of a
// source keeps its tags or control characters; a link is not http or https.
//
// Sources: docs/spec/statoolinfos.md#drafts; nodeinfo.diaspora.software;
// docs.joinmastodon.org; docs.joinpeertube.org; spec.matrix.org; XEP-0156;
// RFC 9116 (security.txt); codeberg.org/forgejo; Debian policy (dpkg status).
package draft
