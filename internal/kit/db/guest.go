package db

import "context"

// guestKey marks the context of a guest.
type guestKey struct{}

// Guest marks what is asked for somebody who is no member and no program of this machine:
// all guests together have half of the connections, so that a crowd of them makes nobody else
// wait.
func Guest(ctx context.Context) context.Context { return context.WithValue(ctx, guestKey{}, true) }

// IsGuest says whether a context is a guest's.
func IsGuest(ctx context.Context) bool { return ctx.Value(guestKey{}) != nil }

// admit has a guest wait until one of the guests' connections is free. In a transaction
// it has one.
func (d *DB) admit(ctx context.Context) (leave func(), err error) {
	if !IsGuest(ctx) || ctx.Value(inTx{d}) != nil {
		return func() {}, nil
	}
	select {
	case d.guests <- struct{}{}:
		return func() { <-d.guests }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// admitTo is admit for a Querier: a transaction's has its connection.
func admitTo(ctx context.Context, q Querier) (leave func(), err error) {
	if d, ok := q.(*DB); ok {
		return d.admit(ctx)
	}
	return func() {}, nil
}
