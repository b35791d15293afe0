package generic

import (
	"context"
	"strconv"
	"strings"

	"entrechat/internal/room/succession/recipe"
)

// mariadb is a database of MariaDB or MySQL. A copy that broke off leaves half of it: it is not
// believed before its counts are equal, and the next one begins with an empty database.
type mariadb struct {
	database

	old, new recipe.Side
}

// client runs a program of MariaDB's; the password is in its environment.
func (mariadb) client(program string, s server, words ...string) recipe.Command {
	args := []string{program, "--default-character-set=utf8mb4"}
	switch {
	case strings.HasPrefix(s.Host, "/"):
		args = append(args, "--socket="+s.Host)
	case s.Host != "":
		args = append(args, "--host="+s.Host)
	}
	if s.Port != 0 {
		args = append(args, "--port="+strconv.Itoa(s.Port))
	}
	if s.User != "" {
		args = append(args, "--user="+s.User)
	}
	c := recipe.Command{Args: append(append(args, words...), s.Database)}
	if s.Password != "" {
		c.Env = []string{"MYSQL_PWD=" + s.Password}
	}
	return c
}

// query runs SQL and gives its rows, without a head.
func (m mariadb) query(ctx context.Context, side recipe.Side, s server, sql string) (string, error) {
	c := m.client("mariadb", s, "--batch", "--raw", "--skip-column-names")
	c.Stdin = strings.NewReader(sql)
	return recipe.Output(ctx, side, c)
}

func (m mariadb) bytes(ctx context.Context) (int64, error) {
	text, err := m.query(ctx, m.old, m.From, "SELECT CAST(coalesce(sum(data_length + index_length), 0) AS UNSIGNED) FROM information_schema.tables WHERE table_schema = database();")
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

func (m mariadb) empty(ctx context.Context) (bool, error) {
	text, err := m.query(ctx, m.new, m.To, "SELECT count(*) FROM information_schema.tables WHERE table_schema = database();")
	return strings.TrimSpace(text) == "0", err
}

func (m mariadb) copy(ctx context.Context, _ bool, _ func(done, total int64)) error {
	if err := m.remove(ctx); err != nil {
		return err
	}
	read := m.client("mariadb-dump", m.From, "--single-transaction", "--quick", "--routines", "--triggers", "--events", "--hex-blob", "--skip-lock-tables", "--no-tablespaces")
	return recipe.Pipe(ctx, m.old, read, m.new, m.client("mariadb", m.To))
}

// list prints "kind|name" of what is in the database.
const list = "SELECT concat(IF(table_type = 'VIEW', 'VIEW', 'TABLE'), '|', table_name) FROM information_schema.tables WHERE table_schema = database();" +
	"SELECT concat(routine_type, '|', routine_name) FROM information_schema.routines WHERE routine_schema = database();" +
	"SELECT concat('EVENT|', event_name) FROM information_schema.events WHERE event_schema = database();"

func (m mariadb) count(ctx context.Context) ([]recipe.Count, error) {
	one := func(side recipe.Side, s server) (string, error) {
		all, err := m.query(ctx, side, s, list)
		if err != nil {
			return "", err
		}
		var sql strings.Builder
		for line := range strings.Lines(all) {
			if kind, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|"); kind == "TABLE" {
				sql.WriteString("SELECT concat(" + text(name) + ", '|', count(*), '|') FROM " + quoted(name) + ";\n")
			}
		}
		if sql.Len() == 0 {
			return "", nil
		}
		return m.query(ctx, side, s, sql.String())
	}
	from, err := one(m.old, m.From)
	if err != nil {
		return nil, err
	}
	to, err := one(m.new, m.To)
	if err != nil {
		return nil, err
	}
	return rows(m.Name, from, to, false)
}

func (m mariadb) remove(ctx context.Context) error {
	all, err := m.query(ctx, m.new, m.To, list)
	if err != nil {
		return err
	}
	var sql strings.Builder
	sql.WriteString("SET FOREIGN_KEY_CHECKS = 0;\n")
	for line := range strings.Lines(all) {
		kind, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		sql.WriteString("DROP " + kind + " IF EXISTS " + quoted(name) + ";\n")
	}
	_, err = m.query(ctx, m.new, m.To, sql.String())
	return err
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func text(s string) string {
	return "'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", "''") + "'"
}
