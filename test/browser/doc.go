// Package browser looks at every page of a node in a real Chromium, as a visitor
// and as an admin, in both languages, on a phone and on a desk.
package browser
