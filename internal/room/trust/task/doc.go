// Package task is the list of what is still to be told to a member or fetched from it, each
// tried until it worked: hellos, proposals, signatures, ends, charters, lost pacts.
package task
