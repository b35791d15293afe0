//go:build long

package need

import (
	"math/rand/v2"
	"testing"

	"entrechat/internal/kit/markdown"
)

// Scenario 4: a million texts made of pieces of what hurts, from one seed. The pieces are
// short: a text of a thousand brackets takes a thousand times as long, and FuzzText has it.
func TestAMillionTexts(t *testing.T) {
	r, md := rand.New(rand.NewPCG(1, 2)), markdown.New()
	parts := append(hostile(), "<", ">", "[", "]", "(", ")", "`", "*", "_", "\n", "- ", "> ", "https://x.test", "&lt;", "&#x3c;", "\u200d", "\u0301", "<a href=", "javascript:", "\"", "'")
	for i, p := range parts {
		parts[i] = string([]rune(p)[:min(len([]rune(p)), 24)])
	}
	for range 1_000_000 {
		text := ""
		for range 1 + r.IntN(8) {
			text += parts[r.IntN(len(parts))]
		}
		checkOne(t, md, text)
	}
}
