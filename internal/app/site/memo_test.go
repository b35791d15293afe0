package site

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

func TestMemo(t *testing.T) {
	begun, finish := make(chan bool), make(chan error)
	count := 0
	k := memo[int]{lives: time.Minute, make: func(ctx context.Context) (int, error) {
		begun <- true
		if err := errors.Join(<-finish, ctx.Err()); err != nil {
			return 0, err
		}
		count++
		return count, nil
	}}
	now := time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)
	ask := func(at time.Time) (int, error) {
		ctx, leave := context.WithCancel(t.Context())
		leave() // the visitor is gone already: the others still get their answer
		got, err := k.at(ctx, at)
		return got.value, err
	}
	var all sync.WaitGroup
	expect := func(want int, wantErr error, at time.Time) {
		if got, err := ask(at); got != want || !errors.Is(err, wantErr) {
			t.Errorf("got %d, %v; want %d, %v", got, err, want, wantErr)
		}
	}
	// All who come before the first answer wait for that one.
	for range 3 {
		all.Go(func() { expect(1, nil, now) })
	}
	<-begun
	finish <- nil
	all.Wait()
	expect(1, nil, now.Add(59*time.Second))

	// Too old: one makes it anew, the others do not wait. A failure is forgotten.
	late, fail := now.Add(time.Minute), errors.New("not now")
	all.Go(func() { expect(0, fail, late) })
	<-begun
	expect(1, nil, late)
	finish <- fail
	all.Wait()
	all.Go(func() { expect(2, nil, late) })
	<-begun
	finish <- nil
	all.Wait()
	expect(2, nil, late)
}
