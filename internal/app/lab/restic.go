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

// Tool is a Go program of another project at a released version, whose module zip
// the Go checksum database vouches for.
type Tool struct {
	Module, Version, Package string
}

// Restic and RestServer are the versions everything was measured with.
func Restic() Tool { return Tool{"github.com/restic/restic", "v0.19.1", "cmd/restic"} }

// RestServer is the peer our front is compared with.
func RestServer() Tool { return Tool{"github.com/restic/rest-server", "v0.14.0", "cmd/rest-server"} }

var resticSays = regexp.MustCompile(`^restic (\d+)\.(\d+)`)

// FindRestic answers the path of a restic >= 0.14: the one in PATH, the one
// built earlier, or one built now (about a minute; say tells the person).
func FindRestic(ctx context.Context, say func(string)) (string, error) {
	if path, err := exec.LookPath("restic"); err == nil && resticUsable(ctx, path) {
		return path, nil
	}
	return Restic().Find(ctx, say)
}

// Find answers the path of the tool, built now if it was not before.
func (t Tool) Find(ctx context.Context, say func(string)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place to build %s: %w", t.Package, err)
	}
	built := filepath.Join(cache, "entrechat", filepath.Base(t.Package)+"-"+t.Version)
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	say(filepath.Base(t.Package) + " is not installed; building " + t.Version + " once from its released source (about a minute)")
	return built, t.build(ctx, built)
}

func resticUsable(ctx context.Context, path string) bool {
	out, err := exec.CommandContext(ctx, path, "version").Output()
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

// build builds inside the module cache with the tool's own go.mod, so that its
// dependencies are the ones its authors released it with. `go install
// module@version` is not used: it asks proxies for a version list that some
// refuse.
func (t Tool) build(ctx context.Context, dest string) error {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", t.Module+"@"+t.Version).Output() //nolint:gosec // fixed words
	if err != nil {
		return fmt.Errorf("download %s %s (install it by hand and try again): %w", t.Module, t.Version, err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return fmt.Errorf("read what go mod download said: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o750); err != nil {
		return fmt.Errorf("make the cache folder: %w", err)
	}
	fresh := dest + ".new"
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", fresh, "./"+t.Package) //nolint:gosec // fixed words
	build.Dir = module.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build %s %s (install it by hand and try again): %w", t.Module, t.Version, err)
	}
	return os.Rename(fresh, dest)
}
