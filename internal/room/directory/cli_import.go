package directory

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/imports"
	"entrechat/internal/room/directory/statool"
)

// imported is the answer of `directory import --json`.
type imported struct {
	URL       string        `json:"url"`
	Class     statool.Class `json:"class"`
	Good      int           `json:"good"` // new or changed
	Unchanged int           `json:"unchanged"`
	NotAsked  int           `json:"not_asked"`
	Hosters   int           `json:"hosters"`
	Services  int           `json:"services"`
	Broken    []brokenFile  `json:"broken"`
	Stopped   string        `json:"cut,omitempty"` // why it ended early
}

type brokenFile struct {
	URL      string `json:"url"`
	From     string `json:"from,omitempty"` // the file that leads to it
	Line     int    `json:"line"`           // 0 = the whole file
	Key      string `json:"key"`
	Text     string `json:"text"`
	Retained bool   `json:"kept"` // the last good version stays
}

func (c cli) importFiles() *cobra.Command {
	cmd := c.command("import URL", "import", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		report, err := r.Imports.Import(cmd.Context(), typed[0])
		if e, ok := errors.AsType[*core.Error](err); ok && e.Key == "directory.import.refused" {
			return e.With("Why", out.P.Error(e.Err))
		}
		if err != nil {
			return err
		}
		answer := importedOf(out.P, report)
		return out.Emit(answer, func() { printImported(out, answer) })
	})
	cmd.Long = c.p.T("directory.cmd.import_long", nil)
	return cmd
}

func importedOf(p *words.Printer, r imports.Report) imported {
	out := imported{
		URL: r.Root, Class: r.Class, Good: r.Good, Unchanged: r.Unchanged, NotAsked: r.NotAsked,
		Hosters: r.Hosters, Services: r.Services, Broken: []brokenFile{},
	}
	for _, b := range r.Broken {
		out.Broken = append(out.Broken, brokenFile{b.URL, b.From, b.Trouble.Line, b.Trouble.Key, p.T(b.Trouble.Key, b.Trouble.Args), b.Retained})
	}
	if r.Stopped != "" {
		out.Stopped = p.T(r.Stopped, nil)
	}
	return out
}

func printImported(out *console.Out, r imported) {
	for _, b := range r.Broken {
		at, retained := b.URL, ""
		if b.Line > 0 {
			at = fmt.Sprintf("%s:%d", b.URL, b.Line) // the form that editors jump to
		}
		if b.Retained {
			retained = " " + out.P.T("directory.import.kept", nil)
		}
		out.Line(at + ": " + b.Text + retained)
	}
	out.Say("directory.import.done", args{"Good": r.Good, "Unchanged": r.Unchanged, "Broken": len(r.Broken), "NotAsked": r.NotAsked})
	if r.Stopped != "" {
		out.Line(r.Stopped)
	}
}

// foreignFile is one line of `directory files --json`.
type foreignFile struct {
	URL        string        `json:"url"`
	Class      statool.Class `json:"class"`
	Root       bool          `json:"root"`
	From       []string      `json:"from"`
	Unverified bool          `json:"unverified"`
	Bytes      int64         `json:"bytes"`
	SHA256     string        `json:"sha256"`
	Got        core.Moment   `json:"got_us"`
	Heard      core.Moment   `json:"heard_us"`
	Asked      core.Moment   `json:"asked_us"`
	Strikes    int           `json:"strikes"`
	Line       int           `json:"line,omitempty"` // of the trouble
	Trouble    string        `json:"trouble,omitempty"`
}

func (c cli) files() *cobra.Command {
	return c.command("files [URL]", "files", cobra.MaximumNArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		if len(typed) == 1 {
			text, err := r.Imports.Text(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			return out.Emit(map[string]string{"url": typed[0], "text": strings.ToValidUTF8(string(text), "\uFFFD")}, func() {
				out.Line(strings.TrimRight(string(text), "\r\n"))
			})
		}
		files, err := r.Imports.Files(cmd.Context())
		if err != nil {
			return err
		}
		all := make([]foreignFile, 0, len(files))
		rows := make([][]string, 0, len(files))
		for _, f := range files {
			all = append(all, foreignOf(out.P, f))
			heard := out.P.T("directory.import.never", nil)
			if f.Heard != 0 {
				heard = out.P.Ago(f.Heard, r.n.Now())
			}
			rows = append(rows, []string{string(f.Class), heard, stateOf(out.P, f), f.URL})
		}
		return out.Emit(all, func() {
			if len(rows) == 0 {
				out.Say("directory.import.none", nil)
				return
			}
			out.Table([]string{"directory.col.class", "directory.col.heard", "directory.col.state", "directory.col.url"}, rows)
		})
	})
}

func foreignOf(p *words.Printer, f imports.Listed) foreignFile {
	out := foreignFile{
		URL: f.URL, Class: f.Class, Root: f.Typed, From: append([]string{}, f.From...), Unverified: f.Unverified,
		Bytes: f.Size, SHA256: f.Hash, Got: f.Got, Heard: f.Heard, Asked: f.Asked, Strikes: f.Strikes,
	}
	if f.Trouble.Key != "" {
		out.Line, out.Trouble = f.Trouble.Line, p.T(f.Trouble.Key, f.Trouble.Args)
	}
	return out
}

// stateOf says how a file stands in a few words.
func stateOf(p *words.Printer, f imports.Listed) string {
	switch {
	case f.Strikes > 0:
		return p.T("directory.import.strikes", args{"Count": f.Strikes, "Why": p.T(f.Trouble.Key, f.Trouble.Args)})
	case f.Unverified:
		return p.T("directory.import.unverified", nil)
	}
	return p.T("directory.import.good", nil)
}

func (c cli) forget() *cobra.Command {
	return c.command("forget URL", "forget", cobra.ExactArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		gone, err := r.Imports.Forget(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return out.Emit(map[string]any{"url": typed[0], "files": gone}, func() {
			out.Say("directory.import.forgotten", args{"URL": typed[0], "Count": gone})
		})
	})
}
