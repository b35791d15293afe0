package console

import (
	"cmp"
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entrechat/internal/kit/words"
)

// Words are this kit's own sentences.
//
//go:embed words/*.toml
var Words embed.FS

// Groups are where the commands stand in help, in this order: the keys of their titles.
type Groups struct {
	Titles []string
	// Of says in which group a command stands, by its name; the others are in the first.
	Of map[string]string
}

// SetHelp has help and usage speak the language of p, and sorts the commands into groups.
func SetHelp(root *cobra.Command, p *words.Printer, groups Groups) {
	h := help{p}
	root.SetUsageFunc(h.usage)
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}")
	root.PersistentFlags().BoolP("help", "h", false, p.T("console.flag_help", nil))
	root.InitDefaultHelpCmd()
	for _, key := range groups.Titles {
		root.AddGroup(&cobra.Group{ID: key, Title: p.T(key, nil)})
	}
	for _, c := range root.Commands() {
		c.GroupID = cmp.Or(groups.Of[c.Name()], groups.Titles[0])
		if c.Name() == "help" {
			c.Short = p.T("console.cmd_help", nil)
		}
		h.prepare(c)
	}
}

// help writes cobra's usage in a language.
type help struct{ p *words.Printer }

// prepare names the places of a command's words in the language, and has a command that
// only holds others refuse a name that none of them has, where cobra would show help and
// call it a success.
func (h help) prepare(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	name, places, _ := strings.Cut(c.Use, " ")
	c.Use = strings.TrimSpace(name + " " + h.places(places))
	for _, below := range c.Commands() {
		h.prepare(below)
	}
	if c.Runnable() {
		return
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unknown command %q for %q", args[0], c.CommandPath())
		}
		return c.Help()
	}
}

// A place of a line of use: NAME, DIR.
var place = regexp.MustCompile(`[A-Z]{2,}`)

// places are the places of a line of use in the language: NAME is NOM in French.
func (h help) places(text string) string {
	return place.ReplaceAllStringFunc(text, func(name string) string { return h.p.T("console.place."+strings.ToLower(name), nil) })
}

// usage writes how a command is used: its line, the commands below it and its options.
func (h help) usage(c *cobra.Command) error {
	var b strings.Builder
	line := c.UseLine()
	if c.HasAvailableSubCommands() {
		line = c.CommandPath() + " " + h.p.T("console.place.command", nil)
	} else if c.HasAvailableLocalFlags() {
		line += " [" + h.p.T("console.place.options", nil) + "]"
	}
	fmt.Fprintf(&b, "%s\n  %s\n", h.p.T("console.usage", nil), line)
	h.commands(&b, c)
	h.options(&b, "console.options", c.LocalFlags())
	h.options(&b, "console.options_everywhere", c.InheritedFlags())
	_, err := fmt.Fprint(c.OutOrStderr(), b.String())
	return err
}

func (h help) commands(b *strings.Builder, c *cobra.Command) {
	if !c.HasAvailableSubCommands() {
		return
	}
	groups := c.Groups()
	if len(groups) == 0 {
		groups = []*cobra.Group{{Title: h.p.T("console.commands", nil)}}
	}
	for _, group := range groups {
		fmt.Fprintf(b, "\n%s\n", group.Title)
		for _, below := range c.Commands() {
			if below.IsAvailableCommand() && below.GroupID == group.ID {
				fmt.Fprintf(b, "  %-*s  %s\n", below.NamePadding(), below.Name(), below.Short)
			}
		}
	}
}

// options lists flags: "-h, --help", what kind of value they take, what they are for, and
// what they are when nobody sets them.
func (h help) options(b *strings.Builder, title string, flags *pflag.FlagSet) {
	type row struct{ flag, about string }
	var rows []row
	width := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		text := "      --" + f.Name
		if f.Shorthand != "" {
			text = "  -" + f.Shorthand + ", --" + f.Name
		}
		about := f.Usage
		if kind := f.Value.Type(); kind != "bool" {
			text += " " + h.p.T("console.value."+kind, nil)
			if !slices.Contains([]string{"", "[]", "0", "0s"}, f.DefValue) {
				about += h.p.T("console.default", map[string]any{"Value": f.DefValue})
			}
		}
		width = max(width, len([]rune(text)))
		rows = append(rows, row{text, about})
	})
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s\n", h.p.T(title, nil))
	for _, r := range rows {
		fmt.Fprintf(b, "%-*s   %s\n", width, r.flag, r.about)
	}
}
