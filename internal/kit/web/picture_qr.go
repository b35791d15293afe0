package web

import (
	"fmt"
	"html/template"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// QR draws a text as a QR code, with the four modules of white around it that a scanner
// wants. What it says must stand beside it in signs: it is hidden from screen readers.
// Text of digits, capitals and -./: alone makes a smaller one. An error when the text is
// too long for any code.
func QR(text string) (template.HTML, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	var b strings.Builder
	side := code.Bounds().Dx()
	size := side + 8
	fmt.Fprintf(&b, `<svg class="qr" viewBox="0 0 %d %d" width="240" height="240" aria-hidden="true" focusable="false"><path fill="#fff" d="M0 0h%dv%dh-%dz"/><path fill="#000" d="`, size, size, size, size, size)
	for y := range side {
		for x := range side {
			if code.At(x, y) == color.Black {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+4, y+4)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return template.HTML(b.String()), nil //nolint:gosec // numbers alone
}
