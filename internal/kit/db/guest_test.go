package db_test

import (
	"context"
	"sync"
	"testing"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/dbtest"
)

// However many guests hold a connection, or wait for one, somebody else has one at once:
// to read, to write and in a transaction.
func TestGuestsLeaveConnections(t *testing.T) {
	const slow = `SELECT name FROM demo_account`
	dbtest.Each(t, "demo", tables(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if _, err := db.Exec(ctx, d, insert, "ana", 1); err != nil {
			t.Fatal(err)
		}
		arrived, release := make(chan struct{}, 100), make(chan struct{})
		guests, leave := context.WithCancel(db.Guest(ctx))
		defer leave()
		var all sync.WaitGroup
		for i := range 40 {
			hold := func(r db.Row) (string, error) {
				arrived <- struct{}{}
				<-release
				return db.Text(r)
			}
			all.Go(func() {
				if i%2 == 0 {
					_, _ = db.All(guests, d, hold, slow)
					return
				}
				_, _ = db.One(guests, d, hold, slow)
			})
		}
		for range 2 {
			<-arrived
		}
		if n, err := db.One(ctx, d, db.Int64, `SELECT count(*) FROM demo_account`); err != nil || n != 1 {
			t.Errorf("a reader: %d, %v", n, err)
		}
		if _, err := db.Exec(ctx, d, insert, "bob", 2); err != nil {
			t.Error("a writer:", err)
		}
		if err := d.Tx(ctx, func(ctx context.Context, q db.Querier) error {
			_, err := db.Exec(ctx, q, insert, "eve", 3)
			return err
		}); err != nil {
			t.Error("a transaction:", err)
		}
		close(release)
		all.Wait()
		// In its transaction a guest waits for nobody, and every place is given back.
		for range 10 {
			if err := d.Tx(db.Guest(ctx), func(ctx context.Context, q db.Querier) error {
				_, err := db.All(ctx, q, db.Text, slow)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		leave()
		if _, err := db.One(guests, d, db.Int64, `SELECT 1`); err == nil {
			t.Error("who is gone was answered")
		}
	})
}
