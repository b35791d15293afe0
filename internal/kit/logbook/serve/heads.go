package serve

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook/format"
	"entrechat/internal/kit/logbook/store"
	"entrechat/internal/kit/wire"
)

// settleTime is how long a long poll waits for more once something changed, so
// that a burst is one answer.
const settleTime = 2 * time.Second

// waits says that a question for heads is held open.
func waits(r *http.Request) bool {
	wait, err := strconv.Atoi(r.URL.Query().Get("wait"))
	return err == nil && wait > 0
}

func (s *Server) serveHeads(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	s.contacts.Called(r.Context(), from)
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if text := r.URL.Query().Get("after"); err != nil && text != "" || after < 0 {
		return core.Invalid("logbook.bad_cursor", fmt.Errorf("%.40q", text))
	}
	store, last, err := store.Numbering(r.Context(), s.st.DB)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("store") != store {
		after = 0
	}
	wait, err := strconv.Atoi(r.URL.Query().Get("wait"))
	if err == nil && wait > 0 {
		s.awaitChange(r.Context(), after, min(time.Duration(wait)*time.Second, format.MaxWait))
	}
	out := format.HeadsAnswer{Store: store, Cursor: after, Heads: []format.HeadItem{}}
	if last > after || wait > 0 {
		if err := s.headsAfter(r.Context(), &out); err != nil {
			return err
		}
	}
	data, err := wire.Encode(out)
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", noCache, data)
}

// headsAfter fills in what changed after an answer's cursor, and moves it.
func (s *Server) headsAfter(ctx context.Context, out *format.HeadsAnswer) error {
	logs, err := store.LogsAfter(ctx, s.st.DB, out.Cursor, format.MaxLogs)
	if err != nil || len(logs) == 0 {
		return err
	}
	versions, err := store.VersionsAfter(ctx, s.st.DB, out.Cursor)
	if err != nil {
		return err
	}
	for _, l := range logs {
		out.Cursor = l.Seq
		v := versions[l.Member]
		if v == 0 || s.noForward && l.Member != s.st.Self() {
			continue
		}
		out.Heads = append(out.Heads, format.HeadItem{Member: l.Member, Epoch: l.Epoch, Version: v, Head: string(l.Note)})
	}
	return nil
}

// awaitChange returns when a log changed after the cursor, a moment later, or when
// the wait is over.
func (s *Server) awaitChange(ctx context.Context, after int64, wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	look := time.NewTicker(2 * time.Second) // another process of this node may write
	defer look.Stop()
	for {
		changed := s.st.Changes()
		if seq, err := store.LastSeq(ctx, s.st.DB); err != nil || seq > after {
			select {
			case <-time.After(settleTime):
			case <-ctx.Done():
			}
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		case <-look.C:
		}
	}
}

// serveInbox takes the hint that a member has news: nothing in it is believed, it
// only makes us ask that member soon.
func (s *Server) serveInbox(w http.ResponseWriter, r *http.Request, from core.MemberID) error {
	_, _ = io.Copy(io.Discard, r.Body)
	if err := store.UpdateContact(r.Context(), s.st.DB, from, func(c *store.Contact) { c.Failures, c.Retry = 0, 0 }); err != nil {
		return err
	}
	s.exchange.Hint(from)
	w.WriteHeader(http.StatusAccepted)
	return nil
}
