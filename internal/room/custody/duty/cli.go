package duty

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// maxSignature is the bytes of what ssh-keygen writes; it writes some 300.
const maxSignature = 4 << 10

// Command is `custody duty ...`; p says what it is for.
func Command(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Group("duty", p.T("custody.duty.cmd", nil),
		console.Command(open, "list", p.T("custody.duty.cmd_list", nil), list),
		console.Command(open, "text PERSON", p.T("custody.duty.cmd_text", nil), text),
		signCommand(p, open),
		console.Command(open, "limits", p.T("custody.duty.cmd_limits", nil), limits),
		console.Command(open, "read MEMBER", p.T("custody.duty.cmd_read", nil), readLimits))
}

func list(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.List(cmd.Context())
	if err != nil {
		return err
	}
	return out.Emit(all, func() {
		if len(all) == 0 {
			out.Say("custody.duty.check_none", nil)
			return
		}
		rows := make([][]string, 0, len(all))
		for _, one := range all {
			rows = append(rows, []string{one.Name, out.P.T("custody.duty.state_"+string(one.State), nil), out.P.Day(one.Signed), out.P.Day(one.Until)})
		}
		out.Table([]string{"custody.duty.head_person", "custody.duty.head_state", "custody.duty.head_signed", "custody.duty.head_until"}, rows)
	})
}

// text prints exactly what is to be signed, and beside it how.
func text(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	who, err := s.Named(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	text := Text(out.P, s.Self, who.ID, s.Now())
	return out.Emit(map[string]any{"text": text, "person": who.ID}, func() {
		out.Line(strings.TrimSuffix(text, "\n"))
		out.Note("custody.duty.how_key", map[string]any{"Person": who.Name, "Days": fresh})
	})
}

func signCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var file string
	c := console.Command(open, "sign PERSON", p.T("custody.duty.cmd_sign", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		who, err := s.Named(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		signature, err := readSignature(file, out.In)
		if err != nil {
			return err
		}
		one, err := s.SignKey(cmd.Context(), who, signature)
		if err != nil {
			return err
		}
		return out.Emit(one, func() {
			out.Say("custody.duty.did_sign", map[string]any{"Person": one.Name, "Until": out.P.Day(one.Until)})
		})
	})
	c.Flags().StringVar(&file, "signature", "", p.T("custody.duty.flag_signature", nil))
	return c
}

// readSignature reads a file, or what comes in where none is named.
func readSignature(file string, in io.Reader) (string, error) {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return "", core.NotFound("custody.duty.no_file", err).With("Path", file)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSignature+1))
	return string(text), err
}

// standing is a pact's limits as commands print them.
type standing struct {
	Pact    string        `json:"pact"`
	Member  core.MemberID `json:"member"`
	Theirs  string        `json:"theirs"`
	Read    core.Moment   `json:"read_us"`
	Missing []string      `json:"missing"` // what we say today that they did not sign
}

func limits(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.Limits(cmd.Context())
	if err != nil {
		return err
	}
	shown := make([]standing, 0, len(all))
	for _, one := range all {
		shown = append(shown, standing{one.ID, one.Member, one.Theirs, one.Read, append([]string{}, one.Missing...)})
	}
	return out.Emit(shown, func() {
		if len(all) == 0 {
			out.Say("custody.duty.limits_none", nil)
		}
		for _, one := range all {
			out.Line("")
			out.Say("custody.duty.limits_of", map[string]any{"Member": string(one.Member)})
			if one.Theirs == "" {
				out.Say("custody.duty.limits_silent", nil)
			} else {
				out.Line(one.Theirs)
				if one.Read == 0 {
					out.Say("custody.duty.limits_unread", map[string]any{"Member": string(one.Member)})
				} else {
					out.Say("custody.duty.limits_read", map[string]any{"Day": out.P.Day(one.Read)})
				}
			}
			for _, line := range one.Missing {
				out.Say("custody.duty.limits_missing", map[string]any{"Line": line})
			}
		}
	})
}

func readLimits(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	all, err := s.Limits(cmd.Context())
	if err != nil {
		return err
	}
	n := 0
	for _, one := range all {
		if string(one.Member) == typed[0] && one.Theirs != "" {
			n++
			if err := s.Read(cmd.Context(), one.ID, hashOf(one.Theirs)); err != nil {
				return err
			}
		}
	}
	if n == 0 {
		return noPact()
	}
	return out.Emit(map[string]any{"member": typed[0], "pacts": n}, func() { out.Say("custody.duty.did_read", map[string]any{"Member": typed[0]}) })
}
