package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

const columns = `id, template, url, secret, old_secret, old_until_us, settings, made_us`

func scan(r db.Row) (c Client, err error) {
	var settings string
	if err = r.Scan(&c.ID, &c.Template, &c.URL, &c.secret, &c.oldSecret, &c.oldUntil, &settings, &c.Made); err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(settings), &c.Settings)
}

// Get reads one service. Returns CodeNotFound "identity.client.unknown".
func Get(ctx context.Context, q db.Querier, id string) (Client, error) {
	c, err := db.One(ctx, q, scan, `SELECT `+columns+` FROM identity_client WHERE id = $1`, id)
	if errors.Is(err, db.ErrNoRow) {
		return c, core.NotFound("identity.client.unknown", err).With("Name", id)
	}
	return c, err
}

// All are the services, by name.
func All(ctx context.Context, q db.Querier) ([]Client, error) {
	return db.All(ctx, q, scan, `SELECT `+columns+` FROM identity_client ORDER BY id LIMIT 10000`)
}

func insert(ctx context.Context, q db.Querier, c Client) error {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	n, err := db.Exec(ctx, q, `INSERT INTO identity_client (`+columns+`) VALUES ($1, $2, $3, $4, '', 0, $5, $6) ON CONFLICT DO NOTHING`,
		c.ID, c.Template, c.URL, c.secret, string(settings), int64(c.Made))
	if err == nil && n == 0 {
		return core.Conflict("identity.client.taken", errors.New("a service of that name")).With("Name", c.ID)
	}
	return err
}

func update(ctx context.Context, q db.Querier, c Client) error {
	settings, err := json.Marshal(c.Settings)
	if err != nil {
		return err
	}
	_, err = db.Exec(ctx, q, `UPDATE identity_client SET url = $2, secret = $3, old_secret = $4, old_until_us = $5, settings = $6 WHERE id = $1`,
		c.ID, c.URL, c.secret, c.oldSecret, int64(c.oldUntil), string(settings))
	return err
}

func remove(ctx context.Context, q db.Querier, id string) (bool, error) {
	n, err := db.Exec(ctx, q, `DELETE FROM identity_client WHERE id = $1`, id)
	return n == 1, err
}

func forget(ctx context.Context, q db.Querier, id string) error {
	_, err := db.Exec(ctx, q, `DELETE FROM identity_subject WHERE client = $1`, id)
	return err
}

// people is how many people a client was told of.
func people(ctx context.Context, q db.Querier, id string) (int64, error) {
	return db.One(ctx, q, db.Int64, `SELECT count(*) FROM identity_subject WHERE client = $1`, id)
}

// Subject is what a client was told of a person.
type Subject struct {
	Client   string // its Scope
	Person   person.ID
	Sub      string
	Username string
	Mail     string // empty = none was told
	Made     core.Moment
	Alias    bool // Mail is the service's own address for them
}

const subjectColumns = `client, person, sub, username, mail, made_us, alias`

func scanSubject(r db.Row) (s Subject, err error) {
	return s, r.Scan(&s.Client, &s.Person, &s.Sub, &s.Username, &s.Mail, &s.Made, &s.Alias)
}

// SubjectOf reads what a client was told of a person; found is false while it was told
// nothing.
func SubjectOf(ctx context.Context, q db.Querier, scope string, p person.ID) (s Subject, found bool, err error) {
	s, err = db.One(ctx, q, scanSubject, `SELECT `+subjectColumns+` FROM identity_subject WHERE client = $1 AND person = $2`, scope, string(p))
	if errors.Is(err, db.ErrNoRow) {
		return s, false, nil
	}
	return s, err == nil, err
}

// SubjectsOf is what clients were told of a person, for its own page and its copy of
// everything.
func SubjectsOf(ctx context.Context, q db.Querier, p person.ID) ([]Subject, error) {
	return db.All(ctx, q, scanSubject, `SELECT `+subjectColumns+` FROM identity_subject WHERE person = $1 ORDER BY made_us, client LIMIT 10000`, string(p))
}

// maxTries bounds how many people one service knows under one handle.
const maxTries = 100

// Told gives what a client is told of a person, and writes it once: whoever asks again gets
// the same. The username is the handle in the form the client can read, with a number when
// another person has it there. mail is told when nobody else has it at that client; where
// none could be told before, it is added once.
func Told(ctx context.Context, d *db.DB, c Client, who Account, now core.Moment) (Subject, error) {
	scope := c.Scope()
	s, found, err := SubjectOf(ctx, d, scope, who.ID)
	if err != nil || (found && (s.Mail != "" || who.Mail == "")) {
		return s, err
	}
	err = d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if s, found, err = SubjectOf(ctx, q, scope, who.ID); err != nil {
			return err
		}
		if !found {
			if s, err = freeze(ctx, q, c, who, now); err != nil {
				return err
			}
		}
		if s.Mail == "" && who.Mail != "" {
			return addMail(ctx, q, c, &s, who.Mail)
		}
		return nil
	})
	return s, err
}

// Account is what of a person a client may be told.
type Account struct {
	ID     person.ID
	Handle string
	Mail   string // verified; empty = none
}

// freeze writes the first subject of a person at a client.
func freeze(ctx context.Context, q db.Querier, c Client, who Account, now core.Moment) (Subject, error) {
	s := Subject{Client: c.Scope(), Person: who.ID, Sub: string(who.ID), Made: now}
	for try := 1; try <= maxTries; try++ {
		s.Username = c.Names.Username(who.Handle, try)
		n, err := db.Exec(ctx, q, `INSERT INTO identity_subject (`+subjectColumns+`) VALUES ($1, $2, $3, $4, '', $5, FALSE) ON CONFLICT DO NOTHING`,
			s.Client, string(s.Person), s.Sub, s.Username, int64(now))
		if err != nil || n == 1 {
			return s, err
		}
	}
	return s, core.Conflict("identity.client.no_name", fmt.Errorf("%d people called alike", maxTries)).With("Name", c.Called())
}

func addMail(ctx context.Context, q db.Querier, c Client, s *Subject, mail string) error {
	alias := c.Aliases != ""
	if alias {
		mail = c.alias(s.Username)
	}
	n, err := db.Exec(ctx, q, `UPDATE identity_subject SET mail = $3, alias = $4 WHERE client = $1 AND person = $2 AND mail = ''
		AND NOT EXISTS (SELECT 1 FROM identity_subject o WHERE o.client = $1 AND o.mail = $3)`, s.Client, string(s.Person), mail, alias)
	if err == nil && n == 1 {
		s.Mail, s.Alias = mail, alias
	}
	return err
}

// AliasesOf are those of people with an account that is open and a mail address, sorted.
func AliasesOf(ctx context.Context, q db.Querier) ([]Alias, error) {
	return db.All(ctx, q, func(r db.Row) (a Alias, err error) { return a, r.Scan(&a.Alias, &a.Mail) },
		`SELECT s.mail, p.mail FROM identity_subject s JOIN identity_person p ON p.id = s.person
		WHERE s.alias AND s.mail <> '' AND p.mail <> '' AND p.status = 'active' ORDER BY s.mail`)
}
