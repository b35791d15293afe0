// Package elector says who is in the electorate of a proposal: from what logbooks said of
// vouches and of following a charter, now and 90 days ago. For everybody else it says why not.
//
// Words: tie (an entry by which a member vouches, takes a vouch back, follows a charter or
// leaves it), candidate (whoever follows the charter), place (where a candidate stands),
// sponsor (the admitted member that vouched for it first), branch (all below one founder).
//
// What always holds: the same charter, keys, suspensions, ties and heads give the same list on
// every node, in whatever order the ties came; a vouch more never costs anybody its place among
// the admitted; sponsors lead from every admitted member to a founder.
//
// Source: docs/spec/decision.md, section Electorate; docs/spec/trust.md, section Admission.
package elector
