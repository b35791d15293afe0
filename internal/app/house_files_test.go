package app

import (
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

var (
	// A list of tables behind one of these words. Lower case after them: a
	// column list or a subquery is not a table.
	tableList = regexp.MustCompile(`\b(?:FROM|JOIN|INTO|UPDATE|TABLE(?: IF (?:NOT )?EXISTS)?|INDEX(?: IF NOT EXISTS)?|REFERENCES|\)? ON)\s+([a-z][a-z0-9_]*(?:\s+(?:AS\s+)?[a-z]+)?(?:,\s*[a-z][a-z0-9_]*(?:\s+(?:AS\s+)?[a-z]+)?)*)`)
	cteName   = regexp.MustCompile(`\b([a-z][a-z0-9_]*)(?:\s*\([a-z0-9_, ]*\))?\s+AS\s+(?:MATERIALIZED\s+)?\(`)
	isSQL     = regexp.MustCompile(`(?s)^\s*(SELECT\s|INSERT INTO\s|UPDATE\s+[a-z_]+\s+SET\s|DELETE FROM\s|WITH\s.+\sAS\s*\(|CREATE (TABLE|INDEX|UNIQUE)|ALTER TABLE\s|DROP (TABLE|INDEX)\s)`)
	comment   = regexp.MustCompile(`(?m)--.*$`)
	notBoth   = regexp.MustCompile(`\b(TIMESTAMP|TIMESTAMPTZ|DATETIME|SERIAL|BIGSERIAL|IDENTITY|BLOB|STRICT|AUTOINCREMENT|JSONB|SKIP LOCKED|ILIKE|GLOB|GREATEST)\b|\bANY\s*\(|::`)
)

// ownTables: SQL stands in store*.go and migrations, names only tables (and
// indexes) that begin with its room's name, and is written for both engines. What a recipe asks of
// the database of another program is not ours.
func ownTables(t *testing.T, h *tree) (complaints []string) {
	check := func(where, room, sql string) {
		sql = comment.ReplaceAllString(sql, "")
		for _, name := range tablesIn(sql) {
			if !strings.HasPrefix(name, room+"_") {
				complaints = append(complaints, fmt.Sprintf("%s: %s is not a table of %s", where, name, room))
			}
		}
		if word := notBoth.FindString(sql); word != "" {
			complaints = append(complaints, fmt.Sprintf("%s: %s does not mean the same on both engines", where, word))
		}
	}
	for _, f := range h.files {
		room := owner(f.path)
		if f.test || room == "" || room == "db" || room == "dbtest" || strings.Contains(f.path, "/succession/recipe/") {
			continue
		}
		inStore := strings.HasPrefix(path.Base(f.path), "store")
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			sql, _ := text(lit)
			switch {
			case inStore:
				check(h.at(n), room, sql)
			case isSQL.MatchString(sql):
				complaints = append(complaints, h.at(n)+": SQL outside store*.go")
			}
			return true
		})
	}
	h.walk(t, ".sql", func(name, text string) {
		if room := owner(name); room != "" {
			check(name, room, text)
		}
	})
	return complaints
}

// oneMigration: no two migrations of a folder have one number. Two branches that are
// joined each bring the next one, and no node opens its database any more.
func oneMigration(t *testing.T, h *tree) (complaints []string) {
	first := map[string]string{}
	h.walk(t, ".sql", func(name, _ string) {
		number, _, _ := strings.Cut(path.Base(name), "_")
		number = path.Dir(name) + "/" + number
		if other, taken := first[number]; taken {
			complaints = append(complaints, fmt.Sprintf("%s: has the number of %s", name, path.Base(other)))
		}
		first[number] = name
	})
	return complaints
}

// tablesIn lists what a text of SQL reads, writes, makes or drops.
func tablesIn(sql string) []string {
	local := map[string]bool{"set": true}
	for _, m := range cteName.FindAllStringSubmatch(sql, -1) {
		local[m[1]] = true
	}
	sql = strings.ReplaceAll(sql, "DISTINCT FROM", "DISTINCT")
	var tables []string
	for _, m := range tableList.FindAllStringSubmatch(sql, -1) {
		if strings.Contains(m[0], "ON") && !strings.Contains(sql, "INDEX") {
			continue // a join's condition; only an index stands ON a table
		}
		for part := range strings.SplitSeq(m[1], ",") {
			if name := strings.Fields(part)[0]; !local[name] {
				tables = append(tables, name)
			}
		}
	}
	return tables
}

var (
	specRef = regexp.MustCompile(`spec: (\S+)`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// specReferences: what a comment cites exists, down to the heading.
func specReferences(_ *testing.T, h *tree) (complaints []string) {
	for _, f := range h.files {
		for _, group := range f.ast.Comments {
			for _, line := range group.List {
				m := specRef.FindStringSubmatch(line.Text)
				if m == nil || !strings.HasPrefix(m[1], "docs/") {
					continue
				}
				if why := h.dangling(strings.TrimRight(m[1], ".,;)")); why != "" {
					complaints = append(complaints, h.at(line)+": "+why)
				}
			}
		}
	}
	return complaints
}

func (h *tree) dangling(ref string) string {
	name, anchor, hasAnchor := strings.Cut(ref, "#")
	text, err := fs.ReadFile(h.fsys, name)
	if err != nil {
		return name + " does not exist"
	}
	if !hasAnchor {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") && slug(title) == anchor {
			return ""
		}
	}
	return fmt.Sprintf("%s has no heading #%s", name, anchor)
}

// slug is how forges turn a heading into an anchor.
func slug(title string) string {
	title = notSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
	return strings.ReplaceAll(title, " ", "-")
}

// dependencies: go.mod grows only with a line in docs/deps.md that says why,
// and that line goes with the module.
func dependencies(_ *testing.T, h *tree) (complaints []string) {
	page, err := fs.ReadFile(h.fsys, "docs/deps.md")
	if err != nil {
		return []string{err.Error()}
	}
	wanted := map[string]bool{}
	for _, name := range []string{"go.mod", "tools/go.mod"} {
		text, err := fs.ReadFile(h.fsys, name)
		if err != nil {
			return append(complaints, err.Error())
		}
		mod, err := modfile.Parse(name, text, nil)
		if err != nil {
			return append(complaints, err.Error())
		}
		for _, r := range mod.Require {
			if !r.Indirect {
				wanted[r.Mod.Path] = true
			}
		}
		for _, tool := range mod.Tool {
			wanted[tool.Path] = true
		}
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(string(page), -1) {
		listed[m[1]] = true
		if !wanted[m[1]] {
			complaints = append(complaints, "docs/deps.md: "+m[1]+" is in no go.mod any more")
		}
	}
	for name := range wanted {
		if !listed[name] {
			complaints = append(complaints, "docs/deps.md: no line for "+name)
		}
	}
	return complaints
}
