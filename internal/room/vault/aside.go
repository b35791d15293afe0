package vault

import (
	"context"
	"errors"
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/kit/access"
	"entrechat/internal/kit/fit"
)

// aside is what the start of the room met: files it may not read are left aside, so
// that everything else is served. Safe for concurrent use.
type aside struct {
	mu     sync.Mutex
	files  []error // what was left aside, CodeInternal or CodeDenied with the cure
	failed error   // why the last start came to nothing
}

// leave takes note of a file that this user may not read and answers nil; any other
// error comes back.
func (r *Room) leave(err error) error {
	if !access.Denied(err) {
		return err
	}
	r.n.Log.Error("left aside: it cannot be read", "error", err)
	r.aside.mu.Lock()
	defer r.aside.mu.Unlock()
	r.aside.files = append(r.aside.files, err)
	return nil
}

// begun notes how a start ended.
func (r *Room) begun(err error) error {
	r.aside.mu.Lock()
	defer r.aside.mu.Unlock()
	r.aside.failed = err
	return err
}

// health says whether restic is served by this process.
func (r *Room) health(context.Context) (fit.Finding, error) {
	r.aside.mu.Lock()
	defer r.aside.mu.Unlock()
	select {
	case <-r.started:
	default:
		if r.aside.failed != nil {
			return fit.Finding{}, r.aside.failed
		}
		return fit.Unknown("vault.starting", nil), nil
	}
	for _, err := range r.aside.files {
		if e, ok := errors.AsType[*core.Error](err); ok {
			return fit.Well(e.Key, e.Args), nil
		}
	}
	return fit.Finding{}, nil
}

// notStarted is what restic hears while the room does not serve.
func (r *Room) notStarted(ctx context.Context) error {
	r.aside.mu.Lock()
	failed := r.aside.failed
	r.aside.mu.Unlock()
	if failed != nil {
		return failed
	}
	if err := r.recovery.Whole(ctx); err != nil {
		return err
	}
	return core.Unsure("vault.starting", errors.New("the start is not through"))
}
