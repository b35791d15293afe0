package person

import (
	"io"
	"os"
	"strings"

	"filippo.io/age/armor"
	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// View is a card as commands print it, to our own admins only.
type View struct {
	ID        ID          `json:"id"`
	Name      string      `json:"name"`
	Key       string      `json:"key"`
	Encrypt   string      `json:"recipient"`
	Account   string      `json:"account,omitempty"`
	Household string      `json:"household,omitempty"`
	Mail      string      `json:"mail,omitempty"`
	Made      core.Moment `json:"made_us"`
	Left      core.Moment `json:"left_us,omitempty"`
	Duties    []Duty      `json:"duties"`
	Contacts  string      `json:"contacts,omitempty"`
}

func view(c Card, all []Duty) View {
	v := View{ID: c.ID, Name: c.Name, Key: c.Key, Encrypt: c.Encrypt, Account: c.Account, Household: c.Household, Mail: c.Mail, Made: c.Made, Left: c.Left, Duties: []Duty{}}
	for _, d := range all {
		if d.Person == c.ID {
			v.Duties = append(v.Duties, d)
		}
	}
	return v
}

// Command is `custody person ...`; more are commands about persons that other folders have.
func Command(p *words.Printer, open console.Opener[*Persons], more ...*cobra.Command) *cobra.Command {
	subs := append([]*cobra.Command{addCommand(p, open), listCommand(p, open), showCommand(p, open), roleCommand(p, open), mailCommand(p, open), contactsCommand(p, open)}, more...)
	return console.Group("person", p.T("custody.person.cmd", nil), subs...)
}

func addCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	var n New
	var file string
	c := console.Command(open, "add NAME", p.T("custody.person.cmd_add", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, typed []string) (err error) {
		n.Name = typed[0]
		if n.Key, err = readFile(file, out.In, maxKey); err != nil {
			return err
		}
		made, err := s.Add(cmd.Context(), n)
		if err != nil {
			return err
		}
		return out.Emit(view(made, nil), func() {
			out.Say("custody.person.added", args{"Name": made.Name, "ID": string(made.ID), "Namespace": Namespace})
		})
	})
	c.Flags().StringVar(&file, "key", "", p.T("custody.person.flag_key", nil))
	c.Flags().StringVar(&n.Encrypt, "recipient", "", p.T("custody.person.flag_recipient", nil))
	c.Flags().StringVar(&n.Mail, "mail", "", p.T("custody.person.flag_mail", nil))
	c.Flags().StringVar(&n.Account, "account", "", p.T("custody.person.flag_account", nil))
	c.Flags().StringVar(&n.Household, "household", "", p.T("custody.person.flag_household", nil))
	_ = c.MarkFlagRequired("key")
	return c
}

// readFile reads a small file, or what is typed where its name is "-".
func readFile(name string, in io.Reader, most int64) (string, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", core.NotFound("custody.person.no_file", err).With("File", name)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	return string(text), err
}

func listCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	return console.Command(open, "list", p.T("custody.person.cmd_list", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, _ []string) error {
		cards, err := s.All(cmd.Context())
		if err != nil {
			return err
		}
		all, err := s.Duties(cmd.Context())
		if err != nil {
			return err
		}
		views, rows := make([]View, 0, len(cards)), make([][]string, 0, len(cards))
		for _, c := range cards {
			v := view(c, all)
			views = append(views, v)
			rows = append(rows, []string{c.Name, string(c.ID[:8]), c.Account, c.Household, out.P.T("custody.person.count_duties", args{"Count": len(v.Duties)})})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("custody.person.nobody", nil)
				return
			}
			out.Table([]string{"custody.person.head_name", "custody.person.head_id", "custody.person.head_account", "custody.person.head_household", "custody.person.head_duties"}, rows)
		})
	})
}

func showCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	return console.Command(open, "show PERSON", p.T("custody.person.cmd_show", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, typed []string) error {
		c, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		all, err := s.Duties(cmd.Context())
		if err != nil {
			return err
		}
		v := view(c, all)
		if v.Contacts, err = s.Contacts(cmd.Context(), c.ID); err != nil {
			return err
		}
		return out.Emit(v, func() {
			out.Say("custody.person.shown", args{"Name": c.Name, "ID": string(c.ID), "Key": c.Key, "Encrypt": c.Encrypt})
			for _, d := range v.Duties {
				out.Say("custody.person.duty", args{"Service": d.Service, "Role": out.P.T("custody.person.role_"+string(d.Role), nil)})
			}
			if c.Mail != "" {
				out.Say("custody.person.mail", args{"Mail": c.Mail})
			}
			if v.Contacts != "" {
				out.Line(v.Contacts)
			}
		})
	})
}

func roleCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	return console.Command(open, "role PERSON SERVICE ROLE", p.T("custody.person.cmd_role", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, typed []string) error {
		c, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		role, err := ParseRole(typed[2])
		if err != nil {
			return err
		}
		d := Duty{Service: typed[1], Person: c.ID, Role: role}
		if err := s.SetRole(cmd.Context(), d); err != nil {
			return err
		}
		return out.Emit(d, func() {
			if role == "" {
				out.Say("custody.person.role_gone", args{"Name": c.Name, "Service": d.Service})
				return
			}
			out.Say("custody.person.role_set", args{"Name": c.Name, "Service": d.Service, "Role": out.P.T("custody.person.role_"+string(role), nil)})
		})
	})
}

func mailCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	return console.Command(open, "mail PERSON [ADDRESS]", p.T("custody.person.cmd_mail", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, typed []string) error {
		c, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		address := ""
		if len(typed) > 1 {
			address = typed[1]
		}
		if err := s.SetMail(cmd.Context(), c.ID, address); err != nil {
			return err
		}
		return out.Emit(args{"id": c.ID}, func() { out.Say("custody.person.mail_kept", args{"Name": c.Name}) })
	})
}

func contactsCommand(p *words.Printer, open console.Opener[*Persons]) *cobra.Command {
	var file string
	var sealed bool
	c := console.Command(open, "contacts PERSON", p.T("custody.person.cmd_contacts", nil), func(cmd *cobra.Command, s *Persons, out *console.Out, typed []string) error {
		c, err := s.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if sealed {
			return printSealed(cmd, s, out, c)
		}
		text, err := readFile(file, out.In, maxContacts)
		if err != nil {
			return err
		}
		if err := s.SetContacts(cmd.Context(), c.ID, text); err != nil {
			return err
		}
		return out.Emit(args{"id": c.ID, "bytes": len(text)}, func() { out.Say("custody.person.contacts_kept", args{"Name": c.Name}) })
	})
	c.Flags().StringVar(&file, "file", "-", p.T("custody.person.flag_file", nil))
	c.Flags().BoolVar(&sealed, "sealed", false, p.T("custody.person.flag_sealed", nil))
	return c
}

// printSealed prints the age file of how a person is reached, armoured: to be kept where each
// of our admins opens it without this node.
func printSealed(cmd *cobra.Command, s *Persons, out *console.Out, c Card) error {
	sealed, err := s.SealedContacts(cmd.Context(), c.ID)
	if err != nil {
		return err
	}
	if sealed == nil {
		return core.NotFound("custody.person.no_contacts", nil).With("Name", c.Name)
	}
	var text strings.Builder
	w := armor.NewWriter(&text)
	if _, err := w.Write(sealed); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return out.Emit(args{"id": c.ID, "age": text.String()}, func() { out.Line(strings.TrimSpace(text.String())) })
}
