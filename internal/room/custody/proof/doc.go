// Package proof has every holder of a share show, month by month, that it still holds it and that
// it is the right one, without opening anything.
//
// Words: a period is a month of UTC ("2026-11"). A head is the newest entry of the owner's
// logbook: a proof is bound to one, so that none is made in advance. A verdict is what the owner,
// and each fellow holder by itself, concludes of one proof.
//
// What never happens: a proof that counts for another deal, holder or month than it was made
// for, or without a head of the last seven days; a false proof that is taken for a missing one.
//
// It imports share, box, deal. Sources: docs/spec/custody.md, RFC 8235.
package proof
