package mail

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// Numbers of a mailbox; each is a key succession.recipe.count.<name>.
const (
	countFolders    = "folders"
	countMessages   = "messages"
	countFlags      = "flags"
	countSubscribed = "subscriptions"
	countRules      = "rules"
	countShares     = "shares"
	countDoubles    = "doubles"
	countPassword   = "password"
)

// counts compares two inventories. Messages are the same when each folder has the same ones, under the
// same UIDs and UIDVALIDITY. What differs has a row of its folder as well.
func counts(from, to inventory) []recipe.Count {
	rows := []recipe.Count{
		{What: countFolders, From: int64(len(from.Folders)), To: int64(len(to.Folders)), FromSum: sum(from.names()...), ToSum: sum(to.names()...)},
		{What: countSubscribed, From: int64(len(from.Subscribed)), To: int64(len(to.Subscribed)), FromSum: sum(from.Subscribed...), ToSum: sum(to.Subscribed...)},
		{What: countDoubles, From: from.doubles(), To: to.doubles()},
	}
	messages, flags := recipe.Count{What: countMessages}, recipe.Count{What: countFlags}
	var sums [4][]string
	for _, p := range paired(from.Folders, to.Folders) {
		m, f := p.from.messages(p.to), p.from.flags(p.to)
		for i, s := range []string{m.FromSum, m.ToSum, f.FromSum, f.ToSum} {
			sums[i] = append(sums[i], s)
		}
		messages.From, messages.To = messages.From+m.From, messages.To+m.To
		flags.From, flags.To = flags.From+f.From, flags.To+f.To
		for _, c := range []recipe.Count{m, f} {
			if !c.Equal() {
				c.Of = p.name
				rows = append(rows, c)
			}
		}
	}
	messages.FromSum, messages.ToSum, flags.FromSum, flags.ToSum = sum(sums[0]...), sum(sums[1]...), sum(sums[2]...), sum(sums[3]...)
	return append([]recipe.Count{messages, flags}, rows...)
}

func (inv inventory) names() []string {
	names := make([]string, 0, len(inv.Folders))
	for _, f := range inv.Folders {
		names = append(names, f.Name)
	}
	return names
}

// doubles counts messages that their folder has already.
func (inv inventory) doubles() int64 {
	n := int64(0)
	for _, f := range inv.Folders {
		seen := map[[32]byte]bool{}
		for _, m := range f.Messages {
			if seen[m.Sum] {
				n++
			}
			seen[m.Sum] = true
		}
	}
	return n
}

// pair is one folder on both sides; on a side that has it not it is empty.
type pair struct {
	name     string
	from, to folder
}

// paired gives the folders of both sides by name.
func paired(from, to []folder) []pair {
	by := map[string]pair{}
	for _, f := range from {
		by[f.Name] = pair{name: f.Name, from: f}
	}
	for _, f := range to {
		by[f.Name] = pair{f.Name, by[f.Name].from, f}
	}
	return slices.SortedFunc(maps.Values(by), func(a, b pair) int { return strings.Compare(a.name, b.name) })
}

// messages compares which messages two folders have.
func (f folder) messages(to folder) recipe.Count {
	line := func(f folder) string {
		var all []string
		for _, m := range f.Messages {
			all = append(all, fmt.Sprintf("%d %x", m.UID, m.Sum))
		}
		return sum(append(all, fmt.Sprint(f.Validity))...)
	}
	return recipe.Count{What: countMessages, From: int64(len(f.Messages)), To: int64(len(to.Messages)), FromSum: line(f), ToSum: line(to)}
}

// flags compares the flags of the messages of two folders.
func (f folder) flags(to folder) recipe.Count {
	line := func(f folder) (n int64, text string) {
		all := make([]string, 0, len(f.Messages))
		for _, m := range f.Messages {
			n += int64(len(m.Flags))
			all = append(all, fmt.Sprint(m.UID)+" "+strings.Join(m.Flags, " "))
		}
		return n, sum(all...)
	}
	c := recipe.Count{What: countFlags}
	c.From, c.FromSum = line(f)
	c.To, c.ToSum = line(to)
	return c
}

// rules are the Sieve scripts of a user, each with its text and whether it is the active one, as doveadm
// prints them.
func (d dove) rules(ctx context.Context, user string) (n int64, text string, err error) {
	if set, err := d.setting(ctx, "plugin/sieve"); err != nil || set == "" {
		return 0, sum(), err
	}
	listed, err := d.say(ctx, user, "-f", "tab", "sieve", "list", "-u", user)
	if err != nil {
		return 0, "", err
	}
	var all []string
	for _, row := range rows(listed) {
		script, err := d.say(ctx, user, "sieve", "get", "-u", user, row[0])
		if err != nil {
			return 0, "", err
		}
		all = append(all, strings.Join(row, "\t")+"\n"+script)
	}
	slices.Sort(all)
	return int64(len(all)), sum(all...), nil
}

// asking reads names of folders, and prints of each who may do what.
const asking = `while IFS= read -r folder; do printf '%s\n' "=$folder"; "$@" "$folder" || exit 1; done`

// shares are the rights that others have on the folders of a user.
func (d dove) shares(ctx context.Context, user string, folders []string) (n int64, text string, err error) {
	if set, err := d.setting(ctx, "plugin/acl"); err != nil || set == "" {
		return 0, sum(), err
	}
	c := recipe.Shell(asking, d.args(user, "-f", "tab", "acl", "get", "-u", user)...)
	c.Stdin = strings.NewReader(strings.Join(append(slices.Clip(folders), ""), "\n"))
	printed, err := recipe.Output(ctx, d.side, c)
	if err != nil {
		return 0, "", err
	}
	var all []string
	of := ""
	for line := range strings.Lines(printed) {
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "="); ok {
			of = name
			continue
		}
		if !strings.HasPrefix(line, "ID\t") {
			all = append(all, of+"\t"+line)
		}
	}
	slices.Sort(all)
	return int64(len(all)), sum(all...), nil
}

// rows are the lines of a table of doveadm's (-f tab), without its head.
func rows(text string) [][]string {
	var list [][]string
	for line := range bytes.Lines([]byte(text)) {
		list = append(list, strings.Split(strings.TrimRight(string(line), "\n"), "\t"))
	}
	if len(list) == 0 {
		return nil
	}
	return list[1:]
}
