package script

import (
	"context"
	"fmt"
	"html"
	"io"
	"mime/quotedprintable"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"entrechat/internal/app/lab"
)

// hiddenStamp is the field by which a form says when it was made.
var hiddenStamp = regexp.MustCompile(`name="stamp" value="([^"]+)"`)

// form NAME ADDRESS [FIELD=VALUE...] fills in the form of a page as a browser without scripts
// does, and sends it; $NAME is the address it leads to. A form that wants a person's pace is
// sent again until that time has passed, ten seconds at most.
func form(ts *testscript.TestScript, _ bool, args []string) {
	values := url.Values{}
	for _, pair := range args[2:] {
		name, value, _ := strings.Cut(pair, "=")
		values.Set(name, value)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(args[1])
	ts.Check(err)
	page, err := io.ReadAll(res.Body)
	ts.Check(err)
	ts.Check(res.Body.Close())
	if m := hiddenStamp.FindSubmatch(page); m != nil {
		values.Set("stamp", html.UnescapeString(string(m[1])))
	}
	said := ""
	for range 50 {
		res, err := client.PostForm(args[1], values)
		ts.Check(err)
		page, err := io.ReadAll(res.Body)
		ts.Check(err)
		ts.Check(res.Body.Close())
		if res.StatusCode < http.StatusBadRequest {
			if next, err := res.Location(); err == nil {
				ts.Setenv(args[0], next.String())
			}
			return
		}
		said = fmt.Sprint(res.StatusCode, " ", string(page))
		if !strings.Contains(said, "as a program is") {
			break
		}
		<-time.After(200 * time.Millisecond)
	}
	ts.Fatalf("the form at %s was refused: %s", args[1], said)
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
