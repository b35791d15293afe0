// Package words says things to people in French and English. Every room brings a
// fr.toml and an en.toml with the same keys; French is the default and the
// fallback. A key nobody wrote shows as ⟦key⟧, and a test of the house finds it.
package words
