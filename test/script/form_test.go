package script

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entrechat/internal/app/lab"
)

// hiddenStamp is the field by which a form says when it was made.
var hiddenStamp = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// form NAME ADDRESS [@FROM] [FIELD=VALUE...] fills in the form of a page as a browser without
// scripts does, and sends it; $NAME is the address it leads to. A form that wants a person's
// pace is sent again until that time has passed, ten seconds at most. FROM is the address it
// comes from. With "!" the form has to be refused, and $NAME is what the page says then.
func form(ts *testscript.TestScript, neg bool, args []string) {
	f := openForm(ts, args[1], args[2:])
	for range 50 {
		res, said, err := f.send(f.from)
		ts.Check(err)
		switch {
		case strings.Contains(said, "as a program is"):
			<-time.After(200 * time.Millisecond)
			continue
		case neg != (res.StatusCode >= http.StatusBadRequest):
			ts.Fatalf("the form at %s: %d %s", args[1], res.StatusCode, said)
		case neg:
			ts.Setenv(args[0], said)
		default:
			if next, err := res.Location(); err == nil {
				ts.Setenv(args[0], next.String())
			}
		}
		return
	}
	ts.Fatalf("the form at %s is never sent slowly enough", args[1])
}

// flood NAME ADDRESS POSTS NETWORKS [FIELD=VALUE...] sends a form as a program does, in turn from
// so many networks; $NAME is how many times it was taken.
func flood(ts *testscript.TestScript, _ bool, args []string) {
	posts, err := strconv.Atoi(args[2])
	ts.Check(err)
	networks, err := strconv.Atoi(args[3])
	ts.Check(err)
	f := openForm(ts, args[1], args[4:])
	<-time.After(3 * time.Second) // the pace that a person has, which a program can have too
	taken := 0
	for i := range posts {
		res, _, err := f.send(fmt.Sprintf("198.18.%d.7", i%networks))
		ts.Check(err)
		if res.StatusCode < http.StatusBadRequest {
			taken++
		}
	}
	ts.Setenv(args[0], strconv.Itoa(taken))
}

// filled is the form of a page, filled in.
type filled struct {
	client  *http.Client
	address string
	from    string // the address it comes from; empty = ours
	values  url.Values
}

func openForm(ts *testscript.TestScript, address string, fields []string) filled {
	f := filled{address: address, values: url.Values{}}
	for _, field := range fields {
		if from, ok := strings.CutPrefix(field, "@"); ok {
			f.from = from
			continue
		}
		name, value, _ := strings.Cut(field, "=")
		f.values.Set(name, value)
	}
	f.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := f.client.Get(address)
	ts.Check(err)
	page, err := io.ReadAll(res.Body)
	ts.Check(err)
	ts.Check(res.Body.Close())
	if m := hiddenStamp.FindSubmatch(page); m != nil {
		f.values.Set("stamp", html.UnescapeString(string(m[1])))
	}
	return f
}

func (f filled) send(from string) (res *http.Response, said string, err error) {
	req, err := http.NewRequest(http.MethodPost, f.address, strings.NewReader(f.values.Encode()))
	if err != nil {
		return nil, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if from != "" {
		req.Header.Set("X-Forwarded-For", from)
	}
	if res, err = f.client.Do(req); err != nil {
		return nil, "", err
	}
	page, err := io.ReadAll(res.Body)
	return res, string(page), errors.Join(err, res.Body.Close())
}

// letter NAME PATTERN LINK waits, at most three minutes, for a letter that fits; $NAME is what
// the group of LINK finds in it.
func letter(ts *testscript.TestScript, _ bool, args []string) {
	box := *ts.Value(mailKey{}).(**lab.Mailbox)
	pattern, link := regexp.MustCompile("(?ms)"+args[1]), regexp.MustCompile(args[2])
	var found []string
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	_, err := box.Await(ctx, func(l lab.Letter) bool {
		text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(l.Text)))
		if err != nil {
			text = []byte(l.Text)
		}
		if !pattern.Match(text) {
			return false
		}
		found = link.FindStringSubmatch(string(text))
		return len(found) > 1
	})
	if err != nil {
		for _, l := range box.Letters() {
			ts.Logf("%s", l.Text)
		}
		ts.Fatalf("%v", err)
	}
	ts.Setenv(args[0], found[1])
}
