package people

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/identity/organisation"
	"entrechat/internal/room/identity/person"
)

type args = map[string]any

// View is an account as commands print it.
type View struct {
	ID            person.ID     `json:"id"`
	Handle        string        `json:"handle"`
	Name          string        `json:"name"`
	Mail          string        `json:"mail"`
	Kind          person.Kind   `json:"kind"`
	Status        person.Status `json:"status"`
	Roles         []person.Role `json:"roles"`
	Choice        person.Choice `json:"choice"`
	Made          core.Moment   `json:"made_us"`
	Organisations []string      `json:"organisations,omitempty"`
}

func view(p person.Person) View {
	return View{ID: p.ID, Handle: p.Handle, Name: p.Name, Mail: p.Mail, Kind: p.Kind, Status: p.Status, Roles: append([]person.Role{}, p.Roles...), Choice: p.Choice, Made: p.Made}
}

// Commands are `identity person ...` and `identity org ...`.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	return []*cobra.Command{
		console.Group("person", p.T("identity.people.cmd", nil), personCommands(p, open)...),
		console.Group("org", p.T("identity.people.cmd_org", nil), orgCommands(p, open)...),
	}
}

func personCommands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	// step is a command that does one thing to one account.
	step := func(use, about, done string, do func(cmd *cobra.Command, s *Service, p person.Person, typed []string) (person.Person, error)) *cobra.Command {
		return console.Command(open, use, p.T(about, nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			found, err := s.People.Find(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			if found, err = do(cmd, s, found, typed); err != nil {
				return err
			}
			return out.Emit(view(found), func() { out.Say(done, args{"Handle": found.Handle}) })
		})
	}
	return []*cobra.Command{
		addCommand(p, open), listCommand(p, open), showCommand(p, open), roleCommand(p, open),
		console.Command(open, "invite PERSON", p.T("identity.people.cmd_invite", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			found, err := s.People.Find(cmd.Context(), typed[0])
			if err != nil {
				return err
			}
			link, err := s.Link(cmd.Context(), person.Person{}, found.ID)
			if err != nil {
				return err
			}
			return out.Emit(invited{view(found), link}, func() { out.Say("identity.people.link", args{"Handle": found.Handle, "URL": link}) })
		}),
		step("admit PERSON", "identity.people.cmd_admit", "identity.people.admitted", func(cmd *cobra.Command, s *Service, p person.Person, _ []string) (person.Person, error) {
			return s.Admit(cmd.Context(), person.Person{}, p.ID)
		}),
		step("suspend PERSON", "identity.people.cmd_suspend", "identity.people.suspended", func(cmd *cobra.Command, s *Service, p person.Person, _ []string) (person.Person, error) {
			return s.Suspend(cmd.Context(), person.Person{}, p.ID)
		}),
		step("resume PERSON", "identity.people.cmd_resume", "identity.people.resumed", func(cmd *cobra.Command, s *Service, p person.Person, _ []string) (person.Person, error) {
			return s.Resume(cmd.Context(), person.Person{}, p.ID)
		}),
		step("close PERSON HANDLE", "identity.people.cmd_close", "identity.people.closed", func(cmd *cobra.Command, s *Service, p person.Person, typed []string) (person.Person, error) {
			if typed[1] != p.Handle {
				return p, core.Invalid("identity.people.close_sure", nil).With("Handle", p.Handle)
			}
			return s.Close(cmd.Context(), person.Person{}, p.ID)
		}),
	}
}

// invited is an account with the address where its owner chooses how to sign in.
type invited struct {
	View
	Link string `json:"link"` // shown this once
}

// addCommand is `identity person add`.
func addCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var n person.New
	var role string
	c := console.Command(open, "add HANDLE", p.T("identity.people.cmd_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		n.Handle = typed[0]
		var roles []person.Role
		if role != "" {
			roles = append(roles, person.Role(role))
		}
		made, err := s.Add(cmd.Context(), person.Person{}, n, roles...)
		if err != nil {
			return err
		}
		return out.Emit(invited{view(made.Person), made.Address}, func() {
			out.Say("identity.people.added", args{"Handle": made.Handle})
			out.Say("identity.people.link", args{"Handle": made.Handle, "URL": made.Address})
		})
	})
	f := c.Flags()
	f.StringVar(&n.Name, "name", "", p.T("identity.people.flag_name", nil))
	f.StringVar(&n.Mail, "mail", "", p.T("identity.people.flag_mail", nil))
	f.StringVar(&n.Lang, "lang", "", p.T("identity.people.flag_lang", nil))
	f.StringVar(&role, "role", "", p.T("identity.people.flag_role", nil))
	return c
}

// listCommand is `identity person list`.
func listCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var f person.Filter
	c := console.Command(open, "list", p.T("identity.people.cmd_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		views, rows := []View{}, [][]string{}
		for f.After = ""; ; {
			some, err := s.People.List(cmd.Context(), f)
			if err != nil {
				return err
			}
			for _, one := range some {
				views = append(views, view(one))
				rows = append(rows, []string{one.Handle, one.Name, one.Mail, out.P.T("identity.people.status_"+string(one.Status), nil), said(out.P, one.Roles)})
				f.After = one.Handle
			}
			if len(some) == 0 {
				break
			}
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("identity.people.nobody", nil)
				return
			}
			out.Table([]string{"identity.people.head_handle", "identity.people.head_name", "identity.people.head_mail", "identity.people.head_status", "identity.people.head_roles"}, rows)
		})
	})
	c.Flags().StringVar(&f.Part, "find", "", p.T("identity.people.flag_find", nil))
	return c
}

// said are roles in words.
func said(p *words.Printer, roles []person.Role) string {
	names := make([]string, 0, len(roles))
	for _, role := range roles {
		names = append(names, p.T("identity.people.role_"+string(role), nil))
	}
	return strings.Join(names, ", ")
}

// showCommand is `identity person show`.
func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show PERSON", p.T("identity.people.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		found, err := s.People.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		v := view(found)
		if v.Organisations, err = s.Organisations.Groups(cmd.Context(), found.ID); err != nil {
			return err
		}
		return out.Emit(v, func() {
			none := out.P.T("identity.people.none", nil)
			out.Say("identity.people.shown", args{
				"Handle": v.Handle, "Name": cmp.Or(v.Name, none), "Mail": cmp.Or(v.Mail, none), "Status": out.P.T("identity.people.status_"+string(v.Status), nil),
				"Roles": cmp.Or(said(out.P, v.Roles), none), "Organisations": cmp.Or(strings.Join(v.Organisations, ", "), none),
				"Choice": out.P.T("identity.people.choice_"+string(v.Choice), nil), "ID": string(v.ID),
			})
		})
	})
}

// roleCommand is `identity person role`.
func roleCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var remove bool
	c := console.Command(open, "role PERSON ROLE", p.T("identity.people.cmd_role", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		found, err := s.People.Find(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		if found, err = s.SetRole(cmd.Context(), person.Person{}, found.ID, person.Role(typed[1]), !remove); err != nil {
			return err
		}
		return out.Emit(view(found), func() {
			out.Say("identity.people.roles_are", args{"Handle": found.Handle, "Roles": cmp.Or(said(out.P, found.Roles), out.P.T("identity.people.none", nil))})
		})
	})
	c.Flags().BoolVar(&remove, "remove", false, p.T("identity.people.flag_remove", nil))
	return c
}

// orgView is what changed of an organisation, as commands print it.
type orgView struct {
	Org     string `json:"organisation"`
	Person  string `json:"person,omitempty"` // handle
	Member  bool   `json:"member"`           // is one now
	Manager bool   `json:"manager"`
}

func orgCommands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	var name string
	add := console.Command(open, "add ORG", p.T("identity.people.cmd_org_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		made, err := s.Organisations.Create(cmd.Context(), typed[0], name)
		if err != nil {
			return err
		}
		return out.Emit(made, func() { out.Say("identity.people.org_added", args{"Org": made.Handle}) })
	})
	add.Flags().StringVar(&name, "name", "", p.T("identity.people.flag_org_name", nil))
	return []*cobra.Command{
		add,
		console.Command(open, "list", p.T("identity.people.cmd_org_list", nil), listOrganisations),
		console.Command(open, "remove ORG", p.T("identity.people.cmd_org_remove", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
			if err := s.Organisations.Remove(cmd.Context(), typed[0]); err != nil {
				return err
			}
			return out.Emit(orgView{Org: typed[0]}, func() { out.Say("identity.people.org_removed", args{"Org": typed[0]}) })
		}),
		console.Command(open, "show ORG", p.T("identity.people.cmd_org_show", nil), showOrganisation),
		memberCommand(p, open), reserveCommand(p, open),
	}
}

func listOrganisations(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
	all, err := s.Organisations.List(cmd.Context())
	if err != nil {
		return err
	}
	rows := make([][]string, 0, len(all))
	for _, o := range all {
		clients, err := s.Organisations.Uses(cmd.Context(), o.Handle)
		if err != nil {
			return err
		}
		rows = append(rows, []string{o.Handle, o.Name, strconv.FormatInt(o.People, 10), strings.Join(clients, ", ")})
	}
	return out.Emit(append([]organisation.Organisation{}, all...), func() {
		if len(rows) == 0 {
			out.Say("identity.people.no_orgs", nil)
			return
		}
		out.Table([]string{"identity.people.head_handle", "identity.people.head_name", "identity.people.head_people", "identity.people.head_services"}, rows)
	})
}

// orgShown is an organisation with its people and services, as commands print it.
type orgShown struct {
	organisation.Organisation
	Services []string                  `json:"services"`
	In       []organisation.Membership `json:"in"`
}

// showOrganisation is `identity org show`.
func showOrganisation(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
	found, err := s.Organisations.Get(cmd.Context(), typed[0])
	if err != nil {
		return err
	}
	all := orgShown{Organisation: found}
	if all.Services, err = s.Organisations.Uses(cmd.Context(), found.Handle); err != nil {
		return err
	}
	if all.In, err = s.Organisations.Members(cmd.Context(), person.Person{}, found.Handle); err != nil {
		return err
	}
	all.Services, all.In = append([]string{}, all.Services...), append([]organisation.Membership{}, all.In...)
	return out.Emit(all, func() {
		none := out.P.T("identity.people.none", nil)
		out.Say("identity.people.org_shown", args{"Org": found.Handle, "Name": cmp.Or(found.Name, none), "Services": cmp.Or(strings.Join(all.Services, ", "), none), "Count": len(all.In)})
		rows := make([][]string, 0, len(all.In))
		for _, m := range all.In {
			manages := ""
			if m.Manager {
				manages = out.P.T("identity.people.org_manages", nil)
			}
			rows = append(rows, []string{m.Handle, manages})
		}
		if len(rows) > 0 {
			out.Table([]string{"identity.people.head_handle", "identity.people.head_roles"}, rows)
		}
	})
}

// memberCommand is `identity org member`.
func memberCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var manager, remove bool
	c := console.Command(open, "member ORG PERSON", p.T("identity.people.cmd_org_member", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		found, err := s.People.Find(cmd.Context(), typed[1])
		if err != nil {
			return err
		}
		done := "identity.people.org_joined"
		if remove {
			done = "identity.people.org_left"
			err = s.Organisations.Leave(cmd.Context(), person.Person{}, typed[0], found.ID)
		} else {
			err = s.Organisations.Join(cmd.Context(), person.Person{}, typed[0], found.ID, manager)
		}
		if err != nil {
			return err
		}
		return out.Emit(orgView{Org: typed[0], Person: found.Handle, Member: !remove, Manager: manager && !remove}, func() { out.Say(done, args{"Handle": found.Handle, "Org": typed[0]}) })
	})
	c.Flags().BoolVar(&manager, "manager", false, p.T("identity.people.flag_manager", nil))
	c.Flags().BoolVar(&remove, "remove", false, p.T("identity.people.flag_leave", nil))
	return c
}

// reserveCommand is `identity org service`.
func reserveCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var remove bool
	c := console.Command(open, "service ORG APP", p.T("identity.people.cmd_org_service", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		do := s.Organisations.Reserve
		if remove {
			do = s.Organisations.Release
		} else if err := s.Service(cmd.Context(), typed[1]); err != nil {
			return err // a name typed wrong would leave the service open to everybody
		}
		if err := do(cmd.Context(), typed[1], typed[0]); err != nil {
			return err
		}
		left, err := s.Organisations.ReservedFor(cmd.Context(), typed[1])
		if err != nil {
			return err
		}
		return out.Emit(left, func() {
			if len(left) == 0 {
				out.Say("identity.people.open_to_all", args{"Service": typed[1]})
				return
			}
			out.Say("identity.people.reserved_for", args{"Service": typed[1], "Orgs": strings.Join(left, ", ")})
		})
	})
	c.Flags().BoolVar(&remove, "remove", false, p.T("identity.people.flag_release", nil))
	return c
}
