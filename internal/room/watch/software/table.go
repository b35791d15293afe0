package software

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

// TypSafe is the entry by which a member publishes its table.
// spec: docs/spec/watch.md#versions
const TypSafe = "entrechat/watch-safe/1"

// The bounds of a table.
const (
	maxPrograms = 200
	maxBranches = 12
	maxName     = 40 // bytes
	maxFile     = 256 << 10
)

// Table is what one member says of programs.
type Table struct {
	Programs []Program `json:"programs"`
}

// Program is the oldest safe version of each branch of one program that is still looked
// after, in any order.
type Program struct {
	Software string   `json:"software"` // as servers name themselves, in lower case: "nextcloud"
	Safe     []string `json:"safe"`     // "29.0.12", "30.0.6"
	Why      string   `json:"why,omitempty"`
}

// DecodeTable reads the body of an entry. Returns CodeInvalid.
func DecodeTable(body []byte) (Table, error) {
	var t Table
	if err := wire.Decode(body, &t); err != nil {
		return Table{}, err
	}
	return t, t.Check()
}

// ParseFile reads a hoster's own file: a line of TOML for each program, or a section with
// its reason.
//
//	nextcloud = ["29.0.12", "30.0.6"]
//	mastodon = { safe = ["4.3.2"], why = "CVE-2024-49952" }
//
// Returns CodeInvalid.
func ParseFile(text []byte) (Table, error) {
	if len(text) > maxFile {
		return Table{}, core.Invalid("watch.software.bad_table", fmt.Errorf("%d bytes", len(text))).With("Value", "…")
	}
	var lines map[string]any
	if err := toml.Unmarshal(text, &lines); err != nil {
		return Table{}, core.Invalid("watch.software.bad_file", err)
	}
	t := Table{Programs: []Program{}}
	for name, v := range lines {
		p := Program{Software: name}
		if section, ok := v.(map[string]any); ok {
			p.Why, _ = section["why"].(string)
			v = section["safe"]
		}
		all, ok := v.([]any)
		if !ok {
			return Table{}, core.Invalid("watch.software.bad_table", fmt.Errorf("%.60q has no list of versions", name)).With("Value", fmt.Sprintf("%.60s", name))
		}
		for _, one := range all {
			text, _ := one.(string)
			p.Safe = append(p.Safe, text)
		}
		t.Programs = append(t.Programs, p)
	}
	slices.SortFunc(t.Programs, func(a, b Program) int { return strings.Compare(a.Software, b.Software) })
	return t, t.Check()
}

// Check returns CodeInvalid for a table that does not hold; the error names the program.
func (t Table) Check() error {
	bad := func(value string) error {
		return core.Invalid("watch.software.bad_table", fmt.Errorf("%.60q", value)).With("Value", fmt.Sprintf("%.60q", value))
	}
	if len(t.Programs) > maxPrograms {
		return bad("…")
	}
	seen := map[string]bool{}
	for _, p := range t.Programs {
		if !goodName(p.Software) || seen[p.Software] || len(p.Safe) == 0 || len(p.Safe) > maxBranches || len(p.Why) > 200 || strings.ContainsFunc(p.Why, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return bad(p.Software)
		}
		seen[p.Software] = true
		for _, s := range p.Safe {
			if _, ok := Parse(s); !ok {
				return bad(p.Software + " " + s)
			}
		}
	}
	return nil
}

func goodName(name string) bool {
	return name != "" && len(name) <= maxName && !strings.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}

// Judgement is what a table says of one version.
type Judgement struct {
	Known  bool   // the table has the program, and the version could be read
	Behind bool   // older than its branch's oldest safe version, or of a branch that nobody looks after
	Safe   string // the version to go to: the branch's own, or the next branch's
	Why    string
}

// Judge says how a version stands. The zero Judgement: nothing is known.
func (t Table) Judge(software, version string) Judgement {
	software = strings.ToLower(strings.TrimSpace(software))
	i := slices.IndexFunc(t.Programs, func(p Program) bool { return p.Software == software })
	v, ok := Parse(version)
	if i < 0 || !ok {
		return Judgement{}
	}
	p := t.Programs[i]
	safe := slices.Clone(p.Safe)
	slices.SortFunc(safe, func(a, b string) int { return parsed(a).Compare(parsed(b)) })
	for j, s := range safe {
		if c := v.Compare(parsed(s)); c < 0 {
			return Judgement{Known: true, Behind: true, Safe: s, Why: p.Why}
		}
		if j == len(safe)-1 || v.branch(parsed(s), depthOf(s, safe[j+1])) {
			break
		}
	}
	return Judgement{Known: true}
}

func parsed(text string) Version {
	v, _ := Parse(text) // Check has seen it
	return v
}

// depthOf is how many numbers tell a branch from the next: of 29.0.12 and 30.0.6 the first
// does, of 4.2.15 and 4.3.2 it takes two.
func depthOf(one, next string) int {
	a, b, same := parsed(one), parsed(next), 0
	for same < maxParts-1 && a.part(same) == b.part(same) {
		same++
	}
	return same + 1
}
