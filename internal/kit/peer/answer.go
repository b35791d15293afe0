package peer

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"entrechat/internal/kit/wire"
)

// stride is how much of an answer is written under one deadline, in bytes.
const stride = 64 << 10

// retryAfter is when who was told to come back may, in seconds.
const retryAfter = "10"

// answer is a ResponseWriter that does not wait for ever for a reader that takes
// nothing, and knows whether an error can still be told.
type answer struct {
	http.ResponseWriter
	control  *http.ResponseController
	conn     net.Conn // nil = not known
	place    *place   // nil = none, or not yet
	patience time.Duration
	begun    bool
	unread   bool // the request has a body, and its end was not seen
}

func newAnswer(w http.ResponseWriter, r *http.Request) *answer {
	a := &answer{ResponseWriter: w, control: http.NewResponseController(w), conn: connOf(r), patience: patience, unread: r.ContentLength != 0}
	a.deadline(time.Time{}) // of the connection's last answer
	return a
}

// Unwrap lets http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK {
		a.begin()
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (a *answer) Write(data []byte) (total int, err error) {
	a.begin()
	for {
		part := data[:min(len(data), stride)]
		begun := time.Now()
		a.deadline(begun.Add(a.patience))
		a.place.wait(begun)
		n, err := a.ResponseWriter.Write(part)
		a.place.work()
		if total += n; err != nil {
			return total, err
		}
		if data = data[n:]; len(data) == 0 {
			a.deadline(time.Time{})
			return total, nil
		}
	}
}

// begin ends the wait for a body that nobody has read.
func (a *answer) begin() {
	if !a.begun && a.unread {
		a.readBy(time.Now().Add(farewell))
	}
	a.begun = true
}

// end bounds the flush of what net/http still holds.
func (a *answer) end() {
	a.begin()
	a.deadline(time.Now().Add(a.patience))
}

// close has the connection of a refused visitor closed behind the answer.
func (a *answer) close() {
	a.Header().Set("Connection", "close")
	a.Header().Set("Retry-After", retryAfter)
}

func (a *answer) readBy(t time.Time) {
	// Test recorders have no connection to set it on.
	_ = a.control.SetReadDeadline(t)
}

func (a *answer) deadline(t time.Time) {
	// Test recorders have no connection to set it on.
	_ = a.control.SetWriteDeadline(t)
}

// WriteJSON answers 200 with a value.
func WriteJSON(w http.ResponseWriter, v any) error {
	body, err := wire.Encode(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err = w.Write(append(body, '\n')); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// ReadJSON reads a body strictly into v; on a Route with Digest it was proved
// before. Returns CodeInvalid, or what the body's own checks say.
func ReadJSON(r *http.Request, v any) error {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return badBody(err)
	}
	return wire.Decode(data, v)
}
