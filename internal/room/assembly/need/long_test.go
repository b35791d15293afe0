//go:build long

package need

import (
	"math/rand/v2"
	"testing"

	"entrechat/internal/kit/markdown"
)

// Scenario 4: a million texts made of what hurts, from one seed.
func TestAMillionTexts(t *testing.T) {
	r, md := rand.New(rand.NewPCG(1, 2)), markdown.New()
	parts := append(hostile(), "<", ">", "[", "]", "(", ")", "`", "*", "_", "\n", "- ", "> ", "https://x.test", "&lt;", "&#x3c;", "\u200d", "\u0301", "<a href=", "javascript:", "\"", "'")
	for range 1_000_000 {
		text := ""
		for range 1 + r.IntN(8) {
			text += parts[r.IntN(len(parts))]
		}
		checkOne(t, md, text)
	}
}
