package peer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"entrechat/internal/core"
	"entrechat/internal/kit/wire"
)

const (
	// failureLimit bounds the body of an error answer, in bytes.
	failureLimit = 8 << 10
	// maxArgs and maxText bound what of an error passes between members.
	maxArgs = 8
	maxText = 300
)

// failure is the body of every error answer.
// spec: docs/spec/peer.md#errors
type failure struct {
	Code core.Code      `json:"code"`
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"` // strings and integers
	Text string         `json:"text,omitempty"` // for the other side's log
}

// The forms in which a stranger may name a sentence and its places.
var (
	keyForm = regexp.MustCompile(`^[a-z0-9_]{1,32}\.[a-z0-9_]{1,48}$`)
	argForm = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,31}$`)
)

// WriteError answers an error as status and JSON. Causes of CodeInternal stay
// here: they may name our paths.
func WriteError(w http.ResponseWriter, err error) {
	f := failureOf(err)
	body, encodeErr := wire.Encode(f)
	if encodeErr != nil {
		// An error's text may be any bytes; what matters is the key.
		body = []byte(`{"code":"` + string(f.Code) + `","key":"` + f.Key + `"}`)
	}
	head := w.Header()
	head.Del("Content-Length") // of the answer that did not come about
	head.Set("Content-Type", "application/json")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-store")
	if f.Code == core.CodeUnsure {
		head.Set("Retry-After", retryAfter)
	}
	w.WriteHeader(statusOf(f))
	_, _ = w.Write(append(body, '\n')) //nolint:gosec // JSON, and said to be; nosniff
}

func failureOf(err error) failure {
	f := failure{Code: core.CodeOf(err), Key: "core.internal"}
	var e *core.Error
	if errors.As(err, &e) && keyForm.MatchString(e.Key) {
		f.Key, f.Args = e.Key, portable(e.Args)
	}
	if strings.HasPrefix(f.Key, "db.") {
		// Their sentence would speak of the reader's own database.
		f.Key, f.Args = "peer.own_trouble", nil
		return f
	}
	if f.Code != core.CodeInternal {
		f.Text = shown(err.Error())
	}
	return f
}

// statusOf is the code's status, or a closer one where HTTP has it.
func statusOf(f failure) int {
	switch f.Key {
	case "peer.slow_down":
		return http.StatusTooManyRequests
	case "peer.too_large":
		return http.StatusRequestEntityTooLarge
	case "peer.too_slow":
		return http.StatusRequestTimeout
	}
	return f.Code.HTTPStatus()
}

// portable keeps what a sentence needs: short strings and integers.
func portable(args map[string]any) map[string]any {
	out := map[string]any{}
	for name, value := range args {
		if len(out) >= maxArgs || !argForm.MatchString(name) {
			continue
		}
		switch v := value.(type) {
		case int, int64, int32:
			out[name] = v
		case float64: // an integer that came through JSON
			out[name] = int64(v)
		default:
			out[name] = shown(fmt.Sprint(v))
		}
	}
	return out
}

// shown makes text safe to log and print, not to put in HTML: at most maxText
// characters, none of which moves a cursor.
func shown(text string) string {
	printable := func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}
	runes := []rune(strings.Map(printable, strings.ToValidUTF8(text, "?")))
	return string(runes[:min(len(runes), maxText)])
}

// isFailure reads the body of an error answer of a node; anything else is not one.
func isFailure(data []byte, f *failure) bool {
	return wire.Peek(data, f) == nil && keyForm.MatchString(f.Key)
}

// readMemberFailure is readFailure for what answered at a member's address. Every
// error of a node says so in JSON; another answer is that of a proxy in front of it, or
// of whoever has its address now, and says nothing about the member: CodeUnsure.
func readMemberFailure(res *http.Response, to core.MemberID) error {
	data, _ := io.ReadAll(io.LimitReader(res.Body, failureLimit)) // the status says enough
	if isFailure(data, &failure{}) {
		res.Body = struct {
			io.Reader
			io.Closer
		}{bytes.NewReader(data), res.Body}
		return readFailure(res, to)
	}
	defer res.Body.Close() //nolint:errcheck // nothing to save
	key := "peer.proxy_page"
	switch res.StatusCode {
	case http.StatusRequestEntityTooLarge:
		key = "peer.proxy_limit"
	case http.StatusTooManyRequests:
		key = "peer.proxy_rate"
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		key = "peer.proxy_down"
	}
	return core.Unsure(key, fmt.Errorf("%s answered %d, not as a node does: %s", to, res.StatusCode, shown(string(data)))).
		With("Member", to).With("Status", res.StatusCode)
}

// isPage says that an answer is a page for people: no node gives one to a member.
func isPage(res *http.Response) bool {
	return strings.HasPrefix(strings.ToLower(res.Header.Get("Content-Type")), "text/html")
}

// readFailure turns an answer other than 2xx into an error that names the member,
// and closes it. Code comes from the status alone; key and args pick and fill one
// of our own sentences, the text is only for the log.
func readFailure(res *http.Response, to core.MemberID) error {
	defer res.Body.Close()                                        //nolint:errcheck // nothing to save
	data, _ := io.ReadAll(io.LimitReader(res.Body, failureLimit)) // the status says enough
	var f failure
	if !isFailure(data, &f) {
		f = failure{Key: "peer.refused"}
	}
	code := core.CodeFromHTTP(res.StatusCode)
	if res.StatusCode == http.StatusRequestTimeout {
		code = core.CodeUnsure
	}
	args := portable(f.Args)
	args["Member"], args["Status"] = to, res.StatusCode
	return &core.Error{
		Code: code, Key: f.Key, Args: args,
		Err: fmt.Errorf("%s answered %d %s: %s", to, res.StatusCode, f.Key, shown(f.Text)),
	}
}
