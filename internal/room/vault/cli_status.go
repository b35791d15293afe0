package vault

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"entrechat/internal/core"
	"entrechat/internal/kit/console"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/vault/catalogue"
	"entrechat/internal/room/vault/health"
	"entrechat/internal/room/vault/pool"
	"entrechat/internal/room/vault/recovery"
	"entrechat/internal/room/vault/rest"
	"entrechat/internal/room/vault/upkeep"
)

func (c cli) status() *cobra.Command {
	return c.command("status [NAME]", "status", cobra.MaximumNArgs(1), func(cmd *cobra.Command, r *Room, out *console.Out, typed []string) error {
		report, err := r.doctor.Status(cmd.Context(), strings.Join(typed, ""))
		if err != nil {
			return err
		}
		return out.Emit(report, func() {
			if len(report.Backups) == 0 {
				out.Say("vault.list.none", nil)
			}
			for i, s := range report.Backups {
				if i > 0 {
					out.Line("")
				}
				printStatus(out, r, s)
			}
			out.Line("")
			out.Line(poolWords(out.P, report))
			for _, line := range slices.Concat(silentWords(out.P, report.Silent, r.n.Now()), leaverWords(out.P, report.Leaving), roomWords(r.n.Now(), out.P, report.NoRoom), catalogueWords(r.n.Now(), out.P, report.Catalogue)) {
				out.Line(line)
			}
			if len(report.Readers) > 0 {
				out.Say("vault.readers_named", args{"Members": catalogue.Joined(report.Readers), "Count": len(report.Readers)})
			}
			printTroubles(out, r, report.Troubles)
		})
	})
}

// printStatus says how one backup stands: the verdict first, then why.
func printStatus(out *console.Out, r *Room, s health.Status) {
	out.Line(out.P.Pair(s.Name, out.P.T("vault.level."+string(s.Level), nil)))
	for _, fact := range factWords(r.n.Now(), out.P, s) {
		out.Line("  " + fact)
	}
	printKinds(out, s.Kinds)
	printMembers(out, s.Members, r.n.Now())
}

// factWords says how one backup stands, one sentence each.
func factWords(now time.Time, p *words.Printer, s health.Status) (out []string) {
	say := func(key string, places args) { out = append(out, p.T(key, places)) }
	if s.Snapshot != 0 {
		say("vault.status.snapshot", args{"Ago": p.Ago(s.Snapshot, now), "Offsite": p.Ago(s.Offsite, now)})
		say("vault.status.losses", args{"Count": max(s.Losses, 0), "Domains": s.Domains})
		if s.Losses < s.Placed {
			say("vault.status.away", args{"Count": s.Placed})
		}
	}
	say("vault.status.size", args{"Count": s.Files, "Size": p.Bytes(core.Size(s.Bytes)), "Stored": p.Bytes(core.Size(s.Stored))})
	if s.Waiting > 0 {
		say("vault.status.waiting", args{"Count": s.Waiting, "Size": p.Bytes(core.Size(s.WaitSize))})
	}
	if s.Removed > 0 {
		say("vault.status.removed", args{"Count": s.Removed})
	}
	if s.Keyless != nil {
		out = append(out, p.Error(s.Keyless))
	}
	switch {
	case s.Password == catalogue.PasswordWrong:
		say("vault.password_wrong", args{"Name": s.Name})
	case s.Password == catalogue.PasswordUnknown && s.Snapshot != 0:
		say("vault.status.password_unknown", nil)
	}
	if s.SharedKey > 0 {
		say("vault.status.shared_key", args{"Count": s.SharedKey})
	}
	return out
}

func printKinds(out *console.Out, kinds []health.Kind) {
	if len(kinds) == 0 {
		return
	}
	rows := make([][]string, 0, len(kinds))
	for _, k := range kinds {
		rows = append(rows, []string{
			out.P.T("vault.kind."+string(k.Type), nil), fmt.Sprint(k.Files), out.P.Bytes(core.Size(k.Bytes)),
			codeWords(out.P, k), fmt.Sprint(k.Domains), fmt.Sprint(max(k.Losses, 0)),
		})
	}
	out.Line("")
	out.Table([]string{"vault.col.what", "vault.col.files", "vault.col.size", "vault.col.how", "vault.col.domains", "vault.col.losses"}, rows)
}

func printMembers(out *console.Out, members []health.At, now time.Time) {
	if len(members) == 0 {
		return
	}
	rows := make([][]string, 0, len(members))
	for _, m := range members {
		rows = append(rows, []string{
			string(m.Member), fmt.Sprint(m.Shards), out.P.Bytes(core.Size(m.Bytes)), out.P.Ago(m.Seen, now), m.Says(out.P, now),
		})
	}
	out.Line("")
	out.Table([]string{"vault.col.member", "vault.col.shards", "vault.col.size", "vault.col.seen", "vault.col.state"}, rows)
}

// silentWords names the lenders of whom nothing good is known.
func silentWords(p *words.Printer, silent []health.Silent, now time.Time) (out []string) {
	for _, s := range silent {
		key, when := "vault.silent.unheard", s.Heard
		switch {
		case s.Since != 0:
			key, when = "vault.silent.failing", s.Since
		case s.Heard == 0:
			key = "vault.silent.never"
		}
		out = append(out, p.T(key, args{"Member": s.Member, "Ago": p.Ago(when, now)}))
	}
	return out
}

// leaverWords says of each member that lends nothing new what becomes of what it has.
func leaverWords(p *words.Printer, leaving []upkeep.Leaver) (out []string) {
	for _, l := range leaving {
		key := "vault.leaver." + string(l.State)
		if l.Files == 0 && l.State != upkeep.PactUnknown {
			key = "vault.leaver.moved"
		}
		out = append(out, p.T(key, args{"Member": l.Member, "Date": p.Day(l.Until), "Count": l.Files}))
	}
	return out
}

func codeWords(p *words.Printer, k health.Kind) string {
	if k.Type == rest.Data && strings.Contains(k.Code, "/") {
		need, all, _ := strings.Cut(k.Code, "/")
		return p.T("vault.code.shards", args{"K": need, "N": all})
	}
	copies, _, _ := strings.Cut(k.Code, " ")
	if copies == "0" {
		return "—"
	}
	return p.T("vault.code.copies", args{"N": copies})
}

// poolWords says how many members keep our backups, and when they are too few for
// any promise.
func poolWords(p *words.Printer, report health.Report) string {
	switch report.Domains {
	case 0:
		return p.Error(report.NoLender)
	case 1:
		return p.T("vault.status.one_lender", nil)
	}
	return p.T("vault.status.lenders", args{"Count": report.Lenders, "Domains": report.Domains})
}

// catalogueWords say whether what stands above can be believed, and why not.
func catalogueWords(now time.Time, p *words.Printer, c recovery.Standing) (out []string) {
	ago := args{"Ago": p.Ago(c.Compared, now)}
	switch {
	case c.Unread > 0:
		out = append(out, p.T("vault.unread", args{"Count": c.Unread}))
	case c.Standing == recovery.Behind:
		out = append(out, p.T("vault.behind", nil))
	case c.Standing == recovery.NotYet && c.Compared == 0:
		out = append(out, p.T("vault.never_compared", nil))
	case c.Standing == recovery.NotYet:
		out = append(out, p.T("vault.not_compared", ago))
	case c.Compared != 0:
		out = append(out, p.T("vault.compared", ago))
	}
	if len(c.Silent) > 0 {
		names := make([]string, 0, len(c.Silent))
		for _, m := range c.Silent {
			names = append(names, string(m))
		}
		out = append(out, p.T("vault.compared_without", args{"Members": strings.Join(names, ", ")}))
	}
	if c.Beyond > c.Unread {
		out = append(out, p.T("vault.beyond", args{"Count": c.Beyond - c.Unread}))
	}
	return out
}

// roomWords says that there is no room, and who has none.
func roomWords(now time.Time, p *words.Printer, n *pool.NoRoom) (out []string) {
	if n == nil {
		return nil
	}
	out = append(out, p.T("vault.no_room", args{"Ago": p.Ago(n.Since, now), "Count": n.Files, "Size": p.Bytes(core.Size(n.Bytes))}))
	for _, m := range n.Members {
		key := "vault.no_room_left"
		if m.Full {
			key = "vault.no_room_full"
		}
		out = append(out, "  "+p.T(key, args{"Member": m.Member, "Left": p.Bytes(core.Size(m.Left)), "Pledge": p.Bytes(core.Size(m.Pledge))}))
	}
	return out
}

func printTroubles(out *console.Out, r *Room, troubles []catalogue.Trouble) {
	if len(troubles) == 0 {
		return
	}
	out.Line("")
	out.Say("vault.status.troubles", nil)
	for _, line := range troubleWords(r.n.Now(), out.P, troubles) {
		out.Line("  " + line)
	}
}

// troubleWords says each trouble once for a member, however many objects it met: it is over
// when it is for all of them.
func troubleWords(now time.Time, p *words.Printer, troubles []catalogue.Trouble) (out []string) {
	type place struct{ member, kind string }
	counted, goesOn, order := map[place]int64{}, map[place]bool{}, []catalogue.Trouble{}
	for _, t := range troubles {
		at := place{string(t.Member), t.Kind}
		if counted[at] == 0 {
			order = append(order, t)
		}
		counted[at] += t.Count
		goesOn[at] = goesOn[at] || t.Over == 0
	}
	for _, t := range order {
		line := p.T("vault.trouble."+t.Kind, args{
			"Member": t.Member, "Count": counted[place{string(t.Member), t.Kind}], "Ago": p.Ago(t.Last, now),
		})
		if !goesOn[place{string(t.Member), t.Kind}] {
			line += " " + p.T("vault.trouble_over", nil)
		}
		out = append(out, line)
	}
	return out
}

// printKit is a page for paper: nothing on it is secret but what is written in by
// hand.
func printKit(out *console.Out, k Kit) {
	rule := strings.Repeat("-", 72)
	out.Line(rule)
	out.Say("vault.kit.title", args{"Origin": k.Origin})
	out.Say("vault.kit.made", args{"Date": out.P.Day(k.Made)})
	out.Line(rule)
	out.Line("")
	out.Say("vault.kit.words", nil)
	out.Line("")
	for row := range 6 {
		var b strings.Builder
		for column := range 4 {
			fmt.Fprintf(&b, "%2d ______________  ", row*4+column+1)
		}
		out.Line("   " + strings.TrimRight(b.String(), " "))
		out.Line("")
	}
	out.Say("vault.kit.identity", args{"Origin": k.Origin, "Fingerprint": k.Fingerprint, "Root": k.Root, "Recipient": k.Recipient})
	out.Line("")
	out.Say("vault.kit.members", args{"Count": len(k.Contacts)})
	for _, c := range k.Contacts {
		out.Line(fmt.Sprintf("   %-28s %s", c.Member, c.URL))
		out.Line("   " + strings.Repeat(" ", 29) + c.Fingerprint)
	}
	out.Line("")
	if len(k.Backups) > 0 {
		out.Say("vault.kit.backups", args{"Names": strings.Join(k.Backups, ", ")})
		out.Line("")
	}
	for _, name := range k.Locked {
		out.Say("vault.password_wrong", args{"Name": name})
		out.Line("")
	}
	var from strings.Builder
	for _, address := range k.From() {
		from.WriteString(" --from " + address)
	}
	out.Say("vault.kit.steps", args{"Origin": k.Origin, "From": from.String()})
	out.Line(rule)
	if k.Checked == 0 {
		out.Note("vault.kit.unchecked", nil)
	}
}
