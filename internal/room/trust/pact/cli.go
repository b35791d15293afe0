package pact

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/trust/document"
	"entrechat/internal/room/trust/grant"
	"entrechat/internal/room/trust/task"
)

// Open gives a command the pacts over the node's own data, and where to print.
type Open = console.Opener[*Service]

type args = map[string]any

// Command is `pact` with what it holds; p says what it is for.
func Command(p *words.Printer, types grant.Types, open Open) *cobra.Command {
	return console.Group("pact", p.T("trust.cmd.pact", nil), proposeCommand(p, types, open), acceptCommand(p, open),
		closeCommand(p, open, "decline"), closeCommand(p, open, "end"), listCommand(p, open), showCommand(p, open))
}

// cardFlags are what we say of ourselves in this pact, over the configuration.
type cardFlags struct{ Card }

func (f *cardFlags) register(flags *pflag.FlagSet, p *words.Printer) {
	flags.StringVar(&f.Name, "name", "", p.T("trust.flag.name", nil))
	flags.StringVar(&f.Place, "place", "", p.T("trust.flag.place", nil))
	flags.StringVar(&f.Network, "network", "", p.T("trust.flag.network", nil))
	flags.StringVar(&f.Admin, "admin", "", p.T("trust.flag.admin", nil))
	flags.StringVar(&f.Contact, "contact", "", p.T("trust.flag.contact", nil))
	flags.StringVar(&f.Limits, "limits", "", p.T("trust.flag.limits", nil))
}

func (f *cardFlags) card() Card {
	f.Limits = document.TidyProse(f.Limits)
	return f.Card
}

func proposeCommand(p *words.Printer, types grant.Types, open Open) *cobra.Command {
	var (
		both, give, ask = grant.NewFlags(types, ""), grant.NewFlags(types, "give-"), grant.NewFlags(types, "ask-")
		card            cardFlags
		terms           Terms
		notice          string
	)
	c := console.Command(open, "propose DOMAIN", p.T("trust.cmd.pact_propose", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		to, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if _, err := both.Grants(); err != nil {
			return err // names the flag that was typed
		}
		if terms.Give, err = give.Over(both).Grants(); err != nil {
			return err
		}
		if terms.Ask, err = ask.Over(both).Grants(); err != nil {
			return err
		}
		if len(terms.Give)+len(terms.Ask) == 0 {
			return core.Invalid("trust.empty_pact", errors.New("no grant was typed"))
		}
		// French writes days with a j.
		if terms.NoticeDays, err = strconv.ParseInt(strings.TrimRight(notice, "dj"), 10, 64); err != nil {
			return grant.BadQuantity("notice", notice, err)
		}
		terms.Card, terms.Purpose = card.card(), document.TidyProse(terms.Purpose)
		h, err := s.Propose(cmd.Context(), to, terms)
		if err != nil {
			return err
		}
		return emit(cmd, s, out, h)
	})
	for _, f := range []grant.Flags{both, give, ask} {
		f.Register(c.Flags(), p)
	}
	card.register(c.Flags(), p)
	c.Flags().StringVar(&notice, "notice", fmt.Sprintf("%dd", defaultNotice), p.T("trust.flag.notice", nil))
	c.Flags().StringVar(&terms.Review, "review", "", p.T("trust.flag.review", nil))
	c.Flags().StringVar(&terms.Purpose, "purpose", "", p.T("trust.flag.purpose", nil))
	c.Flags().SortFlags = false
	return c
}

func acceptCommand(p *words.Printer, open Open) *cobra.Command {
	var (
		card cardFlags
		yes  bool
	)
	c := console.Command(open, "accept ID", p.T("trust.cmd.pact_accept", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Signable(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if h.Accepted == nil {
			if err := out.Confirm(yes, func(side *console.Out) { summaryLines(side, s.Types, h) }); err != nil {
				return err
			}
		}
		if h, err = s.Accept(cmd.Context(), h.ID, card.card()); err != nil {
			return err
		}
		return emit(cmd, s, out, h)
	})
	card.register(c.Flags(), p)
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_accept", nil))
	return c
}

// summaryLines says in a few lines what a signature under a proposal promises, in
// the words of its convention.
func summaryLines(out *console.Out, types grant.Types, h Record) {
	d := draft{p: out.P, types: types, record: h}
	a, b := d.name(h.Pact.Proposer.Member), d.name(h.Pact.Accepter.Member)
	out.Say("trust.pact.to_sign", args{"Member": a, "ID": document.Short(h.ID)})
	for _, block := range []Block{d.promises(h.Pact.Proposer, b), d.promises(h.Pact.Accepter, a), d.duration()} {
		out.Line(block.Text)
		for _, item := range block.Items {
			out.Line("  - " + item)
		}
	}
	out.Say("trust.pact.signing", args{"ID": document.Short(h.ID)})
}

func closeCommand(p *words.Printer, open Open, use string) *cobra.Command {
	var yes bool
	c := console.Command(open, use+" ID", p.T("trust.cmd."+"pact_"+use, nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		// A proposal can be made again; the end of a pact takes the ground from under
		// backups, whichever of the two commands was typed.
		if h.State(s.now()) == Active {
			_, theirs := h.Side(s.self())
			if err := out.Confirm(yes, func(side *console.Out) {
				side.Say("trust.pact.to_end", args{"Member": theirs.Member, "ID": document.Short(h.ID), "Days": h.Pact.NoticeDays})
			}); err != nil {
				return err
			}
		}
		if h, err = s.Close(cmd.Context(), h.ID); err != nil {
			return err
		}
		return emit(cmd, s, out, h)
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_end", nil))
	return c
}

func listCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "list", p.T("trust.cmd.pact_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		records, err := s.List(cmd.Context())
		if err != nil {
			return err
		}
		waiting, err := s.Tasks.Waiting(cmd.Context())
		if err != nil {
			return err
		}
		views := []View{}
		var rows [][]string
		for _, h := range records {
			v := h.View(s.self(), s.now(), waiting)
			says, _, err := s.stateOf(cmd.Context(), out.P, h)
			if err != nil {
				return err
			}
			views = append(views, v)
			rows = append(rows, []string{
				document.Short(v.ID), string(v.Member), says,
				s.Types.Line(out.P, v.Gives), s.Types.Line(out.P, v.Gets),
			})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("trust.pact.none", nil)
				return
			}
			out.Table([]string{"trust.col.pact", "trust.col.with", "trust.col.state", "trust.col.gives", "trust.col.gets"}, rows)
			for _, v := range views {
				task.Print(out, v.Waiting)
			}
		})
	})
}

func showCommand(p *words.Printer, open Open) *cobra.Command {
	var format string
	c := console.Command(open, "show ID", p.T("trust.cmd.pact_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		docs, err := s.Signed(cmd.Context(), h.ID)
		if err != nil {
			return err
		}
		if out.JSON {
			format = "json"
		}
		return show(s, out, shown{h, docs, format})
	})
	c.Flags().StringVar(&format, "format", "text", p.T("trust.flag.format", nil))
	return c
}

// shown is a pact on its way to the reader.
type shown struct {
	Record
	docs   Offer
	format string
}

func show(s *Service, out *console.Out, h shown) error {
	text := NewConvention(out.P, s.Types, h.Record, h.docs.Pact, s.now())
	switch h.format {
	case "text":
		return text.WriteText(out.W)
	case "html":
		return text.WriteHTML(out.W)
	case "json":
		all := console.Out{W: out.W, JSON: true}
		return all.Emit(struct {
			View
			Pact       Pact           `json:"pact"`
			Accepted   *Acceptance    `json:"acceptance,omitempty"`
			Document   seal.Envelope  `json:"document"`
			Acceptance *seal.Envelope `json:"acceptance_document,omitempty"`
		}{h.View(s.self(), s.now(), nil), h.Pact, h.Accepted, h.docs.Pact, h.docs.Acceptance}, nil)
	}
	return core.Invalid("trust.bad_format", fmt.Errorf("format %.20q", h.format))
}

// emit says where a pact stands now, and what could not be delivered yet.
func emit(cmd *cobra.Command, s *Service, out *console.Out, h Record) error {
	waiting, err := s.Tasks.Waiting(cmd.Context())
	if err != nil {
		return err
	}
	v := h.View(s.self(), s.now(), waiting)
	return out.Emit(v, func() {
		key := "trust.pact." + string(v.State)
		if v.State == Active {
			key = "trust.pact.accepted"
		}
		until := v.Until
		if v.State == Proposed {
			until = h.Pact.OpenUntil
		}
		out.Say(key, args{"ID": document.Short(v.ID), "Member": v.Member, "Until": out.P.Day(until)})
		for _, w := range v.Waiting {
			if w.Error != "" {
				out.Say("trust.pact.undelivered", args{"Member": w.Member})
				break
			}
		}
		task.Print(out, v.Waiting)
	})
}
