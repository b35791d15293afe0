package generic

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// postgres is a database of PostgreSQL.
type postgres struct {
	database

	old, new recipe.Side
}

// env is what psql and pg_dump are told, without a word of it among their arguments.
func (s server) env() []string {
	env := []string{"PGDATABASE=" + s.Database, "PGCONNECT_TIMEOUT=15", "PGCLIENTENCODING=UTF8", "PGTZ=UTC", "PGOPTIONS=-c extra_float_digits=3 -c statement_timeout=0"}
	for name, value := range map[string]string{"PGHOST": s.Host, "PGUSER": s.User, "PGPASSWORD": s.Password} {
		if value != "" {
			env = append(env, name+"="+value)
		}
	}
	if s.Port != 0 {
		env = append(env, "PGPORT="+strconv.Itoa(s.Port))
	}
	return env
}

// emptying removes what a dump brings: schemas other than public, and all in public that no
// extension made.
const emptying = `DO $entrechat$ DECLARE one record; BEGIN
FOR one IN SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') LOOP
  EXECUTE format('DROP SCHEMA %I CASCADE', one.name); END LOOP;
FOR one IN SELECT c.relname AS name, c.relkind AS kind FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r','p','v','m','f','S')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('e','i')) ORDER BY c.relkind = 'S' LOOP
  EXECUTE format('DROP %s IF EXISTS public.%I CASCADE', CASE one.kind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, one.name); END LOOP;
FOR one IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') LOOP
  EXECUTE format('DROP ROUTINE IF EXISTS %s CASCADE', one.name); END LOOP;
FOR one IN SELECT t.typname AS name FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e','d','r','c')
  AND (t.typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = t.typrelid) = 'c') AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e') LOOP
  EXECUTE format('DROP TYPE IF EXISTS public.%I CASCADE', one.name); END LOOP;
END $entrechat$;`

// counting prints "schema.table|rows|hash" for each table; the hash does not depend on the order of
// the rows.
const counting = `SELECT n || '|' || (xpath('/row/c/text()', x))[1]::text || '|' || (xpath('/row/s/text()', x))[1]::text
FROM (SELECT schemaname || '.' || tablename AS n, query_to_xml(format(
  'SELECT count(*) AS c, coalesce(sum((''x'' || left(md5(t::text), 15))::bit(60)::bigint), 0) AS s FROM ONLY %I.%I t', schemaname, tablename), false, true, '') AS x
  FROM pg_tables WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema') AS all_tables ORDER BY n`

// dumping prints a dump and, only when it is whole, the end of the transaction that it is read in:
// half a dump changes nothing. Between \restrict and \unrestrict with a key that is drawn anew psql
// takes no command of its own: another's dump could run programs here by \! (CVE-2025-8714; psql
// of August 2025 or later). Such lines of the dump itself have another key, and go.
const dumping = restricting + `{ pg_dump --no-owner --no-privileges --quote-all-identifiers && ` + ending

const printing = restricting + `{ tail -n 20 "$3" | grep -q 'PostgreSQL database dump complete' && cat "$3" && ` + ending

const (
	restricting = `echo 'BEGIN;'; printf '%s\n\\restrict %s\n' "$1" "$2"; `
	ending      = `printf '\n\\unrestrict %s\nCOMMIT;\n' "$2" || printf '\n\\.\nthe dump broke off;\n'; } |
awk -v "key=$2" '/^\\(un)?restrict / && $2 != key { next } { print }'`
)

func (p postgres) psql(s server, words ...string) recipe.Command {
	return recipe.Command{Args: append([]string{"psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"}, words...), Env: s.env()}
}

func (p postgres) bytes(ctx context.Context) (int64, error) {
	if p.From.Dump != "" {
		return fileBytes(ctx, p.old, p.From.Dump)
	}
	text, err := recipe.Output(ctx, p.old, p.psql(p.From, "-c", "SELECT pg_database_size(current_database())"))
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

func (p postgres) empty(ctx context.Context) (bool, error) {
	rows, err := recipe.Output(ctx, p.new, p.psql(p.To, "-c", counting))
	return strings.TrimSpace(rows) == "", err
}

func (p postgres) copy(ctx context.Context, _ bool, _ func(done, total int64)) error {
	key := rand.Text()
	read := recipe.Shell(dumping, emptying, key)
	read.Env = p.From.env()
	if p.From.Dump != "" {
		read = recipe.Shell(printing, emptying, key, p.old.Path(p.From.Dump))
	}
	return recipe.Pipe(ctx, p.old, read, p.new, p.psql(p.To))
}

func (p postgres) count(ctx context.Context) ([]recipe.Count, error) {
	query := p.psql(p.From, "-c", counting)
	if p.From.Dump != "" {
		query = recipe.Shell(`exec awk '/^COPY .* FROM stdin;$/ && !t { t = substr($0, 6); sub(/ \([^(]*\) FROM stdin;$/, "", t); gsub(/"/, "", t); n = 0; next } t && /^\\\.$/ { print t "|" n "|"; t = ""; next } t { n++ }' "$1"`, p.old.Path(p.From.Dump))
	}
	from, err := recipe.Output(ctx, p.old, query)
	if err != nil {
		return nil, err
	}
	to, err := recipe.Output(ctx, p.new, p.psql(p.To, "-c", counting))
	if err != nil {
		return nil, err
	}
	return rows(p.Name, from, to, p.From.Dump == "")
}

func (p postgres) remove(ctx context.Context) error {
	c := p.psql(p.To, "-c", emptying)
	return p.new.Run(ctx, c)
}

// rows makes counts of lines "table|rows|hash" of both sides: a table that one side has not has no
// rows there, and a hash that says so.
func rows(database, from, to string, hashed bool) ([]recipe.Count, error) {
	type side struct {
		rows int64
		sum  string
	}
	read := func(text string) (map[string]side, []string, error) {
		of, names := map[string]side{}, []string{}
		for line := range strings.Lines(text) {
			f := strings.Split(strings.TrimSpace(line), "|")
			if len(f) < 2 {
				continue
			}
			name := strings.Join(f[:max(1, len(f)-2)], "|")
			n, err := strconv.ParseInt(f[max(1, len(f)-2)], 10, 64)
			if err != nil {
				return nil, nil, core.Unsure("succession.recipe.command", fmt.Errorf("count rows: %w", err)).With("Side", database).With("Program", "count").With("Said", line)
			}
			one := side{rows: n, sum: "there"}
			if hashed {
				one.sum = f[len(f)-1]
			}
			of[name] = one
			names = append(names, name)
		}
		return of, names, nil
	}
	old, names, err := read(from)
	if err != nil {
		return nil, err
	}
	now, more, err := read(to)
	if err != nil {
		return nil, err
	}
	for _, name := range more {
		if _, ok := old[name]; !ok {
			names = append(names, name)
		}
	}
	counts := []recipe.Count{{What: "tables", Of: database, From: int64(len(old)), To: int64(len(now))}}
	for _, name := range names {
		counts = append(counts, recipe.Count{What: "rows", Of: database + ": " + name, From: old[name].rows, To: now[name].rows, FromSum: old[name].sum, ToSum: now[name].sum})
	}
	return counts, nil
}
