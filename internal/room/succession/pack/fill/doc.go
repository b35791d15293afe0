// Package fill makes our packs: a folder for each service that people fill in any editor, and
// what the machine knows and proves beside it.
//
// Words: a gap is a line that somebody still has to write; to look is to ask another room, a
// registry or an address whether an item holds.
//
// What never happens: a file is overwritten that somebody may have written into; a link is
// followed; a secret file's content is read into a pack.
//
// It imports pack and promise. Source: docs/spec/succession.md#pack
package fill
