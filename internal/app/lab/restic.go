package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// The restic that is built when the machine has none: a released version, whose
// module zip the Go checksum database vouches for.
const (
	resticModule  = "github.com/restic/restic"
	resticVersion = "v0.19.1"
)

var resticSays = regexp.MustCompile(`^restic (\d+)\.(\d+)`)

// FindRestic answers the path of a restic >= 0.14: the one in PATH, the one
// built earlier, or one built now (about a minute; say tells the person).
func FindRestic(ctx context.Context, say func(string)) (string, error) {
	if path, err := exec.LookPath("restic"); err == nil && resticUsable(ctx, path) {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place to build restic: %w", err)
	}
	built := filepath.Join(cache, "entrechat", "restic-"+resticVersion)
	if resticUsable(ctx, built) {
		return built, nil
	}
	say("restic is not installed; building " + resticVersion + " once from its released source (about a minute)")
	return built, buildRestic(ctx, built)
}

func resticUsable(ctx context.Context, path string) bool {
	out, err := exec.CommandContext(ctx, path, "version").Output() //nolint:gosec // a path we looked up ourselves
	if err != nil {
		return false
	}
	m := resticSays.FindSubmatch(out)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return major > 0 || minor >= 14
}

// buildRestic builds inside the module cache with restic's own go.mod, so that
// its dependencies are the ones its authors released it with. `go install
// module@version` is not used: it asks proxies for a version list that some
// refuse.
func buildRestic(ctx context.Context, dest string) error {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", resticModule+"@"+resticVersion).Output()
	if err != nil {
		return fmt.Errorf("download restic %s (install restic by hand and try again): %w", resticVersion, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return fmt.Errorf("read what go mod download said: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o750); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	fresh := dest + ".new"
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", fresh, "./cmd/restic") //nolint:gosec // fixed words
	build.Dir = module.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build restic %s (install restic by hand and try again): %w", resticVersion, err)
	}
	return os.Rename(fresh, dest)
}
