package app

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"entrechat/internal/kit/words"
)

// helpTemplate is cobra's own, without what we do not use; the headings are filled
// in from the words.
const helpTemplate = `{{"HOW"}}
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{if .HasAvailableLocalFlags}} [OPTIONS]{{end}}{{end}}
{{if .HasAvailableSubCommands}}{{$commands := .Commands}}{{range .Groups}}
{{.Title}}{{$group := .ID}}{{range $commands}}{{if and (eq .GroupID $group) .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{end}}{{if not .Groups}}
{{"COMMANDS"}}{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}}  {{.Short}}{{end}}{{end}}
{{end}}{{end}}{{if .HasAvailableLocalFlags}}
{{"FLAGS"}}
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}{{if .HasAvailableInheritedFlags}}
{{"EVERYWHERE"}}
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{end}}`

// The groups of commands, in the order help shows them.
const (
	groupNode   = "node"
	groupOthers = "others"
	groupData   = "data"
)

// setHelp has help speak the language of the words, and sorts the commands into their
// groups; those without one are the node's.
func setHelp(root *cobra.Command, p *words.Printer, groups map[string]string) {
	text := helpTemplate
	for mark, key := range map[string]string{
		"HOW": "app.help.how", "COMMANDS": "app.help.commands", "FLAGS": "app.help.flags", "EVERYWHERE": "app.help.everywhere",
	} {
		text = strings.ReplaceAll(text, `{{"`+mark+`"}}`, p.T(key, nil))
	}
	root.SetUsageTemplate(text)
	root.SetHelpTemplate("{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}\n\n{{end}}{{.UsageString}}")
	root.PersistentFlags().BoolP("help", "h", false, p.T("app.flag.help", nil))
	root.InitDefaultHelpCmd()
	for _, id := range []string{groupNode, groupOthers, groupData} {
		root.AddGroup(&cobra.Group{ID: id, Title: p.T("app.help."+id, nil)})
	}
	for _, c := range root.Commands() {
		c.GroupID = cmp.Or(groups[c.Name()], groupNode)
		if c.Name() == "help" {
			c.Short = p.T("app.cmd.help", nil)
		}
		strict(c)
	}
}

// strict has a command that only holds others refuse a name that none of them has,
// where cobra would show help and call it a success.
func strict(c *cobra.Command) {
	c.DisableFlagsInUseLine = true
	for _, below := range c.Commands() {
		strict(below)
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
