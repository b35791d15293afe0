package trust

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
)

// verb is what a command does to one member.
type verb func(s *Service, ctx context.Context, id core.MemberID) error

func pactCommand(p *words.Printer, open Open) *cobra.Command {
	return group(p, "pact", pactPropose(p, open), pactAccept(p, open),
		pactClose(p, open, "decline"), pactClose(p, open, "end"), pactList(p, open), pactShow(p, open))
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
	f.Limits = tidyProse(f.Limits)
	return f.Card
}

func pactPropose(p *words.Printer, open Open) *cobra.Command {
	var (
		both, give, ask = grantFlags{}, grantFlags{prefix: "give-"}, grantFlags{prefix: "ask-"}
		card            cardFlags
		terms           Terms
		notice          string
	)
	c := command(p, open, "propose DOMAIN", "pact_propose", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		to, err := core.ParseMemberID(typed[0])
		if err != nil {
			return err
		}
		if _, err := both.grants(); err != nil {
			return err // names the flag that was typed
		}
		if terms.Give, err = give.over(both).grants(); err != nil {
			return err
		}
		if terms.Ask, err = ask.over(both).grants(); err != nil {
			return err
		}
		if len(terms.Give)+len(terms.Ask) == 0 {
			return core.Invalid("trust.empty_pact", errors.New("no grant was typed"))
		}
		// French writes days with a j.
		if terms.NoticeDays, err = strconv.ParseInt(strings.TrimRight(notice, "dj"), 10, 64); err != nil {
			return badQuantity("notice", notice, err)
		}
		terms.Card, terms.Purpose = card.card(), tidyProse(terms.Purpose)
		h, err := s.Propose(cmd.Context(), to, terms)
		if err != nil {
			return err
		}
		return emitPact(cmd, s, out, h)
	})
	for _, f := range []*grantFlags{&both, &give, &ask} {
		f.register(c.Flags(), p)
	}
	card.register(c.Flags(), p)
	c.Flags().StringVar(&notice, "notice", fmt.Sprintf("%dd", defaultNotice), p.T("trust.flag.notice", nil))
	c.Flags().StringVar(&terms.Review, "review", "", p.T("trust.flag.review", nil))
	c.Flags().StringVar(&terms.Purpose, "purpose", "", p.T("trust.flag.purpose", nil))
	c.Flags().SortFlags = false
	return c
}

func pactAccept(p *words.Printer, open Open) *cobra.Command {
	var (
		card cardFlags
		yes  bool
	)
	c := command(p, open, "accept ID", "pact_accept", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Signable(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if h.Accepted == nil {
			if err := out.Confirm(yes, func(side *console.Out) { summaryLines(side, h) }); err != nil {
				return err
			}
		}
		if h, err = s.Accept(cmd.Context(), h.ID, card.card()); err != nil {
			return err
		}
		return emitPact(cmd, s, out, h)
	})
	card.register(c.Flags(), p)
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_accept", nil))
	return c
}

// summaryLines says in a few lines what a signature under a proposal promises, in
// the words of its convention.
func summaryLines(out *console.Out, h Held) {
	d := draft{p: out.P, held: h}
	a, b := d.name(h.Pact.Proposer.Member), d.name(h.Pact.Accepter.Member)
	out.Say("trust.pact.to_sign", args{"Member": a, "ID": short(h.ID)})
	for _, block := range []Block{d.promises(h.Pact.Proposer, b), d.promises(h.Pact.Accepter, a), d.duration()} {
		out.Line(block.Text)
		for _, item := range block.Items {
			out.Line("  - " + item)
		}
	}
	out.Say("trust.pact.signing", args{"ID": short(h.ID)})
}

func pactClose(p *words.Printer, open Open, use string) *cobra.Command {
	var yes bool
	c := command(p, open, use+" ID", "pact_"+use, func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Pact(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		// A proposal can be made again; the end of a pact takes the ground from under
		// backups, whichever of the two commands was typed.
		if h.State(s.now()) == Active {
			_, theirs := h.Side(s.self())
			if err := out.Confirm(yes, func(side *console.Out) {
				side.Say("trust.pact.to_end", args{"Member": theirs.Member, "ID": short(h.ID), "Days": h.Pact.NoticeDays})
			}); err != nil {
				return err
			}
		}
		if h, err = s.Close(cmd.Context(), h.ID); err != nil {
			return err
		}
		return emitPact(cmd, s, out, h)
	})
	c.Flags().BoolVar(&yes, "yes", false, p.T("trust.flag.yes_end", nil))
	return c
}

func pactList(p *words.Printer, open Open) *cobra.Command {
	return command(p, open, "list", "pact_list", func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		held, err := s.Pacts(cmd.Context())
		if err != nil {
			return err
		}
		waiting, err := s.Tasks.Waiting(cmd.Context())
		if err != nil {
			return err
		}
		views := []PactView{}
		var rows [][]string
		for _, h := range held {
			v := h.View(s.self(), s.now(), waiting)
			says, _, err := s.pactState(cmd.Context(), out.P, h)
			if err != nil {
				return err
			}
			views = append(views, v)
			rows = append(rows, []string{
				short(v.ID), string(v.Member), says,
				grantsLine(out.P, v.Gives), grantsLine(out.P, v.Gets),
			})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("trust.pact.none", nil)
				return
			}
			out.Table([]string{"trust.col.pact", "trust.col.with", "trust.col.state", "trust.col.gives", "trust.col.gets"}, rows)
			for _, v := range views {
				waitingLines(out, v.Waiting)
			}
		})
	})
}

func grantsLine(p *words.Printer, grants []core.Grant) string {
	if len(grants) == 0 {
		return p.T("trust.nothing", nil)
	}
	return strings.Join(grantsWords(p, grants), " ; ")
}

func pactShow(p *words.Printer, open Open) *cobra.Command {
	var format string
	c := command(p, open, "show ID", "pact_show", func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		h, err := s.Pact(cmd.Context(), typed[0])
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
		return showPact(s, out, shown{h, docs, format})
	})
	c.Flags().StringVar(&format, "format", "text", p.T("trust.flag.format", nil))
	return c
}

// shown is a pact on its way to the reader.
type shown struct {
	Held
	docs   Offer
	format string
}

func showPact(s *Service, out *console.Out, h shown) error {
	text := NewConvention(out.P, h.Held, h.docs.Pact, s.now())
	switch h.format {
	case "text":
		return text.WriteText(out.W)
	case "html":
		return text.WriteHTML(out.W)
	case "json":
		all := console.Out{W: out.W, JSON: true}
		return all.Emit(struct {
			PactView
			Pact       Pact           `json:"pact"`
			Accepted   *Acceptance    `json:"acceptance,omitempty"`
			Document   seal.Envelope  `json:"document"`
			Acceptance *seal.Envelope `json:"acceptance_document,omitempty"`
		}{h.View(s.self(), s.now(), nil), h.Pact, h.Accepted, h.docs.Pact, h.docs.Acceptance}, nil)
	}
	return core.Invalid("trust.bad_format", fmt.Errorf("format %.20q", h.format))
}

// emitPact says where a pact stands now, and what could not be delivered yet.
func emitPact(cmd *cobra.Command, s *Service, out *console.Out, h Held) error {
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
		out.Say(key, args{"ID": short(v.ID), "Member": v.Member, "Until": out.P.Day(until)})
		for _, w := range v.Waiting {
			if w.Error != "" {
				out.Say("trust.pact.undelivered", args{"Member": w.Member})
				break
			}
		}
		waitingLines(out, v.Waiting)
	})
}

// readFile reads a text a person wrote. Returns CodeInvalid.
func readFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", core.Invalid("trust.unreadable", err).With("Path", path)
	}
	return tidyProse(string(text)), nil
}
