package home

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
)

// View is a home as commands and pages show it.
type View struct {
	Member core.MemberID `json:"member"`
	Issuer string        `json:"issuer"`
	In     bool          `json:"in"`  // its people may sign in here
	Out    bool          `json:"out"` // our people may sign in there
	Shut   bool          `json:"shut"`
	Reason string        `json:"reason,omitempty"`
	People int           `json:"people"`   // of it here
	New    int           `json:"new"`      // who came for the first time within a day
	First  core.Moment   `json:"first_us"` // when the very first came; 0 = nobody has
	// Damaged: what we keep of it cannot be read; nobody comes in from it until Reread.
	Damaged bool `json:"damaged,omitempty"`
}

// Views lists every home with what is promised both ways, the damaged ones too.
func (h *Homes) Views(ctx context.Context) ([]View, error) {
	every, err := all(ctx, h.DB)
	if err != nil {
		return nil, err
	}
	lenders, err := h.Trust.Lenders(ctx, KindLogin)
	if err != nil {
		return nil, err
	}
	lets := map[core.MemberID]bool{}
	for _, l := range lenders {
		lets[l.ID] = true
	}
	here, err := counts(ctx, h.DB, core.At(h.Now()).Add(-day))
	if err != nil {
		return nil, err
	}
	by := make(map[core.MemberID]count, len(here))
	for _, c := range here {
		by[c.home] = c
	}
	ids := make([]core.MemberID, 0, len(every))
	for _, one := range every {
		ids = append(ids, one.member)
	}
	may, err := h.Trust.MayEach(ctx, ids, KindLogin)
	if err != nil {
		return nil, err
	}
	views := make([]View, 0, len(every))
	for _, one := range every {
		if one.member == h.Self {
			continue
		}
		a, promised := may[one.member]
		c, well := by[one.member], one.damage == nil
		views = append(views, View{
			one.member, one.Issuer, promised && covers(a, "") && one.shut == 0 && well, lets[one.member] && well, one.shut != 0, one.reason, c.here, c.new, c.first, !well,
		})
	}
	return views, nil
}

// Ender ends what a person is signed in to.
type Ender func(ctx context.Context, q db.Querier, v Visitor) error

// Doors are Homes with what ends when one is shut.
type Doors struct {
	*Homes
	Ended  Ender
	PerDay int64 // how many new people one home may bring within a day
}

// Shut is Homes.Close with it.
func (d Doors) Shut(ctx context.Context, id core.MemberID, reason string) error {
	return d.Close(ctx, id, reason, d.Ended)
}

// decision is a home that was shut or opened, as commands print it.
type decision struct {
	Member core.MemberID `json:"member"`
	Shut   bool          `json:"shut"`
	Known  bool          `json:"known"` // it has said how its people sign in
}

// known says whether a home has said how its people sign in.
func (d Doors) known(ctx context.Context, id core.MemberID) (bool, error) {
	_, err := d.Get(ctx, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// Command is `identity home ...`.
func Command(p *words.Printer, open console.Opener[Doors]) *cobra.Command {
	var reason string
	shut := console.Command(open, "shut MEMBER", p.T("identity.home.cmd_shut", nil), func(cmd *cobra.Command, d Doors, out *console.Out, typed []string) error {
		id, err := core.ParseMemberID(typed[0])
		if err == nil {
			err = d.Shut(cmd.Context(), id, reason)
		}
		if err != nil {
			return err
		}
		// A home nobody heard of is shut all the same: it may come. But the name may be typed wrong.
		known, err := d.known(cmd.Context(), id)
		if err != nil {
			return err
		}
		return out.Emit(decision{id, true, known}, func() {
			out.Say("identity.home.was_shut", map[string]any{"Member": string(id)})
			if !known {
				out.Say("identity.home.shut_unknown", map[string]any{"Member": string(id)})
			}
		})
	})
	shut.Flags().StringVar(&reason, "reason", "", p.T("identity.home.flag_reason", nil))
	return console.Group("home", p.T("identity.home.cmd", nil),
		console.Command(open, "list", p.T("identity.home.cmd_list", nil), list), shut,
		console.Command(open, "reread MEMBER", p.T("identity.home.cmd_reread", nil), reread),
		console.Command(open, "open MEMBER", p.T("identity.home.cmd_open", nil), func(cmd *cobra.Command, d Doors, out *console.Out, typed []string) error {
			id, err := core.ParseMemberID(typed[0])
			if err == nil {
				err = d.Open(cmd.Context(), id)
			}
			if err != nil {
				return err
			}
			known, err := d.known(cmd.Context(), id)
			if err != nil {
				return err
			}
			return out.Emit(decision{id, false, known}, func() { out.Say("identity.home.was_opened", map[string]any{"Member": string(id)}) })
		}))
}

func reread(cmd *cobra.Command, d Doors, out *console.Out, typed []string) error {
	id, err := core.ParseMemberID(typed[0])
	if err == nil {
		err = d.Reread(cmd.Context(), id)
	}
	if err != nil {
		return err
	}
	return out.Emit(map[string]any{"member": id}, func() { out.Say("identity.home.was_reread", map[string]any{"Member": string(id)}) })
}

func list(cmd *cobra.Command, d Doors, out *console.Out, _ []string) error {
	views, err := d.Views(cmd.Context())
	if err != nil {
		return err
	}
	yes := func(ok bool) string {
		if ok {
			return out.P.T("identity.home.yes", nil)
		}
		return out.P.T("identity.home.no", nil)
	}
	return out.Emit(views, func() {
		if len(views) == 0 {
			out.Say("identity.home.nobody", nil)
			return
		}
		rows := make([][]string, 0, len(views))
		for _, v := range views {
			in := yes(v.In)
			if v.Shut {
				in = out.P.T("identity.home.is_shut", nil)
			} else if v.Damaged {
				in = out.P.T("identity.home.is_damaged", nil)
			}
			rows = append(rows, []string{string(v.Member), in, yes(v.Out), strconv.Itoa(v.People), v.Issuer})
		}
		out.Table([]string{"identity.home.head_member", "identity.home.head_in", "identity.home.head_out", "identity.home.head_people", "identity.home.head_issuer"}, rows)
	})
}
