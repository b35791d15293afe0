package lab

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Move has a node that is stopped listen for others at another address, host:port, reached as front
// (empty = there), and writes that into its logbook. Up starts it there.
func (n *Node) Move(ctx context.Context, to, front string) error {
	file := filepath.Join(n.Data(), "entrechat.toml")
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the settings of %s: %w", n.Name, err)
	}
	was := n.URL()
	text = bytes.ReplaceAll(text, []byte("'"+n.Public+"'"), []byte("'"+to+"'"))
	n.Public, n.Front = to, front
	text = bytes.ReplaceAll(text, []byte("'"+was+"'"), []byte("'"+n.URL()+"'"))
	if err := os.WriteFile(file, text, 0o600); err != nil { //nolint:gosec // the node's own folder
		return err
	}
	_, err = n.Run(ctx, "log", "move", "--seed-file", n.SeedFile())
	return err
}
