package account

import (
	"context"
	"errors"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/room/identity/person"
)

// tables are all of the room's that say something of one person, with the column that names
// the person. A test holds them against the migrations.
func tables() map[string]string {
	return map[string]string{
		"identity_person": "id", "identity_handle": "person", "identity_session": "person", "identity_audit": "person",
		"identity_membership": "person", "identity_password": "person", "identity_totp": "person", "identity_recovery": "person",
		"identity_passkey": "person", "identity_step": "person", "identity_token": "person", "identity_mail": "person",
		"identity_request": "person", "identity_subject": "person", "identity_visitor": "person", "identity_move_out": "person", "identity_move_in": "person", "identity_move_taken": "person", "identity_legacy": "person", "identity_legacy_moved": "person", "identity_import": "person", "identity_consent": "person", "identity_broker_session": "person", "identity_oidc_grant": "person", "identity_oidc_session": "person",
	}
}

// secretColumn says whether a column holds what opens an account, or what others' secrets are
// guessed by. It is left out of what a person takes along.
func secretColumn(name string) bool {
	for _, part := range []string{"hash", "secret", "salt", "veil", "token", "code", "challenge", "record", "nonce", "verifier"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// everything is all rows about a person, by table: each as its columns, moments as dates.
func everything(ctx context.Context, q db.Querier, who person.ID) (map[string][]map[string]any, error) {
	all := map[string][]map[string]any{}
	for table, column := range tables() {
		rows, err := rowsOf(ctx, q, `SELECT * FROM `+table+` WHERE `+column+` = $1`, string(who))
		if err != nil {
			return nil, err
		}
		all[strings.TrimPrefix(table, "identity_")] = rows
	}
	return all, nil
}

func rowsOf(ctx context.Context, q db.Querier, query string, args ...any) (all []map[string]any, err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	all = []map[string]any{}
	for rows.Next() {
		values := make([]any, len(names))
		places := make([]any, len(names))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, name := range names {
			if bytes, ok := values[i].([]byte); ok {
				values[i] = string(bytes)
			}
			at, isNumber := values[i].(int64)
			switch moment, ends := strings.CutSuffix(name, "_us"); {
			case secretColumn(name):
			case ends && isNumber && at == 0:
				row[moment] = nil
			case ends && isNumber:
				row[moment] = core.Moment(at).Time().Format(time.RFC3339)
			default:
				row[name] = values[i]
			}
		}
		all = append(all, row)
	}
	return all, rows.Err()
}
