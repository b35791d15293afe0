// Package export writes a backup as a plain restic repository into a folder, each file checked
// against its name, and goes on where an export broke off.
package export
