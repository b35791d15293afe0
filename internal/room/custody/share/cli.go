package share

import (
	"errors"
	"io"
	"os"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// maxFile bounds a file of shares, in bytes.
const maxFile = 64 << 10

// Command is `custody share`. It needs no node: shares are checked on any machine.
func Command(p *words.Printer) *cobra.Command {
	open := func(cmd *cobra.Command) (io.Reader, *console.Out, error) {
		json, err := cmd.Flags().GetBool("json")
		return cmd.InOrStdin(), &console.Out{W: cmd.OutOrStdout(), Err: cmd.ErrOrStderr(), In: cmd.InOrStdin(), P: p, JSON: json}, err
	}
	check := console.Command(open, "check FILE", p.T("custody.share.cmd_check", nil), func(_ *cobra.Command, in io.Reader, out *console.Out, typed []string) error {
		text, err := read(in, out, typed[0])
		if err != nil {
			return err
		}
		return report(out, Texts(text))
	})
	check.Long = p.T("custody.share.cmd_check_long", nil)
	return console.Group("share", p.T("custody.share.cmd", nil), check)
}

// read reads a file, or what is typed or piped for "-".
func read(in io.Reader, out *console.Out, name string) (string, error) {
	if name == "-" {
		out.Note("custody.share.type_it", nil)
	} else {
		f, err := os.Open(name)
		if err != nil {
			return "", core.NotFound("custody.share.no_file", err).With("Path", name)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil || len(text) > maxFile {
		return "", core.NotFound("custody.share.no_file", err).With("Path", name)
	}
	return string(text), nil
}

// checked is one share as `share check` answers it; never the share itself.
type checked struct {
	Deal   string `json:"deal,omitempty"`
	K      int    `json:"k,omitempty"`
	Number int    `json:"number,omitempty"`
	OK     bool   `json:"ok"`
	Why    string `json:"why,omitempty"`
}

// report says of each share what it is, and returns the first error.
func report(out *console.Out, texts []string) error {
	if len(texts) == 0 {
		return noShare()
	}
	var first error
	all := make([]checked, len(texts))
	for i, text := range texts {
		s, err := Parse(text)
		if err != nil {
			all[i].Why = out.P.Error(err)
			if first == nil {
				first = err
			}
			continue
		}
		all[i] = checked{s.Deal, s.K, s.Number, true, ""}
	}
	err := out.Emit(all, func() {
		for i, c := range all {
			if c.OK {
				out.Say("custody.share.is_well", map[string]any{"Number": c.Number, "K": c.K, "Deal": c.Deal})
			} else if len(all) > 1 { // a single one is the error itself
				out.Say("custody.share.is_not", map[string]any{"Place": i + 1, "Why": c.Why})
			}
		}
	})
	return errors.Join(first, err)
}
