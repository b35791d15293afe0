package rescue

import (
	"os"
	"path/filepath"
	"testing"
)

// TestRemovedWhole: what a killed removal left under the other name is in nobody's way, and goes.
func TestRemovedWhole(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "repo-cloud")
	for _, name := range []string{dir, dir + ".gone"} {
		if err := os.MkdirAll(filepath.Join(name, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, "data", "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := removeWhole(dir); err != nil {
			t.Fatal(err)
		}
	}
	left, err := filepath.Glob(dir + "*")
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
