// Package nextcloud moves people from one Nextcloud to another, with other addresses: files with
// their versions and trash, calendars and contacts, by the app user_migration.
//
// How. `occ user:export` writes one archive of a person, which is brought over and given to
// `occ user:import`. The app takes a person anew only: each pass removes the person that we made
// before. It says that it succeeded also when nothing came (user_migration #663, #842), and a web
// import that fails says so in a notification alone. So its word counts for nothing: files are compared
// on both disks, calendars and contacts by exporting them again on both sides.
//
// A whole Nextcloud, with its domain, is moved by the recipe generic: files with their times, the
// database, the same path of data, `secret`, `instanceid` and `passwordsalt`, the same version.
//
// Not moved: passwords, shares, group folders, links, quotas, what Deck, Talk, Mail and Tables keep.
// Refused: data in object storage, and encryption by the server, whose files cannot be compared.
//
// Tried against the documented commands and the format of the archive only: no Nextcloud could be
// run where this was written. Sources: docs.nextcloud.com (occ, user migration),
// docs/spec/succession.md#recipes
package nextcloud
