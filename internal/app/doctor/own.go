package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"entrechat/internal/app/datadir"
	"entrechat/internal/core"
	"entrechat/internal/kit/access"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/seal"
)

// Disk asks whether there is room above the floor on the disks of some directories; one
// that does not exist yet is passed over. Returns CodeFull.
func Disk(floor core.Size, paths ...string) error {
	for _, path := range paths {
		left, err := datadir.Free(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the store is made when the rooms open
		}
		if err != nil {
			return err
		}
		if left < floor {
			return core.Full("app.disk_low", fmt.Errorf("%d bytes free", left)).With("Free", left).With("Floor", floor).With("Data", path)
		}
	}
	return nil
}

// Secrets asks whether the node's own secrets can be read, and by nobody else. Returns what
// seal.ReadSecret does.
func Secrets(data string) error {
	for _, name := range []string{datadir.LogKeyName, datadir.RecoveryName} {
		if _, err := seal.ReadSecret(filepath.Join(data, datadir.SecretsDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// Files finds what another user left in the data directory. Returns CodeDenied.
func Files(data string) error {
	uid, _, ok := datadir.OwnerOf(data)
	if !ok {
		return nil
	}
	found, err := access.Others(data, uid, othersNamed, "store")
	if err != nil || len(found) == 0 {
		return err
	}
	line := []string{"chown -R", access.UserName(uid) + ":"}
	for _, path := range found {
		line = append(line, access.Word(path))
	}
	return core.Denied("app.others_files", fmt.Errorf("%s belongs to another user", found[0])).With("Path", found[0]).With("Line", strings.Join(line, " "))
}

// othersNamed bounds how many files of others are named at once.
const othersNamed = 5

// Node asks the running node how it is, at the loopback address of its tools. Returns
// CodeUnsure for one that is down or unwell.
func Node(ctx context.Context, listen string) (fit.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	down := func(err error) (fit.Finding, error) {
		return fit.Finding{}, core.Unsure("app.node_down", err).With("Addr", listen)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listen+"/healthz", nil)
	if err != nil {
		return down(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return down(err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var health obs.Answer
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&health); err != nil {
		return down(fmt.Errorf("status %d: %w", res.StatusCode, err))
	}
	detail := func(parts map[string]string) string {
		return strings.Join(slices.Sorted(maps.Values(parts)), " ")
	}
	switch {
	case !health.OK:
		return fit.Finding{}, core.Unsure("app.node_unwell", fmt.Errorf("%v", health.Trouble)).With("Detail", detail(health.Trouble))
	case len(health.Aside) > 0:
		return fit.Finding{}, core.Unsure("app.node_unwell", fmt.Errorf("%v", health.Aside)).With("Detail", detail(health.Aside))
	case len(health.Starting) > 0:
		return fit.Unknown("app.node_starting", nil), nil
	}
	return fit.Finding{}, nil
}
