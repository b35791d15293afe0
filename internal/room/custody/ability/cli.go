package ability

import (
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/custody/person"
)

// Commands are `custody ability ...` and `custody figure`.
func Commands(p *words.Printer, open console.Opener[*Abilities]) []*cobra.Command {
	return []*cobra.Command{
		console.Group("ability", p.T("custody.ability.cmd", nil),
			addCommand(p, open), listCommand(p, open), proveCommand(p, open), confirmCommand(p, open), dropCommand(p, open)),
		figureCommand(p, open),
	}
}

func addCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	return console.Command(open, "add SERVICE KIND [SUBJECT]", p.T("custody.ability.cmd_add", args{"Kinds": kindList()}), func(cmd *cobra.Command, s *Abilities, out *console.Out, typed []string) error {
		subject := ""
		if len(typed) > 2 {
			subject = typed[2]
		}
		a, err := s.Add(cmd.Context(), typed[0], typed[1], subject)
		if err != nil {
			return err
		}
		return out.Emit(args{"id": a.ID, "service": a.Service, "kind": a.Kind, "subject": a.Subject}, func() {
			out.Say("custody.ability.added", args{"ID": a.ID, "Kind": kindOf(out.P, a), "Service": serviceOf(out.P, a.Service)})
		})
	})
}

func dropCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	return console.Command(open, "drop ABILITY", p.T("custody.ability.cmd_drop", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, typed []string) error {
		a, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if err := s.Drop(cmd.Context(), a.ID); err != nil {
			return err
		}
		return out.Emit(args{"id": a.ID}, func() {
			out.Say("custody.ability.dropped", args{"Kind": kindOf(out.P, a), "Service": serviceOf(out.P, a.Service)})
		})
	})
}

// report reads everything commands show.
func report(cmd *cobra.Command, s *Abilities) (f Facts, r Report, names map[person.ID]string, err error) {
	if f, err = s.Facts(cmd.Context()); err != nil {
		return f, r, nil, err
	}
	names, err = s.Persons.Names(cmd.Context())
	return f, f.Figures(core.At(s.Now())), names, err
}

func listCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	return console.Command(open, "list", p.T("custody.ability.cmd_list", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, _ []string) error {
		f, r, names, err := report(cmd, s)
		if err != nil {
			return err
		}
		return out.Emit(viewReport(r, f).Abilities, func() {
			if len(r.Abilities) == 0 {
				out.Say("custody.ability.nothing", nil)
				return
			}
			rows := make([][]string, 0, len(r.Abilities))
			for _, a := range r.Abilities {
				rows = append(rows, []string{a.ID[:8], serviceOf(out.P, a.Service), kindOf(out.P, a.Ability), strconv.Itoa(a.People.Count), provers(out.P, f, a.Ability, r.At, names)})
			}
			out.Table([]string{"custody.ability.head_id", "custody.ability.head_service", "custody.ability.head_kind", "custody.ability.head_figure", "custody.ability.head_who"}, rows)
		})
	})
}

// provers says who proved an ability, and when.
func provers(p *words.Printer, f Facts, a Ability, now core.Moment, names map[person.ID]string) string {
	var all []string
	for _, h := range f.Holdings {
		if h.Ability != a.ID {
			continue
		}
		key := "custody.ability.proved"
		if !h.Counts(now) {
			key = "custody.ability.proof_over"
		}
		all = append(all, p.T(key, args{"Name": names[h.Person], "Ago": p.Ago(h.Proved, now.Time())}))
	}
	if len(all) == 0 {
		return p.T("custody.ability.nobody", nil)
	}
	return strings.Join(all, "; ")
}

// begun is a proof that begins, as JSON has it.
type begun struct {
	ID      string    `json:"id"`
	Ability string    `json:"ability"`
	Person  person.ID `json:"person"`
	Line    string    `json:"line"`
	Proof   Proof     `json:"proof,omitempty"`
	Name    string    `json:"name,omitempty"`
	TXT     string    `json:"txt,omitempty"`
	File    string    `json:"file,omitempty"`
	// WitnessLine is what the second person signs, where one was named.
	WitnessLine string      `json:"witness_line,omitempty"`
	Expires     core.Moment `json:"expires_us"`
}

func proveCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	var witness string
	c := console.Command(open, "prove ABILITY PERSON", p.T("custody.ability.cmd_prove", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, typed []string) error {
		a, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		c, err := s.Persons.Find(cmd.Context(), typed[1])
		if err != nil {
			return err
		}
		var w person.Card
		if witness != "" {
			if w, err = s.Persons.Find(cmd.Context(), witness); err != nil {
				return err
			}
		}
		t, err := s.Prove(cmd.Context(), a.ID, c.ID)
		if err != nil {
			return err
		}
		b := begun{t.ID, a.ID, c.ID, t.Line, t.Proof, t.Name, t.TXT, t.File, "", t.Expires}
		if w.ID != "" {
			b.WitnessLine = t.WitnessLine(s.Node, w.ID)
		}
		return out.Emit(b, func() { sayTask(out, t, c.Name, b.WitnessLine) })
	})
	c.Flags().StringVar(&witness, "witness", "", p.T("custody.ability.flag_witness", nil))
	return c
}

// sayTask tells what has to be done, line by line.
func sayTask(out *console.Out, t Task, name, witness string) {
	sign := func(line, file string) {
		out.Line("  printf '%s\\n' '" + strings.TrimSpace(line) + "' | ssh-keygen -Y sign -n " + person.Namespace + " -f ~/.ssh/id_ed25519 > " + file)
	}
	said := args{"Name": t.Name, "TXT": t.TXT, "File": t.File, "ID": t.ID, "Subject": t.Ability.Subject}
	out.Say("custody.ability.begun", args{"Name": name, "Kind": kindOf(out.P, t.Ability)})
	if t.Proof == ByMail && witness == "" {
		out.Say("custody.ability.do_mail", said)
		return
	}
	out.Say("custody.ability.sign_first", nil)
	sign(t.Line, "proof.sig")
	switch {
	case witness != "":
		out.Say("custody.ability.do_witness", nil)
		sign(witness, "witness.sig")
		out.Say("custody.ability.then_witness", said)
		return
	case t.Proof == "":
		out.Say("custody.ability.do_find_witness", nil)
		return
	case t.Proof == ByTXT:
		out.Say("custody.ability.do_dns", said)
	case t.Proof == ByRoot:
		out.Say("custody.ability.do_root", said)
	case t.Proof == ByCanary:
		out.Say("custody.ability.do_words", said)
	case t.Proof == ByRDAP:
		out.Say("custody.ability.do_rdap", said)
	}
	out.Say("custody.ability.then_confirm", said)
}

func confirmCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	var signature, witness, witnessed, seed string
	c := console.Command(open, "confirm PROOF", p.T("custody.ability.cmd_confirm", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, typed []string) (err error) {
		var g Given
		if g.Signature, err = readFile(signature, out.In); err != nil {
			return err
		}
		if witness != "" {
			w, err := s.Persons.Find(cmd.Context(), witness)
			if err != nil {
				return err
			}
			g.Witness = w.ID
			if g.WitnessSignature, err = readFile(witnessed, out.In); err != nil {
				return err
			}
		}
		if ask, err := s.asksWords(cmd.Context(), typed[0]); err != nil {
			return err
		} else if ask && witness == "" {
			if g.Words, err = out.ReadWords(seed); err != nil {
				return err
			}
		}
		h, err := s.Confirm(cmd.Context(), typed[0], g)
		if err != nil {
			return err
		}
		return out.Emit(HoldingView{h.Person, h.Proof, h.Witness, h.Proved, true, h.Evidence}, func() { out.Say("custody.ability.confirmed", nil) })
	})
	c.Flags().StringVar(&signature, "signature", "proof.sig", p.T("custody.ability.flag_signature", nil))
	c.Flags().StringVar(&witness, "witness", "", p.T("custody.ability.flag_witness", nil))
	c.Flags().StringVar(&witnessed, "witness-signature", "witness.sig", p.T("custody.ability.flag_witness_signature", nil))
	c.Flags().StringVar(&seed, "words", "", p.T("custody.ability.flag_words", nil))
	return c
}

// readFile reads a signature from a file, or what is typed where its name is "-".
func readFile(name string, in io.Reader) (string, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", core.NotFound("custody.ability.no_file", err).With("File", name)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 8<<10))
	return string(text), err
}

func figureCommand(p *words.Printer, open console.Opener[*Abilities]) *cobra.Command {
	var publish string
	c := console.Command(open, "figure", p.T("custody.ability.cmd_figure", nil), func(cmd *cobra.Command, s *Abilities, out *console.Out, _ []string) error {
		if publish != "" {
			if err := s.Publish(cmd.Context(), publish); err != nil {
				return err
			}
		}
		f, r, names, err := report(cmd, s)
		if err != nil {
			return err
		}
		return out.Emit(viewReport(r, f), func() {
			if len(r.Services) == 0 {
				out.Say("custody.ability.nothing", nil)
				return
			}
			rows := make([][]string, 0, len(r.Services))
			for _, one := range r.Services {
				rows = append(rows, []string{serviceOf(out.P, one.Name), says(out.P, one), namesOf(names, one.People.Lost), strconv.Itoa(one.Places.Count)})
			}
			out.Table([]string{"custody.ability.head_service", "custody.ability.head_figure", "custody.ability.head_lost", "custody.ability.head_places"}, rows)
			if r.Oldest > 0 {
				out.Say("custody.ability.oldest", args{"Ago": out.P.Ago(r.Oldest, r.At.Time())})
			}
			for _, b := range f.Besides() {
				out.Say("custody.ability.beside", args{"Scope": b.Scope, "Lost": besideSays(out.P, b)})
			}
		})
	})
	c.Flags().StringVar(&publish, "publish", "", p.T("custody.ability.flag_publish", nil))
	return c
}
