// Package journey tells how people of one hoster use the services of another: real nodes, each
// a process of this very binary, real services, and a person's browser.
package journey
