package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/app/datadir"
	"entrechat/internal/app/doctor"
	"entrechat/internal/core"
	"entrechat/internal/kit/access"
	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/seal"
)

func (l *cli) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: l.out.P.T("app.cmd.doctor", nil), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := l.open(cmd.Context())
			if err != nil {
				return err
			}
			return doctor.Report(cmd.Context(), &l.out, a.checks())
		},
	}
}

// ownChecks are the questions the house itself asks.
type ownChecks struct{ *App }

// checks are the house's own questions, then the rooms'.
func (a *App) checks() []fit.Check {
	d := ownChecks{a}
	all := []fit.Check{
		{Name: "app.check_key", Run: d.checkKey},
		{Name: "app.check_secrets", Run: fit.Plain(d.checkSecrets)},
		{Name: "app.check_disk", Run: fit.Plain(d.checkDisk)},
		{Name: "app.check_files", Run: fit.Plain(d.checkFiles)},
		{Name: "app.check_node", Run: d.checkNode},
	}
	for _, f := range a.fittings {
		all = append(all, f.Checks...)
	}
	return all
}

// checkKey: members take what this node signs for ours. Of members that are not there
// nothing is known.
func (d ownChecks) checkKey(ctx context.Context) (fit.Finding, error) {
	if err := d.standing(ctx); err != nil {
		return fit.Finding{}, err
	}
	return d.withMembers(fit.Plain(func(context.Context) error { return nil }))(ctx)
}

func (d ownChecks) checkSecrets(context.Context) error {
	for _, name := range []string{datadir.LogKeyName, datadir.RecoveryName} {
		if _, err := seal.ReadSecret(filepath.Join(d.Data, datadir.SecretsDir, name)); err != nil {
			return err
		}
	}
	return nil
}

// checkFiles finds what another user left in the data directory.
func (d ownChecks) checkFiles(context.Context) error {
	uid, _, ok := datadir.OwnerOf(d.Data)
	if !ok {
		return nil
	}
	found, err := access.Others(d.Data, uid, othersNamed, "store")
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

// checkNode asks the running node how it is.
func (d ownChecks) checkNode(ctx context.Context) (fit.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	down := func(err error) (fit.Finding, error) {
		return fit.Finding{}, core.Unsure("app.node_down", err).With("Addr", d.Config.Tools.Listen)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.Config.Tools.Listen+"/healthz", nil)
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
