package ldap

import (
	"github.com/spf13/cobra"

	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
)

type args = map[string]any

// Commands are `identity ldap ...`; open gives nil where there is no directory.
func Commands(p *words.Printer, open console.Opener[*Directory]) []*cobra.Command {
	test := console.Command(open, "test", p.T("identity.ldap.cmd_test", nil), func(cmd *cobra.Command, d *Directory, out *console.Out, _ []string) error {
		if d == nil {
			return off()
		}
		r, err := d.Test(cmd.Context())
		if err != nil {
			return err
		}
		return out.Emit(r, func() { r.say(out, d) })
	})
	return []*cobra.Command{console.Group("ldap", p.T("identity.ldap.cmd", nil), test)}
}

func (r Report) say(out *console.Out, d *Directory) {
	secure := "identity.ldap.with_tls"
	if !r.TLS {
		secure = "identity.ldap.without_tls"
	}
	out.Say(secure, args{"Server": r.Server})
	switch {
	case r.People == 0:
		out.Say("identity.ldap.nobody", args{"Base": d.Base, "Filter": d.Filter})
	case r.More:
		out.Say("identity.ldap.many", args{"Count": r.People, "Sample": r.Sample})
	default:
		out.Say("identity.ldap.people", args{"Count": r.People, "Sample": r.Sample})
	}
	if r.People > 0 && !r.Lasting {
		out.Say("identity.ldap.no_id", args{"Attribute": d.ID})
	}
	if !d.Verified {
		out.Say("identity.ldap.mail_left", nil)
	}
}
