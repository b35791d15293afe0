// Package stranger is what a form that anybody may fill in needs: rules for texts, and counts
// by the name of a network or mailbox for a day.
//
// Source: docs/spec/assembly.md
package stranger
