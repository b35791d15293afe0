// Package collective follows charters and computes who is admitted to them: founders that
// say so, and whoever enough admitted members vouch for. Every node computes it for itself
// from signed entries.
//
// Source: docs/spec/trust.md#charter
package collective
