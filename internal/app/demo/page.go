package demo

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// headline is how our status page says the state, first of all: in one sentence, with how
// bad it is as a class.
var headline = regexp.MustCompile(`<h1><span class="state ?([a-z]*)">([^<]+)</span></h1>`)

// errNoPage is told of a hoster that a member has no page of, or not yet.
var errNoPage = errors.New("there is no such page")

// readStatus answers the first sentence of a status page, and how bad it says that things
// are: "fine", "trouble", or another word where nobody knows. Returns errNoPage.
func readStatus(ctx context.Context, address, lang string) (sentence, state string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", "", err
	}
	req.Header.Set("Accept-Language", lang)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", "", err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return "", "", err
	}
	if res.StatusCode == http.StatusNotFound {
		return "", "", errNoPage
	}
	if res.StatusCode != http.StatusOK {
		return "", "", fmt.Errorf("%s answers %s", address, res.Status)
	}
	return firstSentence(string(body), address)
}

func firstSentence(page, address string) (sentence, state string, err error) {
	m := headline.FindStringSubmatch(page)
	if m == nil {
		return "", "", fmt.Errorf("%s begins with no sentence", address)
	}
	return html.UnescapeString(strings.TrimSpace(m[2])), m[1], nil
}
