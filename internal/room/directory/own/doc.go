// Package own holds what this hoster publishes of itself: StatoolInfos files, one of
// the hoster and one of each service, and plain notes beside them. All of it lies in
// one folder as it is served; any editor may change it there.
//
// Words. A file is a StatoolInfos document (package statool). A listing is what a file
// says, as the catalogue holds it (package catalogue). A note is a plain text of ours on
// one topic.
//
// What never happens here: a file that is not valid replaces one that was; a line that
// nobody edited changes its bytes.
package own
