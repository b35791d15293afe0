package alert

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/alert/contact"
)

// personView is a person as commands show it: without the channels' tokens.
type personView struct {
	ID       string        `json:"id"`
	Name     string        `json:"name"`
	Lang     string        `json:"lang"`
	Zone     string        `json:"zone"`
	Quiet    contact.Quiet `json:"quiet"`
	Channels []channelView `json:"channels"`
}

type channelView struct {
	ID      string       `json:"id"`
	Kind    contact.Kind `json:"kind"`
	Address string       `json:"address"`
	Token   bool         `json:"token"`
}

func viewOf(p contact.Person) personView {
	v := personView{ID: p.ID, Name: p.Name, Lang: p.Lang, Zone: p.Zone, Quiet: p.Quiet, Channels: []channelView{}}
	for _, c := range p.Channels {
		v.Channels = append(v.Channels, channelView{c.ID, c.Kind, c.Address, c.Token != ""})
	}
	return v
}

func personAddCommand(p *words.Printer, open Open) *cobra.Command {
	var (
		person contact.Person
		quiet  string
		wake   bool
	)
	c := console.Command(open, "add ID", p.T("watch.alert.cmd_person_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		person.ID = typed[0]
		if person.Name == "" {
			person.Name = person.ID
		}
		var err error
		if person.Quiet, err = ParseQuiet(quiet, wake); err != nil {
			return err
		}
		if err := s.AddPerson(cmd.Context(), person); err != nil {
			return err
		}
		return out.Emit(viewOf(person), func() { out.Say("watch.alert.person_added", args{"Person": person.ID}) })
	})
	c.Flags().StringVar(&person.Name, "name", "", p.T("watch.alert.flag_name", nil))
	c.Flags().StringVar(&person.Lang, "speaks", p.Lang, p.T("watch.alert.flag_lang", nil))
	c.Flags().StringVar(&person.Zone, "zone", "Europe/Paris", p.T("watch.alert.flag_zone", nil))
	c.Flags().StringVar(&quiet, "quiet", "22:00-07:00", p.T("watch.alert.flag_quiet", nil))
	c.Flags().BoolVar(&wake, "wake", false, p.T("watch.alert.flag_wake", nil))
	c.Flags().SortFlags = false
	return c
}

func personListCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "list", p.T("watch.alert.cmd_person_list", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		plan, _, err := s.Plan(cmd.Context(), s.self())
		if err != nil {
			return err
		}
		views, rows := []personView{}, [][]string{}
		for _, person := range plan.People {
			v := viewOf(person)
			views = append(views, v)
			channels := make([]string, 0, len(v.Channels))
			for _, c := range v.Channels {
				channels = append(channels, c.ID+" "+c.Address)
			}
			rows = append(rows, []string{v.ID, v.Name, quietText(out.P, person), strings.Join(channels, ", ")})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("watch.alert.nobody", nil)
				return
			}
			out.Table([]string{"watch.alert.col_person", "watch.alert.col_name", "watch.alert.col_quiet", "watch.alert.col_channels"}, rows)
		})
	})
}

// quietText says a person's quiet hours.
func quietText(p *words.Printer, person contact.Person) string {
	if person.Quiet.From == "" {
		return p.T("watch.alert.no_quiet", nil)
	}
	text := string(person.Quiet.From) + "–" + string(person.Quiet.To) + " " + person.Zone
	if person.Quiet.Wake {
		text += ", " + p.T("watch.alert.wakes", nil)
	}
	return text
}

func personRemoveCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "remove ID", p.T("watch.alert.cmd_person_remove", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := s.RemovePerson(cmd.Context(), typed[0]); err != nil {
			return err
		}
		return out.Emit(struct{}{}, func() { out.Say("watch.alert.person_removed", args{"Person": typed[0]}) })
	})
}

func channelAddCommand(p *words.Printer, open Open) *cobra.Command {
	var (
		file  string
		first bool
	)
	c := console.Command(open, "add PERSON KIND ADDRESS", p.T("watch.alert.cmd_channel_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		added := contact.Channel{Kind: contact.Kind(typed[1]), Address: strings.TrimSpace(typed[2])}
		if file != "" {
			secret, err := seal.ReadSecret(file)
			if err != nil {
				return err
			}
			added.Token = strings.TrimSpace(string(secret))
		}
		added, err := s.AddChannel(cmd.Context(), typed[0], added, first)
		if err != nil {
			return err
		}
		return out.Emit(channelView{added.ID, added.Kind, added.Address, added.Token != ""}, func() {
			out.Say("watch.alert.channel_added", args{"Person": typed[0], "Channel": added.ID})
			if lacks(s.n.Channels, added.Kind) {
				out.Say("watch.alert.unset_channels", args{"People": added.ID})
			}
		})
	})
	c.Flags().StringVar(&file, "token-file", "", p.T("watch.alert.flag_token", nil))
	c.Flags().BoolVar(&first, "first", false, p.T("watch.alert.flag_first", nil))
	return c
}

func channelRemoveCommand(p *words.Printer, open Open) *cobra.Command {
	return console.Command(open, "remove PERSON CHANNEL", p.T("watch.alert.cmd_channel_remove", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		if err := s.RemoveChannel(cmd.Context(), typed[0], typed[1]); err != nil {
			return err
		}
		return out.Emit(struct{}{}, func() { out.Say("watch.alert.channel_removed", args{"Person": typed[0], "Channel": typed[1]}) })
	})
}

// shiftView is one shift as it falls.
type shiftView struct {
	Person string      `json:"person"`
	From   core.Moment `json:"from_us"`
	To     core.Moment `json:"to_us"`
	Second bool        `json:"second"`
}

func rotaCommand(p *words.Printer, open Open) *cobra.Command {
	show := func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		plan, _, err := s.Plan(cmd.Context(), s.self())
		if err != nil {
			return err
		}
		views, rows := []shiftView{}, [][]string{}
		for _, d := range plan.Rota.Occurrences(s.n.Now(), s.n.Now().Add(14*day)) {
			views = append(views, shiftView{d.Person, core.At(d.From), core.At(d.To), d.Second})
			rows = append(rows, []string{d.From.Format("2006-01-02 15:04"), d.To.Format("2006-01-02 15:04"), d.Person, place(out.P, d)})
		}
		return out.Emit(views, func() {
			if len(rows) == 0 {
				out.Say("watch.alert.no_rota", nil)
				return
			}
			out.Table([]string{"watch.alert.col_from", "watch.alert.col_to", "watch.alert.col_person", "watch.alert.col_place"}, rows)
		})
	}
	clearAll := console.Command(open, "clear", p.T("watch.alert.cmd_rota_clear", nil), func(cmd *cobra.Command, s *Service, out *console.Out, _ []string) error {
		err := s.Edit(cmd.Context(), func(plan *contact.Plan) error {
			plan.Rota = contact.Rota{Zone: plan.Rota.Zone}
			return nil
		})
		if err != nil {
			return err
		}
		return out.Emit([]shiftView{}, func() { out.Say("watch.alert.no_rota", nil) })
	})
	return console.Group("rota", p.T("watch.alert.cmd_rota", nil),
		console.Command(open, "show", p.T("watch.alert.cmd_rota_show", nil), show), rotaAddCommand(p, open, show), clearAll)
}

func place(p *words.Printer, d contact.Occurrence) string {
	if d.Second {
		return p.T("watch.alert.second", nil)
	}
	return p.T("watch.alert.first", nil)
}

func rotaAddCommand(p *words.Printer, open Open, show func(*cobra.Command, *Service, *console.Out, []string) error) *cobra.Command {
	var (
		shift contact.Shift
		hours int64
		zone  string
	)
	c := console.Command(open, "add PERSON", p.T("watch.alert.cmd_rota_add", nil), func(cmd *cobra.Command, s *Service, out *console.Out, typed []string) error {
		shift.Person, shift.Minutes = typed[0], hours*60
		if hours < 1 || hours > 31*24 {
			return core.Invalid("watch.alert.bad_shift", errors.New("hours")).With("Value", strconv.FormatInt(hours, 10))
		}
		err := s.Edit(cmd.Context(), func(plan *contact.Plan) error {
			switch {
			case zone != "":
				plan.Rota.Zone = zone
			case plan.Rota.Zone == "":
				plan.Rota.Zone = "Europe/Paris"
			}
			plan.Rota.Shifts = append(plan.Rota.Shifts, shift)
			return nil
		})
		if err != nil {
			return err
		}
		return show(cmd, s, out, nil)
	})
	c.Flags().StringVar(&shift.Start, "start", "", p.T("watch.alert.flag_start", nil))
	c.Flags().Int64Var(&hours, "hours", int64(7*day/time.Hour), p.T("watch.alert.flag_hours", nil))
	c.Flags().StringVar(&shift.Rule, "rule", "", p.T("watch.alert.flag_rule", nil))
	c.Flags().BoolVar(&shift.Second, "second", false, p.T("watch.alert.flag_second", nil))
	c.Flags().StringVar(&zone, "zone", "", p.T("watch.alert.flag_rota_zone", nil))
	c.Flags().SortFlags = false
	return c
}

// freeID is a name for a new channel that the person does not have: "mail", "mail2".
func freeID(p contact.Person, kind contact.Kind) string {
	for n := 1; ; n++ {
		id := string(kind)
		if n > 1 {
			id += strconv.Itoa(n)
		}
		if !slices.ContainsFunc(p.Channels, func(c contact.Channel) bool { return c.ID == id }) {
			return id
		}
	}
}
