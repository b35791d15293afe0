// Package dokuwiki is the recipe of DokuWiki: pages, old revisions, media, people and rights, as the
// files that they are.
//
// What moves: data/{pages,attic,meta,media,media_attic,media_meta}, with meta/_htcookiesalt2, and the
// settings that an installation has of its own; not local.protected.php, which says where things
// are on one server. Times of files are kept: they are revisions. The search index is made anew.
//
// What the target had, such as the pages of a new installation, is set aside beside its place under
// *.entrechat-before; undoing puts it back.
//
// Freezing changes no data: rights above reading become reading, those who may do everything may do it
// no more, and actions that write are switched off, in acl.auth.php and local.protected.php; the files
// of before lie beside them under *.entrechat-frozen and are put back.
//
// Sources: https://www.dokuwiki.org/install:upgrade, https://www.dokuwiki.org/acl,
// https://www.dokuwiki.org/config:disableactions, Debian's dokuwiki 2022-07-31a.
package dokuwiki
