package domain

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
)

var noon = core.At(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))

// good is a domain of which nothing keeps a service from moving: signed, short TTLs that hold.
func good() Facts {
	two := []string{"ns1.chaton-a.org", "ns2.chaton-a.org"}
	server := func(host string) Server { return Server{Host: host, NS: two, Serial: 7, Chain: Trusted} }
	set := func(name, kind string, values ...string) Set {
		return Set{Name: name, Type: kind, TTL: 300, Values: values, Since: noon.Add(-3 * day)}
	}
	return Facts{
		Name: "chaton-a.org", Zone: "chaton-a.org", At: noon,
		Registry: Registry{Known: true, Expires: noon.Add(300 * day), Status: []string{"client transfer prohibited"}, Registrar: "R", Holder: HolderGroup},
		Parent:   Parent{Servers: two, TTL: 172800, DS: []string{"1 13 2 AA"}, DSTTL: 86400, Seen: true},
		Servers:  []Server{server(two[0]), server(two[1])},
		Sets: []Set{
			set("chaton-a.org", "SOA", "x"), set("chaton-a.org", "NS", two...), set("chaton-a.org", "A", "192.0.2.1"), set("chaton-a.org", "AAAA", "2001:db8::1"),
			set("chaton-a.org", "MX", "10 mail.chaton-a.org."), set("mail.chaton-a.org", "A", "192.0.2.2"), set("chaton-a.org", "TXT", "v=spf1 mx -all"),
			set("_dmarc.chaton-a.org", "TXT", "v=DMARC1; p=reject"), set("_25._tcp.mail.chaton-a.org", "TLSA", "3 1 1 AA"), set("k1._domainkey.chaton-a.org", "TXT", "v=DKIM1"),
			set("chaton-a.org", "CAA", `0 issue "letsencrypt.org"`),
		},
		Selectors: []string{"k1"},
	}
}

func keys(all []Finding, level Level) (out []string) {
	for _, f := range all {
		if f.Level == level {
			out = append(out, f.Key)
		}
	}
	return out
}

// at changes the TTL of a set.
func change(f *Facts, name, kind string, do func(*Set)) {
	for i := range f.Sets {
		if f.Sets[i].Name == name && f.Sets[i].Type == kind {
			do(&f.Sets[i])
		}
	}
}

func drop(f *Facts, kind string) {
	f.Sets = slices.DeleteFunc(f.Sets, func(s Set) bool { return s.Type == kind })
}

// TestOrders: what is well stops nothing; each wrong order, and each thing that is to be seen first,
// stops the cut with its own sentence or is told.
func TestOrders(t *testing.T) {
	if got := keys(Judge(good()), Stop); len(got) != 0 {
		t.Fatalf("nothing is wrong, and %v", got)
	}
	unsigned := Server{Host: "ns.adopter.org", NS: []string{"ns.adopter.org"}, Serial: 7, Chain: Unsigned}
	for name, c := range map[string]struct {
		change func(*Facts)
		stop   string // the findings that stop, joined
		do     string // one that does not
	}{
		"registry silent":        {func(f *Facts) { f.Registry = Registry{} }, "", "unknown"},
		"ended":                  {func(f *Facts) { f.Registry.Expires = noon.Add(-time.Second) }, "ended", ""},
		"ends in 29 days":        {func(f *Facts) { f.Registry.Expires = noon.Add(29 * day) }, "ends_now", ""},
		"ends in 60 days":        {func(f *Facts) { f.Registry.Expires = noon.Add(60 * day) }, "", "ends_soon"},
		"no end told":            {func(f *Facts) { f.Registry.Expires = 0 }, "", "ends_unknown"},
		"on hold":                {func(f *Facts) { f.Registry.Status = append(f.Registry.Status, "server hold") }, "held", ""},
		"transfer under way":     {func(f *Facts) { f.Registry.Status = []string{"pendingTransfer"} }, "transferring", ""},
		"unlocked":               {func(f *Facts) { f.Registry.Status = []string{"active"} }, "", "unlocked"},
		"a person holds it":      {func(f *Facts) { f.Registry.Holder = HolderPerson }, "", "holder_person"},
		"gTLD: registrar first":  {func(*Facts) {}, "", "order_gtld"},
		".fr":                    {func(f *Facts) { f.Zone = "chaton-a.fr" }, "", "order_fr"},
		"another country":        {func(f *Facts) { f.Zone = "chaton-a.be" }, "", "order_other"},
		"lame server":            {func(f *Facts) { f.Servers[1].Problem = "refused" }, "lame", ""},
		"sets differ, DS":        {func(f *Facts) { f.Servers[1].NS = []string{"ns.adopter.org"} }, "sets_differ ds_ns_differ", ""},
		"sets differ, no DS":     {func(f *Facts) { f.Servers[1].NS = nil; f.Parent.DS = nil }, "sets_differ", "no_ds_signed"},
		"versions differ":        {func(f *Facts) { f.Servers[1].Serial = 6 }, "", "serials"},
		"keys do not fit":        {func(f *Facts) { f.Servers[0].Chain = Broken }, "bogus", ""},
		"keys gone":              {func(f *Facts) { f.Servers[0].Chain = Unsigned; f.Servers[1].Chain = Unsigned }, "bogus bogus", ""},
		"moves before DS is out": {func(f *Facts) { f.Next, f.NextSets = []Server{unsigned}, f.Sets }, "ds_first", ""},
		"moves before DS is forgotten": {func(f *Facts) {
			f.Next, f.NextSets, f.Parent.DS, f.Parent.Holds = []Server{unsigned}, f.Sets, nil, noon.Add(time.Hour)
		}, "ds_waits", ""},
		"DS forgotten": {func(f *Facts) {
			f.Next, f.NextSets, f.Parent.DS, f.Parent.Holds = []Server{unsigned}, f.Sets, nil, noon
		}, "", "no_ds_signed"},
		"DS never seen": {func(f *Facts) {
			f.Next, f.NextSets, f.Parent.DS, f.Parent.Seen = []Server{unsigned}, f.Sets, nil, false
		}, "", "ds_unseen"},
		"keys travel": {func(f *Facts) {
			one := unsigned
			one.Chain = Trusted
			f.Next, f.NextSets = []Server{one}, f.Sets
		}, "", ""},
		"next is not loaded":    {func(f *Facts) { f.Next = []Server{{Host: "ns.adopter.org", Problem: "refused"}} }, "next_lame", ""},
		"next lacks MX":         {func(f *Facts) { f.Parent.DS = nil; f.Next, f.NextSets = []Server{unsigned}, f.Sets[:4] }, "next_lacks next_lacks next_lacks next_lacks next_lacks next_lacks next_lacks", ""},
		"A not lowered":         {func(f *Facts) { change(f, f.Name, "A", func(s *Set) { s.TTL = 601 }) }, "ttl_high", ""},
		"mail host not lowered": {func(f *Facts) { change(f, "mail.chaton-a.org", "A", func(s *Set) { s.TTL = 86400 }) }, "ttl_high", ""},
		"MX not lowered":        {func(f *Facts) { change(f, f.Name, "MX", func(s *Set) { s.TTL = 86400 }) }, "ttl_high", ""},
		"lowered just now":      {func(f *Facts) { change(f, f.Name, "AAAA", func(s *Set) { s.Holds = noon.Add(time.Second) }) }, "ttl_waits", ""},
		"lowered, and holds":    {func(f *Facts) { change(f, f.Name, "AAAA", func(s *Set) { s.Holds = noon }) }, "", ""},
		"first look":            {func(f *Facts) { change(f, f.Name, "A", func(s *Set) { s.Since = 0 }) }, "", "ttl_unknown"},
		"NS is no address":      {func(f *Facts) { change(f, f.Name, "NS", func(s *Set) { s.TTL = 86400 }) }, "", "ttl_high"},
		"text does not count":   {func(f *Facts) { change(f, f.Name, "TXT", func(s *Set) { s.TTL = 86400 }) }, "", "spf"},
		"AAAA without A":        {func(f *Facts) { drop(f, "A") }, "", "aaaa_alone"},
		"no text":               {func(f *Facts) { drop(f, "TXT") }, "", "spf_none"},
		"no DKIM":               {func(f *Facts) { drop(f, "TXT") }, "", "dkim_missing"},
		"no DMARC":              {func(f *Facts) { drop(f, "TXT") }, "", "dmarc_none"},
		"no selector":           {func(f *Facts) { f.Selectors = nil }, "", "dkim_unnamed"},
		"TLSA":                  {func(*Facts) {}, "", "tlsa"},
		"CAA":                   {func(*Facts) {}, "", "caa"},
		"one server": {func(f *Facts) {
			f.Parent.Servers = f.Parent.Servers[:1]
			f.Servers = f.Servers[:1]
			f.Servers[0].NS = f.Parent.Servers
		}, "", "one_server"},
	} {
		f := good()
		c.change(&f)
		all := Judge(f)
		says(t, all)
		if got := strings.Join(keys(all, Stop), " "); got != c.stop {
			t.Errorf("%s: stops %q, not %q", name, got, c.stop)
		}
		if c.do != "" && !slices.Contains(keys(all, Do), c.do) {
			t.Errorf("%s: %q is not told: %v", name, c.do, keys(all, Do))
		}
		if !slices.IsSortedFunc(all, func(a, b Finding) int { return place(a.Step) - place(b.Step) }) {
			t.Errorf("%s: not in order", name)
		}
	}
}

// says writes each finding in both languages.
func says(t *testing.T, all []Finding) {
	t.Helper()
	catalogue, err := words.New(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{words.French, words.English} {
		p := catalogue.Printer(lang)
		for _, f := range all {
			for k, a := range map[string]args{key(f): f.Args, "succession.domain.step_" + string(f.Step): {"Zone": "x"}, "succession.domain.level_" + string(f.Level): nil} {
				if text := p.T(k, a); strings.Contains(text, "⟦") || text == "" {
					t.Errorf("%s of %+v: %q", lang, f, text)
				}
			}
		}
	}
}

func place(s Step) int { return slices.Index([]Step{Holder, Lock, Servers, Dnssec, TTL, Mail, Web}, s) }

// TestLoweredHolds: whatever looks saw, once a set is taken to hold, no resolver that asked before the
// last change keeps a longer TTL, when the owner changed it at any time between two looks.
func TestLoweredHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s Seen
		now := noon
		kept := core.Moment(0) // until when a resolver keeps what is longer than now
		for range rapid.IntRange(1, 8).Draw(t, "looks") {
			ttl := rapid.Uint32Range(0, 200_000).Draw(t, "ttl")
			if s.At != 0 && ttl < s.TTL {
				// asked just before the change, which was just before this look
				kept = max(kept, now.Add(time.Duration(s.TTL)*time.Second))
			}
			s = s.Next(ttl, now)
			if s.Holds < kept {
				t.Fatalf("holds at %d, kept until %d", s.Holds, kept)
			}
			now = now.Add(time.Duration(rapid.Int64Range(1, 300_000).Draw(t, "wait")) * time.Second)
		}
	})
}
