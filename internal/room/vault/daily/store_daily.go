// Package daily remembers how the backups of this node stood on each day: how old what was
// off-site was at most, and how few members could have been lost.
package daily

import (
	"context"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
)

// Retained is how many days are remembered.
const Retained = 400

// Day is the worst of one day, over all backups that have a snapshot.
type Day struct {
	Number int64         // days since 1970-01-01, UTC
	Age    time.Duration // of the newest snapshot off-site; below 0 = a backup had none
	Losses int           // members that could be lost; below 0 = something could not be read back
}

// NumberOf is the day of a moment.
func NumberOf(m core.Moment) int64 { return m.Time().Unix() / int64((24 * time.Hour).Seconds()) }

// Record notes how things stand at a moment; of a day the worst stays. Days of more than
// Retained ago are forgotten. A day on which a backup had nothing off-site says so until
// it has.
func Record(ctx context.Context, d *db.DB, now core.Moment, age time.Duration, losses int) error {
	day, seconds := NumberOf(now), int64(age.Seconds())
	if age < 0 {
		seconds = -1
	}
	return d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if _, err := db.Exec(ctx, q, `DELETE FROM vault_day WHERE day <= $1`, day-Retained); err != nil {
			return err
		}
		_, err := db.Exec(ctx, q, `INSERT INTO vault_day (day, age_s, losses) VALUES ($1, $2, $3)
			ON CONFLICT (day) DO UPDATE SET
				age_s = CASE WHEN vault_day.age_s < 0 OR excluded.age_s < 0 OR excluded.age_s > vault_day.age_s THEN excluded.age_s ELSE vault_day.age_s END,
				losses = CASE WHEN excluded.losses < vault_day.losses THEN excluded.losses ELSE vault_day.losses END`,
			day, seconds, int64(losses))
		return err
	})
}

// Last are the known days among the last n until now, oldest first.
func Last(ctx context.Context, d *db.DB, now core.Moment, n int) ([]Day, error) {
	return db.All(ctx, d, func(r db.Row) (day Day, err error) {
		var seconds, losses int64
		err = r.Scan(&day.Number, &seconds, &losses)
		day.Age, day.Losses = time.Duration(seconds)*time.Second, int(losses)
		return day, err
	}, `SELECT day, age_s, losses FROM vault_day WHERE day > $1 AND day <= $2 ORDER BY day`, NumberOf(now)-int64(n), NumberOf(now))
}
