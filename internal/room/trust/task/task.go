package task

import (
	"errors"
	"regexp"
	"time"

	"entrechat/internal/core"
)

const day = 24 * time.Hour

// HasKey says whether an error shows the sentence of a key.
func HasKey(err error, key string) bool {
	var e *core.Error
	return errors.As(err, &e) && e.Key == key
}

// Kind is one kind of thing that is tried until it worked.
type Kind string

// The kinds.
const (
	Hello      Kind = "hello"       // say hello; subject is the member
	Follow     Kind = "follow"      // mirror a member again that our own logbook speaks of
	Offer      Kind = "offer"       // hand over a proposal; subject is the pact
	Answer     Kind = "answer"      // hand over an acceptance
	Close      Kind = "close"       // tell that a pact was closed
	LogPact    Kind = "log_pact"    // note a signed pact in our logbook
	LogEnd     Kind = "log_end"     // note the end of a pact in our logbook
	GetPact    Kind = "get_pact"    // fetch a pact we lost
	GetCharter Kind = "get_charter" // fetch the charter of a collective we follow
)

// Tells says whether it brings the other side something, as opposed to fetching it.
func (k Kind) Tells() bool {
	switch k {
	case Hello, Offer, Answer, Close, LogPact, LogEnd:
		return true
	case Follow, GetPact, GetCharter:
	}
	return false
}

// Task is one thing still to be told or fetched.
type Task struct {
	Kind    Kind
	Subject string
	Peer    core.MemberID
	Made    core.Moment
	Next    core.Moment
	Tries   int64
	Error   string // of the last try: a words key, or a text
}

// When a task is tried again, and for how long.
const (
	firstRetry = 30 * time.Second
	LastRetry  = 6 * time.Hour
	lease      = 2 * time.Minute
	life       = 90 * day // a task older than this is given up
)

// failed puts the task off: 30 s, then twice as long each time, at most 6 h.
func (t Task) failed(err error, now core.Moment) Task {
	wait := firstRetry << min(t.Tries, 20)
	t.Tries++
	t.Next = now.Add(min(wait, LastRetry))
	t.Error = remark(err)
	return t
}

var wordsKey = regexp.MustCompile(`^[a-z]+\.[a-z_]+$`)

// remark is what is kept of an error for people: the key of its sentence, which
// the reader's language turns into words, otherwise the beginning of its text.
func remark(err error) string {
	var e *core.Error
	if errors.As(err, &e) && wordsKey.MatchString(e.Key) {
		return e.Key
	}
	r := []rune(err.Error())
	return string(r[:min(len(r), 200)])
}
