package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
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

// Building is how far the building of a tool is.
type Building struct {
	Name, Version string
	Packages      int    // compiled or found compiled so far
	Last          string // package, or module that is being fetched
	Took          time.Duration
}

// String is for the log of a test.
func (b Building) String() string {
	return fmt.Sprintf("%s %s is being built from its released source: %d packages in %s", b.Name, b.Version, b.Packages, b.Took.Round(time.Second))
}

// FindRestic answers the path of a restic >= 0.14: the one in PATH, the one
// built earlier, or one built now (some minutes; say is told when it begins and then
// at every package).
func FindRestic(ctx context.Context, say func(Building)) (string, error) {
	if path, err := exec.LookPath("restic"); err == nil && resticUsable(ctx, path) {
		return path, nil
	}
	return Restic().Find(ctx, say)
}

// Find answers the path of the tool, built now if it was not before.
func (t Tool) Find(ctx context.Context, say func(Building)) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place to build %s: %w", t.Package, err)
	}
	built := filepath.Join(cache, "entrechat", filepath.Base(t.Package)+"-"+t.Version)
	if _, err := os.Stat(built); err == nil {
		return built, nil
	}
	return built, t.build(ctx, built, say)
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
func (t Tool) build(ctx context.Context, dest string, say func(Building)) error {
	begun := time.Now()
	at := Building{Name: filepath.Base(t.Package), Version: t.Version}
	say(at)
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
	build := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-o", fresh, "./"+t.Package) //nolint:gosec // fixed words
	build.Dir = module.Dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod -buildvcs=false", "GOWORK=off")
	lines, err := build.StderrPipe()
	if err == nil {
		err = build.Start()
	}
	if err != nil {
		return fmt.Errorf("build %s %s (install it by hand and try again): %w", t.Module, t.Version, err)
	}
	// One line for each package; of what else is said the end explains a failure.
	var said []string
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		line := scan.Text()
		module, loading := strings.CutPrefix(line, "go: downloading ")
		switch {
		case loading:
			at.Last = module
		case strings.ContainsAny(line, " \t"):
			said = append(said[max(0, len(said)-9):], line)
			continue
		default:
			at.Packages, at.Last = at.Packages+1, line
		}
		at.Took = time.Since(begun)
		say(at)
	}
	if err := build.Wait(); err != nil {
		return fmt.Errorf("build %s %s (install it by hand and try again): %w\n%s", t.Module, t.Version, err, strings.Join(said, "\n"))
	}
	return os.Rename(fresh, dest) //nolint:forbidigo // a tool for tests, built anew when it is gone
}
