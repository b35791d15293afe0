// Package script tells stories about the real binary: one txtar file per story,
// with what a person types and what must be answered.
package script
