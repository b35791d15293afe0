package grant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

// Flags are the quantities of one direction of a pact. "--store 200GB" means
// both ways, "--give-store" what we promise, "--ask-store" what we want.
type Flags struct {
	Prefix           string
	Store, cache     string
	rate, Watch      string
	Login            string
	custody, succeed bool
}

// Register adds the flags to a command; p says what they are for.
func (f *Flags) Register(flags *pflag.FlagSet, p *words.Printer) {
	way := cmp.Or(strings.TrimSuffix(f.Prefix, "-"), "both")
	about := func(name string) string { return p.T("trust.flag."+name, nil) + p.T("trust.flag.way_"+way, nil) }
	flags.StringVar(&f.Store, f.Prefix+"store", "", about("store"))
	flags.StringVar(&f.cache, f.Prefix+"cache", "", about("cache"))
	flags.StringVar(&f.rate, f.Prefix+"rate", "", about("rate"))
	flags.StringVar(&f.Watch, f.Prefix+"watch", "", about("watch"))
	flags.StringVar(&f.Login, f.Prefix+"login", "", about("login"))
	flags.BoolVar(&f.custody, f.Prefix+"custody", false, about("custody"))
	flags.BoolVar(&f.succeed, f.Prefix+"succeed", false, about("succeed"))
}

// Over takes from the flags of both directions what this one leaves open.
func (f Flags) Over(both Flags) Flags {
	f.Store, f.cache, f.rate = cmp.Or(f.Store, both.Store), cmp.Or(f.cache, both.cache), cmp.Or(f.rate, both.rate)
	f.Watch, f.Login = cmp.Or(f.Watch, both.Watch), cmp.Or(f.Login, both.Login)
	f.custody, f.succeed = f.custody || both.custody, f.succeed || both.succeed
	return f
}

// Grants reads the flags. Returns CodeInvalid naming the flag.
func (f Flags) Grants() (out []core.Grant, err error) {
	rate := int64(0)
	if f.rate != "" {
		if rate, err = parseRate(f.rate); err != nil {
			return nil, f.bad("rate", f.rate, err)
		}
	}
	for _, room := range []struct {
		kind core.GrantKind
		text string
	}{{core.GrantStore, f.Store}, {core.GrantCache, f.cache}} {
		if room.text == "" {
			continue
		}
		size, err := core.ParseSize(room.text)
		if err != nil || size < 1 {
			return nil, f.bad(string(room.kind), room.text, err)
		}
		out = append(out, core.Grant{Kind: room.kind, Bytes: int64(size), RateBits: rate})
	}
	if f.Watch != "" {
		every, err := parseEvery(f.Watch)
		if err != nil {
			return nil, f.bad("watch", f.Watch, err)
		}
		out = append(out, core.Grant{Kind: core.GrantWatch, EveryS: every})
	}
	if f.Login != "" {
		out = append(out, core.Grant{Kind: core.GrantLogin, Services: parseServices(f.Login)})
	}
	if f.custody {
		out = append(out, core.Grant{Kind: core.GrantCustody})
	}
	if f.succeed {
		out = append(out, core.Grant{Kind: core.GrantSucceed})
	}
	return out, nil
}

func (f Flags) bad(flag, value string, err error) error {
	return BadQuantity(f.Prefix+flag, value, err)
}

// BadQuantity is the error for a flag whose value is no quantity, with what reading it said, if
// anything. CodeInvalid; a number without its unit stays what core.NoUnit says.
func BadQuantity(flag, value string, err error) error {
	if e, ok := errors.AsType[*core.Error](err); ok && e.Key == core.KeyNoUnit {
		return err // says what was typed and what to write
	}
	if err == nil {
		err = fmt.Errorf("--%s %.40q", flag, value)
	}
	return core.Invalid("trust.bad_quantity", err).With("Flag", flag).With("Value", value)
}

var bareNumber = regexp.MustCompile(`^[0-9]+(?:[.,][0-9]+)?$`)

var rateForm = regexp.MustCompile(`^([0-9]+(?:[.,][0-9]+)?) ?([kMG]?)(?:bits?|b)?(?:/s|ps)?$`)

// parseRate reads "20Mbit", "1,5 Mbit/s", "20M": bits per second.
func parseRate(s string) (int64, error) {
	if bareNumber.MatchString(strings.TrimSpace(s)) {
		return 0, core.NoUnit(s, "Mbit")
	}
	m := rateForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return 0, fmt.Errorf("%.40q is not a rate", s)
	}
	n, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	n *= map[string]float64{"": 1, "k": 1e3, "M": 1e6, "G": 1e9}[m[2]]
	if err != nil || n < 1 || n > maxQuantity {
		return 0, fmt.Errorf("%.40q is not a rate", s)
	}
	return int64(math.Round(n)), nil
}

// parseEvery reads "60s", "5m": whole seconds.
func parseEvery(s string) (int64, error) {
	if bareNumber.MatchString(strings.TrimSpace(s)) {
		return 0, core.NoUnit(s, "s")
	}
	d, err := time.ParseDuration(strings.TrimSpace(s))
	if err != nil {
		return 0, err
	}
	if d%time.Second != 0 {
		return 0, fmt.Errorf("%s is not in whole seconds", d)
	}
	return int64(d / time.Second), nil
}

// parseServices reads "pad,cloud"; "all" is every service.
func parseServices(s string) []string {
	if s == "all" {
		return nil
	}
	list := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(list)
	return slices.Compact(list)
}
