package client

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// View is a service as commands print it.
type View struct {
	Name     string `json:"name"`
	Template string `json:"template"`
	URL      string `json:"url"`
	Settings
	People int64       `json:"people"`
	Made   core.Moment `json:"made_us"`
	// Secret and Configuration are given when the secret is new, and never again.
	Secret        string `json:"secret,omitempty"`
	Configuration string `json:"configuration,omitempty"`
}

// listed is a template as `identity app list --templates --json` prints it.
type listed struct {
	Template string `json:"template"`
	Software string `json:"software"`
}

func view(c Client) View {
	return View{Name: c.ID, Template: c.Template, URL: c.URL, Settings: c.Settings, Made: c.Made}
}

// Commands are `identity app ...`; p says what they are for.
func Commands(p *words.Printer, open console.Opener[*Service]) []*cobra.Command {
	return []*cobra.Command{console.Group("app", p.T("identity.client.cmd", nil),
		addCommand(p, open), listCommand(p, open), showCommand(p, open), setCommand(p, open), testCommand(p, open), secretCommand(p, open), removeCommand(p, open), aliasesCommand(p, open))}
}

// flags are what of a service can be set by hand.
type flags struct {
	redirects, postLogout, reads []string
	backLogout, alg, names       string
	aliases                      string
	noPKCE, pkce                 bool
	grace                        int64
}

func (f *flags) register(c *cobra.Command, p *words.Printer) {
	c.Flags().StringSliceVar(&f.redirects, "redirect", nil, p.T("identity.client.flag_redirect", nil))
	c.Flags().StringSliceVar(&f.postLogout, "post-logout", nil, p.T("identity.client.flag_post_logout", nil))
	c.Flags().StringVar(&f.backLogout, "back-logout", "", p.T("identity.client.flag_back_logout", nil))
	c.Flags().StringSliceVar(&f.reads, "reads", nil, p.T("identity.client.flag_reads", nil))
	c.Flags().StringVar(&f.alg, "alg", "", p.T("identity.client.flag_alg", nil))
	c.Flags().StringVar(&f.names, "usernames", "", p.T("identity.client.flag_usernames", nil))
	c.Flags().BoolVar(&f.pkce, "pkce", false, p.T("identity.client.flag_pkce", nil))
	c.Flags().BoolVar(&f.noPKCE, "no-pkce", false, p.T("identity.client.flag_no_pkce", nil))
	c.Flags().StringVar(&f.aliases, "aliases", "", p.T("identity.client.flag_aliases", nil))
	c.Flags().Int64Var(&f.grace, "grace", 0, p.T("identity.client.flag_grace", nil))
	c.MarkFlagsMutuallyExclusive("pkce", "no-pkce")
	c.Flags().SortFlags = false
}

// apply sets what was typed and leaves the rest.
func (f *flags) apply(cmd *cobra.Command, c *Client) {
	typed := cmd.Flags().Changed
	if typed("redirect") {
		c.Redirects = f.redirects
	}
	if typed("post-logout") {
		c.PostLogout = f.postLogout
	}
	if typed("back-logout") {
		c.BackLogout = f.backLogout
	}
	if typed("reads") {
		c.Reads = f.reads
	}
	if typed("alg") {
		c.Alg = strings.ToUpper(f.alg)
	}
	if typed("usernames") {
		c.Names = Names(strings.TrimPrefix(strings.ToLower(f.names), "plain"))
	}
	if typed("pkce") || typed("no-pkce") {
		c.PKCE = f.pkce && !f.noPKCE
	}
	if typed("aliases") {
		c.Aliases = strings.ToLower(f.aliases)
	}
	if typed("grace") {
		c.Grace = f.grace
	}
}

func addCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var f flags
	var address, name string
	c := console.Command(open, "add TEMPLATE", p.T("identity.client.cmd_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		t, err := FindTemplate(typed[0])
		if err != nil {
			return err
		}
		c, err := t.Client(name, address)
		if err != nil {
			return err
		}
		f.apply(cmd, &c)
		if err := t.complete(c); err != nil {
			return err
		}
		c, secret, err := s.Add(cmd.Context(), c)
		if err != nil {
			return err
		}
		return s.reveal(out, c, secret)
	})
	c.Flags().StringVar(&address, "url", "", p.T("identity.client.flag_url", nil))
	c.Flags().StringVar(&name, "name", "", p.T("identity.client.flag_name", nil))
	f.register(c, p)
	return c
}

// reveal prints a new secret with the configuration that has it.
func (s *Service) reveal(out *console.Out, c Client, secret string) error {
	text, err := s.Configuration(c, secret)
	if err != nil {
		return err
	}
	v := view(c)
	v.Secret, v.Configuration = secret, text
	return out.Emit(v, func() {
		out.Say("identity.client.added", args{"Name": c.ID})
		s.tell(out, c, text)
		out.Say("identity.client.once", args{"Name": c.ID})
	})
}

// tell prints what has to stand in the service's configuration.
func (s *Service) tell(out *console.Out, c Client, text string) {
	out.Line("")
	out.Line(strings.TrimRight(text, "\n"))
	out.Line("")
	if len(c.Redirects) > 0 {
		out.Say("identity.client.redirects", args{"List": strings.Join(c.Redirects, "\n  ")})
	}
	if c.BackLogout != "" {
		out.Say("identity.client.back_logout", args{"URL": c.BackLogout})
	}
	if t, err := FindTemplate(c.Template); err == nil && t.Words {
		out.Say("identity.client.hint_"+t.Name, args{"Name": c.ID, "URL": c.URL})
	}
}

func listCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var templates bool
	c := console.Command(open, "list", p.T("identity.client.cmd_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		if templates {
			rows, all := make([][]string, 0, len(Templates())), make([]listed, 0, len(Templates()))
			for _, t := range Templates() {
				rows, all = append(rows, []string{t.Name, t.Software}), append(all, listed{t.Name, t.Software})
			}
			return out.Emit(all, func() { out.Table([]string{"identity.client.col_template", "identity.client.col_software"}, rows) })
		}
		all, err := s.All(cmd.Context())
		if err != nil {
			return err
		}
		views := make([]View, 0, len(all))
		rows := make([][]string, 0, len(all))
		for _, c := range all {
			v := view(c)
			if v.People, err = s.People(cmd.Context(), c); err != nil {
				return err
			}
			views = append(views, v)
			rows = append(rows, []string{c.ID, c.Template, c.URL, strconv.FormatInt(v.People, 10)})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("identity.client.none", nil)
				return
			}
			out.Table([]string{"identity.client.col_name", "identity.client.col_template", "identity.client.col_url", "identity.client.col_people"}, rows)
		})
	})
	c.Flags().BoolVar(&templates, "templates", false, p.T("identity.client.flag_templates", nil))
	return c
}

func showCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "show NAME", p.T("identity.client.cmd_show", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		v := view(c)
		if v.People, err = s.People(cmd.Context(), c); err != nil {
			return err
		}
		if v.Configuration, err = s.Configuration(c, ""); err != nil {
			return err
		}
		return out.Emit(v, func() {
			out.Say("identity.client.shown", args{"Name": c.ID, "URL": c.URL, "People": v.People, "Alg": c.Alg})
			s.tell(out, c, v.Configuration)
			out.Say("identity.client.no_secret", args{"Name": c.ID})
		})
	})
}

func setCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var f flags
	c := console.Command(open, "set NAME", p.T("identity.client.cmd_set", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Change(cmd.Context(), typed[0], func(c *Client) { f.apply(cmd, c) })
		if err != nil {
			return err
		}
		return out.Emit(view(c), func() { out.Say("identity.client.set", args{"Name": c.ID}) })
	})
	f.register(c, p)
	return c
}

func secretCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var known bool
	c := console.Command(open, "secret NAME", p.T("identity.client.cmd_secret", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		secret, err := s.Secret(cmd.Context(), typed[0], known)
		if err != nil {
			return err
		}
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		return s.reveal(out, c, secret)
	})
	c.Flags().BoolVar(&known, "stolen", false, p.T("identity.client.flag_stolen", nil))
	return c
}

func removeCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var erase, yes bool
	c := console.Command(open, "remove NAME", p.T("identity.client.cmd_remove", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		n, err := s.People(cmd.Context(), c)
		if err != nil {
			return err
		}
		if err := out.Confirm(yes, func(side *console.Out) { side.Say("identity.client.remove_sure", args{"Name": c.ID, "People": n}) }); err != nil {
			return err
		}
		if err := s.Remove(cmd.Context(), c.ID, erase); err != nil {
			return err
		}
		return out.Emit(view(c), func() { out.Say("identity.client.removed", args{"Name": c.ID}) })
	})
	c.Flags().BoolVar(&erase, "erase", false, p.T("identity.client.flag_erase", nil))
	c.Flags().BoolVar(&yes, "yes", false, p.T("identity.client.flag_yes", nil))
	return c
}

func testCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	var secretFile string
	c := console.Command(open, "test NAME", p.T("identity.client.cmd_test", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		c, err := s.Get(cmd.Context(), typed[0])
		if err != nil {
			return err
		}
		secret := ""
		if secretFile != "" {
			if secret, err = out.ReadPassword(secretFile); err != nil {
				return err
			}
		}
		return report(out, s.Test(cmd.Context(), c, secret))
	})
	c.Flags().StringVar(&secretFile, "secret-file", "", p.T("identity.client.flag_secret_file", nil))
	return c
}

// report prints what checks found. Returns CodeConflict "identity.client.test_failed" when
// one did not hold.
func report(out *console.Out, results []Result) error {
	bad := 0
	for _, r := range results {
		if !r.Well {
			bad++
		}
	}
	err := out.Emit(results, func() {
		for _, r := range results {
			mark := "identity.client.test_bad"
			if r.Well {
				mark = "identity.client.test_well"
			}
			out.Say(mark, args{"What": out.P.T("identity.client.test_"+r.Check, nil), "Found": r.Found})
		}
	})
	if err == nil && bad > 0 {
		return core.Conflict("identity.client.test_failed", errFailed).With("Count", bad)
	}
	return err
}
