package federation_test

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"entrechat/internal/room/identity/home"
	"entrechat/internal/room/identity/key"
)

// busy is a database that does not answer.
type busy struct {
	mu    sync.Mutex
	asked int
}

func (b *busy) Letting(ctx context.Context) ([]home.Home, error) {
	b.mu.Lock()
	b.asked++
	b.mu.Unlock()
	<-ctx.Done()
	return nil, errors.New("no answer")
}

func (b *busy) LettingUs(context.Context) ([]home.Home, error) { return nil, nil }

// A database that does not answer keeps a crowd waiting once, and not one after another.
func TestACrowdWaitsOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "identity.keys")
	synctest.Test(t, func(t *testing.T) {
		keys, err := key.Open(file, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		b := &busy{}
		w := &world{t: t, mux: http.NewServeMux(), keys: keys, at: time.Now()}
		w.serve(b)
		began := time.Now()
		var crowd sync.WaitGroup
		for i := range 30 {
			path := []string{"/.well-known/openid-federation", "/federation/list", "/federation/fetch?sub=https://chaton-b.test"}[i%3]
			crowd.Go(func() {
				if got := w.ask(http.MethodGet, path).Code; got != http.StatusInternalServerError {
					t.Error(got)
				}
			})
		}
		crowd.Wait()
		if waited := time.Since(began); waited > 6*time.Second || b.asked > 1 {
			t.Errorf("they waited %s, it was asked %d times", waited, b.asked)
		}
		// Who goes away does not wait.
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		began = time.Now()
		w.askIn(ctx, http.MethodGet, "/federation/list")
		if waited := time.Since(began); waited > 2*time.Second {
			t.Errorf("who went away waited %s", waited)
		}
		time.Sleep(10 * time.Second) // for the reading that nobody waits for
	})
}
