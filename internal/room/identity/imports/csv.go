package imports

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"entrechat/internal/core"
)

// column is what one column of a CSV file holds.
type column string

const (
	colUID, colName, colFirst, colLast  column = "uid", "name", "first", "last"
	colMail, colHash, colGroups, colLan column = "mail", "hash", "groups", "lang"
)

// columnOf knows the heads that exports have, in French and English.
func columnOf(head string) column {
	head = strings.Map(func(r rune) rune {
		switch r {
		case ' ', '-', '_', '.', '\'', '’':
			return -1
		}
		return r
	}, unaccented(strings.ToLower(strings.TrimSpace(head))))
	switch head {
	case "uid", "login", "username", "user", "handle", "identifiant", "nomdutilisateur", "utilisateur", "compte", "pseudo", "account", "userid":
		return colUID
	case "name", "displayname", "fullname", "cn", "nomcomplet", "nomaffiche", "affichage", "nometprenom", "prenometnom":
		return colName
	case "prenom", "firstname", "givenname", "first":
		return colFirst
	case "nom", "lastname", "surname", "sn", "nomdefamille", "familyname", "last":
		return colLast
	case "mail", "email", "courriel", "adressemail", "adresseemail", "adresseelectronique", "mel", "emailaddress", "primaryemail":
		return colMail
	case "hash", "passwordhash", "password", "userpassword", "motdepasse", "mdp", "condensat", "empreinte", "pw":
		return colHash
	case "groups", "group", "groupes", "groupe":
		return colGroups
	case "lang", "language", "langue", "locale":
		return colLan
	}
	return ""
}

// csv reads a file whose first line names its columns. Commas, semicolons and tabs part
// them. What is no UTF-8 is read as Windows-1252, which spreadsheets write.
func (r *reader) csv(text []byte) error {
	if !utf8.Valid(text) {
		var err error
		if text, err = charmap.Windows1252.NewDecoder().Bytes(text); err != nil {
			return core.Invalid("identity.imports.unknown", err)
		}
	}
	head, _, _ := strings.Cut(string(text), "\n")
	in := csv.NewReader(strings.NewReader(string(text)))
	in.Comma = separator(head)
	in.FieldsPerRecord, in.ReuseRecord = -1, true
	names, err := in.Read()
	if err != nil {
		return badCSV(err)
	}
	columns := make([]column, len(names))
	known := map[column]bool{}
	for i, name := range names {
		columns[i] = columnOf(name)
		if columns[i] == "" || known[columns[i]] {
			columns[i] = ""
			r.say(1, "identity.imports.column_left", map[string]any{"Name": tidy(short(name))})
		}
		known[columns[i]] = true
	}
	if !known[colUID] && !known[colMail] {
		return core.Invalid("identity.imports.no_column", errors.New("no column of user names, none of addresses"))
	}
	for {
		fields, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badCSV(err)
		}
		line, _ := in.FieldPos(0)
		if err := r.add(fromCSV(columns, fields, line)); err != nil {
			return err
		}
	}
}

func badCSV(err error) error {
	line := 1
	if at, ok := errors.AsType[*csv.ParseError](err); ok {
		line = at.Line
	}
	return core.Invalid("identity.imports.bad_line", err).With("Line", line)
}

// separator is the sign that parts most columns of the first line.
func separator(head string) rune {
	best := ','
	for _, sign := range []rune{';', '\t'} {
		if strings.Count(head, string(sign)) > strings.Count(head, string(best)) {
			best = sign
		}
	}
	return best
}

func fromCSV(columns []column, fields []string, line int) Record {
	got := map[column]string{}
	for i, field := range fields {
		if i < len(columns) && columns[i] != "" && len(field) <= maxValue {
			got[columns[i]] = strings.TrimSpace(field)
		}
	}
	rec := Record{Line: line, UID: got[colUID], Name: got[colName], Mail: got[colMail], Hash: got[colHash], Lang: got[colLan]}
	if rec.Name == "" {
		rec.Name = strings.TrimSpace(got[colFirst] + " " + got[colLast])
	}
	if rec.UID == "" {
		rec.UID, _, _ = strings.Cut(rec.Mail, "@")
	}
	for _, group := range strings.FieldsFunc(got[colGroups], func(r rune) bool { return strings.ContainsRune("|,;/", r) }) {
		if group = tidy(group); group != "" && len(rec.Groups) < maxGroups {
			rec.Groups = append(rec.Groups, group)
		}
	}
	return rec
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
