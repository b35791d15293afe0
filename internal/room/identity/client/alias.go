package client

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/net/idna"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

// checkAliases refuses what is no mail domain; empty is none.
func (s Settings) checkAliases() error {
	ascii, err := idna.Lookup.ToASCII(s.Aliases)
	if s.Aliases == "" || err == nil && ascii == s.Aliases && strings.Contains(ascii, ".") && len(ascii) <= 200 {
		return nil
	}
	return core.Invalid("identity.client.bad_aliases", errors.Join(errors.New("no domain"), err)).With("Domain", s.Aliases)
}

// alias is the mail address that the service is told in the place of a person's own. The
// service's name has no dot: two services never have one address for two people.
func (c Client) alias(username string) string {
	return username + "." + c.Scope() + "@" + c.Aliases
}

// Alias is an address that a service was told, and whose it is now.
type Alias struct {
	Alias string `json:"alias"`
	Mail  string `json:"mail"`
}

// aliasesCommand prints what the mail server needs to carry on what is sent to an alias: a
// table of Postfix (virtual(5)), one line for each.
func aliasesCommand(p *words.Printer, open console.Opener[*Service]) *cobra.Command {
	return console.Command(open, "aliases", p.T("identity.client.cmd_aliases", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		all, err := AliasesOf(cmd.Context(), s.n.DB)
		if err != nil {
			return err
		}
		return out.Emit(all, func() {
			for _, a := range all {
				out.Line(a.Alias + " " + a.Mail)
			}
		})
	})
}
