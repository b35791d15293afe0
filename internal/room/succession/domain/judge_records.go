package domain

import (
	"strings"
)

// maxShown is how much of a record is shown.
const maxShown = 300

func shown(values ...string) string {
	text := strings.Join(values, "; ")
	return strings.ToValidUTF8(text[:min(len(text), maxShown)], "")
}

// post lists what mail needs, and what an adopter changes of it.
func post(f Facts) (out []Finding) {
	say := func(l Level, key string, a args) {
		a["Name"] = f.Name
		out = append(out, Finding{Mail, l, key, a})
	}
	mx, ok := f.set(f.Sets, f.Name, "MX")
	if !ok {
		say(Well, "mx_none", args{})
		return out
	}
	say(Do, "mx", args{"Value": shown(mx.Values...)})
	if spf, ok := f.text(f.Name, "v=spf1"); ok {
		say(Do, "spf", args{"Value": shown(spf)})
	} else {
		say(Do, "spf_none", args{})
	}
	if len(f.Selectors) == 0 {
		say(Do, "dkim_unnamed", args{})
	}
	for _, selector := range f.Selectors {
		key := "dkim"
		if s, ok := f.set(f.Sets, selector+"._domainkey."+f.Name, "TXT"); !ok || len(s.Values) == 0 {
			key = "dkim_missing"
		}
		say(Do, key, args{"Selector": selector})
	}
	if dmarc, ok := f.text("_dmarc."+f.Name, "v=dmarc1"); ok {
		say(Do, "dmarc", args{"Value": shown(dmarc)})
	} else {
		say(Do, "dmarc_none", args{})
	}
	return out
}

// sites lists what web servers and their certificates need.
func sites(f Facts) (out []Finding) {
	say := func(l Level, key string, a args) { out = append(out, Finding{Web, l, key, a}) }
	_, four := f.set(f.Sets, f.Name, "A")
	_, six := f.set(f.Sets, f.Name, "AAAA")
	switch {
	case six && !four:
		say(Do, "aaaa_alone", args{"Name": f.Name})
	case six:
		say(Do, "aaaa", args{"Name": f.Name})
	}
	caa := false
	for _, s := range f.Sets {
		switch s.Type {
		case "CNAME":
			say(Do, "cname", args{"Name": s.Name, "Value": shown(s.Values...)})
		case "CAA":
			caa = true
			say(Do, "caa", args{"Name": s.Name, "Value": shown(s.Values...)})
		case "TLSA":
			say(Do, "tlsa", args{"Name": s.Name})
		}
	}
	if !caa {
		say(Well, "caa_none", args{"Name": f.Name})
	}
	return out
}
