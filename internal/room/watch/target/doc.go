// Package target says what is looked at: the targets of our own services and of the
// members we watch, as their owners published them.
//
// Words: a target is one thing that is looked at. A service is what users know; it has one
// target or several. A look is one probe of a target. A vantage is who looks.
//
// What never happens: somebody but the owner adds a target. A target is looked at for
// another member while its host is not below a domain that its owner proved.
//
// Source: docs/spec/watch.md
package target
