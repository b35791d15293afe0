//go:build !long

package sim

// size is what every check runs; `./check long` runs the full one.
func size() world { return world{nodes: 20, days: 2, seed: 7} }
