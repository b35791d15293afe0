// Package version says what was built.
package version

import (
	"cmp"
	"runtime/debug"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
)

// Version is what was built, as the Go tool stamped it.
type Version struct {
	Version  string `json:"version"`            // v0.1.0, or (devel)
	Commit   string `json:"commit,omitempty"`   // empty where it was built without git
	Modified bool   `json:"modified,omitempty"` // built from files that were not committed
	Go       string `json:"go"`
}

func built() Version {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Version{Version: "(devel)"}
	}
	v := Version{Version: cmp.Or(info.Main.Version, "(devel)"), Go: info.GoVersion}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
	return v
}

// Command is `entrechat version`.
func Command(out *console.Out) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: out.P.T("app.cmd.version", nil), Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := built()
			return out.Emit(v, func() {
				out.Say("app.version", map[string]any{"Version": v.Version, "Commit": v.Commit, "Modified": v.Modified, "Go": v.Go})
			})
		},
	}
}
