//go:build long

package sim

func size() world { return world{nodes: 100, days: 7, seed: 7} }
