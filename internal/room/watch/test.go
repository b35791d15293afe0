package watch

import (
	"context"
	"encoding/hex"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/look"
	"entrechat/internal/room/watch/target"
)

// lookView is a look as commands print it.
type lookView struct {
	Target  string      `json:"target,omitempty"` // empty for an address that is no target
	Service string      `json:"service,omitempty"`
	Kind    target.Kind `json:"kind"`
	Address string      `json:"address"`
	Class   look.Class  `json:"class"` // empty = well
	Milli   int64       `json:"ms"`
	DNS     int64       `json:"dns_ms"`
	Connect int64       `json:"connect_ms"`
	TLS     int64       `json:"tls_ms"`
	First   int64       `json:"first_byte_ms"`
	Family  int         `json:"family,omitzero"`
	Half    look.Class  `json:"other_family,omitempty"`
	Ends    core.Moment `json:"certificate_ends_us,omitzero"`
	Leaf    string      `json:"certificate_sha256,omitempty"`
	Runs    string      `json:"software,omitempty"`
	Detail  string      `json:"detail,omitempty"`
}

func viewOf(t target.Target, r look.Result) lookView {
	v := lookView{
		Target: t.ID, Service: t.Service, Kind: t.Kind, Address: t.Address, Class: r.Class,
		Milli: r.Latency.Milliseconds(), DNS: r.DNS.Milliseconds(), Connect: r.Connect.Milliseconds(), TLS: r.TLS.Milliseconds(), First: r.First.Milliseconds(),
		Family: r.Family, Half: r.Half, Ends: r.Ends, Runs: strings.TrimSpace(r.Software + " " + r.Version), Detail: r.Detail,
	}
	if r.Leaf != [32]byte{} {
		v.Leaf = hex.EncodeToString(r.Leaf[:])
	}
	return v
}

// testCommand is `watch test`: one look, now, from here.
func testCommand(p *words.Printer, open console.Opener[*Room]) *cobra.Command {
	var flags target.Flags
	c := console.Command(open, "test TARGET", p.T("watch.cmd_test", nil), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		all, err := adder{r}.typed(cmd.Context(), flags.Typed(typed[0]))
		if err != nil {
			return err
		}
		var views []lookView
		for _, t := range all {
			views = append(views, viewOf(t, r.looker.Look(cmd.Context(), t)))
		}
		return out.Emit(views, func() {
			rows := make([][]string, 0, len(views))
			for _, v := range views {
				rows = append(rows, []string{string(v.Kind), v.Address, out.P.T(v.Class.Key(), nil), out.P.T("watch.ms", args{"Milli": v.Milli}), v.note(out.P)})
			}
			out.Table([]string{"watch.head_kind", "watch.head_address", "watch.head_class", "watch.head_ms", "watch.head_note"}, rows)
		})
	})
	flags.Register(c, p)
	return c
}

// note is what else there is to say of a look.
func (v lookView) note(p *words.Printer) string {
	var all []string
	if v.Ends != 0 {
		all = append(all, p.T("watch.certificate_until", args{"Day": p.Day(v.Ends)}))
	}
	if v.Half != "" {
		all = append(all, p.T("watch.other_family", args{"Class": p.T(v.Half.Key(), nil)}))
	}
	for _, text := range []string{v.Runs, v.Detail} {
		if text != "" {
			all = append(all, text)
		}
	}
	return strings.Join(all, "; ")
}

// typed are the targets a person means: one of ours or, for an address that is none, what
// answers there or what the named kind makes of it. Nothing is stored.
func (r adder) typed(ctx context.Context, typed target.Target) ([]target.Target, error) {
	t, err := r.Targets.Own(ctx, typed.Address)
	if core.CodeOf(err) != core.CodeNotFound {
		return []target.Target{t}, err
	}
	if typed.Kind == "" {
		return r.Detect(ctx, typed)
	}
	if typed.Service == "" {
		typed.Service = typed.Host()
	}
	t = r.Targets.Draft(typed)
	return []target.Target{t}, t.Check()
}
