package box

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"entrechat/internal/core"
	"entrechat/internal/room/custody/share"
)

// MaxContent bounds what a box holds, in bytes.
const MaxContent = 64<<10 - 64

// maxSealed bounds a sealed box: its content, the first line, and what age adds.
const maxSealed = 66 << 10

// Seal puts a content into a box of a deal. It takes no share. Returns CodeInvalid
// "custody.box.empty" or "custody.box.too_large".
// spec: docs/spec/custody.md#box
func Seal(to age.Recipient, deal share.ID, content []byte) ([]byte, error) {
	if len(bytes.TrimSpace(content)) == 0 {
		return nil, core.Invalid("custody.box.empty", errors.New("an empty box"))
	}
	if len(content) > MaxContent {
		return nil, core.Invalid("custody.box.too_large", fmt.Errorf("%d bytes", len(content))).With("Max", core.Size(MaxContent))
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err == nil {
		_, err = w.Write(append([]byte(string(deal)+"\n"), content...))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("seal a box: %w", err)
	}
	return sealed.Bytes(), nil
}

// Open is what a box holds. Returns CodeInvalid "custody.box.closed" for what the identity does
// not open, "custody.box.other_deal" for a box of another deal.
func Open(with age.Identity, deal share.ID, sealed []byte) ([]byte, error) {
	if len(sealed) > maxSealed {
		return nil, core.Invalid("custody.box.closed", fmt.Errorf("%d bytes", len(sealed)))
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), with)
	if err != nil {
		return nil, core.Invalid("custody.box.closed", err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxSealed))
	if err != nil {
		return nil, core.Invalid("custody.box.closed", err)
	}
	first, content, found := bytes.Cut(plain, []byte("\n"))
	if !found || string(first) != string(deal) {
		return nil, core.Invalid("custody.box.other_deal", errors.New("the first line names another deal"))
	}
	return content, nil
}
