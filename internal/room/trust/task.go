package trust

import (
	"errors"
	"regexp"
	"time"

	"entrechat/internal/core"
)

// taskKind is one kind of thing that is tried until it worked.
type taskKind string

const (
	taskHello      taskKind = "hello"       // say hello; subject is the member
	taskFollow     taskKind = "follow"      // mirror a member again that our own logbook speaks of
	taskOffer      taskKind = "offer"       // hand over a proposal; subject is the pact
	taskAnswer     taskKind = "answer"      // hand over an acceptance
	taskClose      taskKind = "close"       // tell that a pact was closed
	taskLogPact    taskKind = "log_pact"    // note a signed pact in our logbook
	taskLogEnd     taskKind = "log_end"     // note the end of a pact in our logbook
	taskGetPact    taskKind = "get_pact"    // fetch a pact we lost
	taskGetCharter taskKind = "get_charter" // fetch the charter of a collective we follow
)

// tells says whether it brings the other side something, as opposed to fetching it.
func (k taskKind) tells() bool {
	switch k {
	case taskHello, taskOffer, taskAnswer, taskClose, taskLogPact, taskLogEnd:
		return true
	case taskFollow, taskGetPact, taskGetCharter:
	}
	return false
}

// task is one thing still to be told or fetched.
type task struct {
	Kind    taskKind
	Subject string
	Peer    core.MemberID
	Made    core.Moment
	Next    core.Moment
	Tries   int64
	Error   string // of the last try: a words key, or a text
}

const (
	firstRetry = 30 * time.Second
	lastRetry  = 6 * time.Hour
	taskLease  = 2 * time.Minute
	taskLife   = 90 * day // a task older than this is given up
)

// failed puts the task off: 30 s, then twice as long each time, at most 6 h.
func (t task) failed(err error, now core.Moment) task {
	wait := firstRetry << min(t.Tries, 20)
	t.Tries++
	t.Next = now.Add(min(wait, lastRetry))
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
