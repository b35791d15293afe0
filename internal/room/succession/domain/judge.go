package domain

import (
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"entrechat/internal/core"
)

// Level is how much a finding matters.
type Level string

// Well is as it should be. Do is for a person to do, or to know. Stop keeps a move from its cut.
const (
	Well Level = "well"
	Do   Level = "do"
	Stop Level = "stop"
)

// Step is a part of the work, in the order it is done.
type Step string

// The steps, in order.
const (
	Holder  Step = "holder"
	Lock    Step = "lock"
	Servers Step = "servers"
	Dnssec  Step = "dnssec"
	TTL     Step = "ttl"
	Mail    Step = "mail"
	Web     Step = "web"
)

// Finding is one thing that was found. Key is a sentence of "succession.domain.", Args are for it.
type Finding struct {
	Step  Step           `json:"step"`
	Level Level          `json:"level"`
	Key   string         `json:"key"`
	Args  map[string]any `json:"args,omitempty"`
}

type args = map[string]any

const (
	day      = 24 * time.Hour
	soon     = 90 * day
	tooSoon  = 30 * day       // nobody moves a domain that ends meanwhile
	shortTTL = 600            // seconds
	before   = 48 * time.Hour // how long before a cut TTLs are lowered
	longest  = 48 * time.Hour // what a TTL that nobody saw may have been
)

// Judge says what is to be done about a domain, in the order of doing it.
// spec: docs/spec/succession.md#domain
func Judge(f Facts) (out []Finding) {
	for _, part := range []func(Facts) []Finding{holder, lock, servers, dnssec, times, post, sites} {
		out = append(out, part(f)...)
	}
	return out
}

// Stops are the findings that keep a move from its cut.
func Stops(all []Finding) (out []Finding) {
	for _, one := range all {
		if one.Level == Stop {
			out = append(out, one)
		}
	}
	return out
}

func holder(f Facts) []Finding {
	r := f.Registry
	a := args{"Domain": f.Zone, "Day": r.Expires, "Status": strings.Join(r.Status, ", "), "Registrar": r.Registrar}
	say := func(l Level, key string) Finding { return Finding{Holder, l, key, a} }
	if !r.Known {
		return []Finding{say(Do, "unknown")}
	}
	var out []Finding
	left := r.Expires.Sub(f.At)
	switch {
	case r.Expires == 0:
		out = append(out, say(Do, "ends_unknown"))
	case left < 0:
		out = append(out, say(Stop, "ended"))
	case left < tooSoon:
		out = append(out, say(Stop, "ends_now"))
	case left < soon:
		out = append(out, say(Do, "ends_soon"))
	default:
		out = append(out, say(Well, "ends"))
	}
	if r.has("clienthold", "serverhold", "pendingdelete", "redemptionperiod", "inactive") {
		out = append(out, say(Stop, "held"))
	}
	switch r.Holder {
	case HolderGroup:
		out = append(out, say(Well, "holder_group"))
	case HolderPerson:
		out = append(out, say(Do, "holder_person"))
	default:
		out = append(out, say(Do, "holder_hidden"))
	}
	return out
}

func lock(f Facts) (out []Finding) {
	r := f.Registry
	a := args{"Domain": f.Zone, "Status": strings.Join(r.Status, ", ")}
	say := func(l Level, key string) { out = append(out, Finding{Lock, l, key, a}) }
	switch {
	case !r.Known:
	case r.has("pendingtransfer"):
		say(Stop, "transferring")
	case r.has("clienttransferprohibited", "servertransferprohibited"):
		say(Well, "locked")
	default:
		say(Do, "unlocked")
	}
	ending, icann := publicsuffix.PublicSuffix(f.Zone)
	top := ending[strings.LastIndexByte(ending, '.')+1:]
	switch {
	case top == "fr":
		say(Do, "order_fr")
	case icann && len(top) > 2:
		say(Do, "order_gtld")
	default:
		say(Do, "order_other")
	}
	return out
}

func servers(f Facts) (out []Finding) {
	say := func(l Level, key string, a args) { out = append(out, Finding{Servers, l, key, a}) }
	agree := true
	for _, s := range f.Servers {
		a := args{"Server": s.Host, "Problem": s.Problem, "Zone": f.Zone, "Here": strings.Join(s.NS, ", "), "Parent": strings.Join(f.Parent.Servers, ", ")}
		switch {
		case s.Problem != "":
			say(Stop, "lame", a)
			agree = false
		case !slices.Equal(s.NS, f.Parent.Servers):
			say(Stop, "sets_differ", a)
			agree = false
		}
	}
	for _, s := range f.Next {
		if s.Problem != "" {
			say(Stop, "next_lame", args{"Server": s.Host, "Problem": s.Problem, "Zone": f.Zone})
		}
	}
	if agree && !sameSerial(f.Servers) {
		say(Do, "serials", args{"Zone": f.Zone})
	}
	if len(f.Parent.Servers) < 2 {
		say(Do, "one_server", args{"Zone": f.Zone})
	}
	if agree {
		say(Well, "sets_agree", args{"Servers": strings.Join(f.Parent.Servers, ", "), "Hours": hours(f.Parent.TTL)})
	}
	return append(out, missing(f)...)
}

// missing is what the next servers do not have of what the zone has now.
func missing(f Facts) (out []Finding) {
	if len(f.Next) == 0 || slices.ContainsFunc(f.Next, func(s Server) bool { return s.Problem != "" }) {
		return nil
	}
	for _, s := range f.Sets {
		if s.Type == "NS" || s.Type == "SOA" {
			continue
		}
		if _, ok := f.set(f.NextSets, s.Name, s.Type); !ok {
			out = append(out, Finding{Servers, Stop, "next_lacks", args{"Name": s.Name, "Type": s.Type}})
		}
	}
	return out
}

func sameSerial(all []Server) bool {
	return !slices.ContainsFunc(all, func(s Server) bool { return s.Serial != all[0].Serial })
}

// hours rounds seconds up.
func hours(seconds uint32) int { return int((int64(seconds) + 3599) / 3600) }

func dnssec(f Facts) (out []Finding) {
	say := func(l Level, key, server string) {
		out = append(out, Finding{Dnssec, l, key, args{"Zone": f.Zone, "Server": server, "Hours": hours(f.Parent.DSTTL), "At": f.Parent.Holds}})
	}
	if len(f.Parent.DS) == 0 {
		level, key := unanchored(f)
		say(level, key, "")
		return out
	}
	for _, s := range f.Servers {
		switch {
		case s.Problem != "":
		case s.Chain != Trusted:
			say(Stop, "bogus", s.Host)
		case !slices.Equal(s.NS, f.Parent.Servers):
			say(Stop, "ds_ns_differ", s.Host)
		}
	}
	for _, s := range f.Next {
		switch {
		case s.Problem != "":
		case s.Chain == Trusted:
			say(Well, "keys_travel", s.Host)
		default:
			say(Stop, "ds_first", s.Host)
		}
	}
	if len(f.Next) == 0 && len(out) == 0 {
		say(Do, "ds_stays", "")
	}
	return out
}

// unanchored judges a zone without DS.
func unanchored(f Facts) (level Level, key string) {
	switch {
	case f.Parent.Holds > f.At:
		return Stop, "ds_waits"
	case len(f.Next) > 0 && !f.Parent.Seen:
		return Do, "ds_unseen"
	case slices.ContainsFunc(f.Servers, func(s Server) bool { return s.Problem == "" && s.Chain != Unsigned }):
		return Do, "no_ds_signed"
	}
	return Well, "no_ds"
}

// times judges how long resolvers keep what will change.
func times(f Facts) (out []Finding) {
	for _, s := range f.Sets {
		level := Stop
		switch {
		case s.Type == "NS" || s.Type == "SOA":
			level = Do // they change only when the name servers do
		case s.Name != f.Name && s.Type != "A" && s.Type != "AAAA", s.Type != "A" && s.Type != "AAAA" && s.Type != "MX" && s.Type != "CNAME":
			continue
		}
		out = append(out, lowered(f.At, s, level))
	}
	return out
}

// lowered judges one set.
func lowered(now core.Moment, s Set, level Level) Finding {
	a := args{"Name": s.Name, "Type": s.Type, "Seconds": s.TTL, "At": s.Holds}
	switch {
	case s.TTL > shortTTL:
		a["At"] = now.Add(max(before, time.Duration(s.TTL)*time.Second))
		return Finding{TTL, level, "ttl_high", a}
	case s.Holds > now:
		return Finding{TTL, level, "ttl_waits", a}
	case s.Holds == 0 && (s.Since == 0 || now.Sub(s.Since) < longest):
		since := s.Since
		if since == 0 {
			since = now
		}
		a["At"] = since.Add(longest)
		return Finding{TTL, Do, "ttl_unknown", a}
	}
	return Finding{TTL, Well, "ttl_holds", a}
}
