// Package runbook has the texts that say what to do when something is broken or somebody is
// gone, and what became of them when a person who had not written them followed them.
//
// Words: a runbook is one Markdown file of a git repository; a source is such a repository;
// an author is whoever wrote a commit of the file; a reader is the person who follows it; a
// step is what stands below one heading; a defect is a place where the text alone did not
// get the reader on; a rehearsal is one reading with its defects, its time and whether the
// end was reached; a drill is a role play around a card, which is a postmortem that somebody
// published.
//
// What always holds: a text is shown without its raw HTML and its pictures, and nothing of
// it is run by this node; a repository is never checked out; an author's own reading counts
// for nothing; a rehearsal stands for the commit that was read; who read what is shown to
// our own admins only, and numbers to everybody.
//
// It imports no other folder of the room. Sources: CommonMark 0.31, gitprotocol-common,
// docs/spec/custody.md.
package runbook

import "embed"

// Words are the folder's sentences, French and English.
//
//go:embed words/*.toml
var Words embed.FS
