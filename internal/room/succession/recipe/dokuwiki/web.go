package dokuwiki

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/recipe"
)

// wiki is somebody signed in to a wiki.
type wiki struct {
	client *http.Client
	base   string
}

const maxPage = 4 << 20

// enter signs in. Returns CodeDenied "succession.recipe.no_login" when it is refused.
func enter(ctx context.Context, base string, l login) (*wiki, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	w := &wiki{&http.Client{Jar: jar, Timeout: time.Minute}, strings.TrimSuffix(base, "/") + "/doku.php"}
	text, err := w.ask(ctx, http.MethodPost, url.Values{"id": {l.Page}, "do": {"login"}, "u": {l.User}, "p": {l.Password}})
	if err != nil {
		return nil, err
	}
	if !strings.Contains(text, "do=logout") {
		return nil, core.Denied("succession.recipe.no_login", errors.New("the wiki does not say that somebody is signed in"))
	}
	return w, nil
}

// ask is one request. Returns CodeUnsure "succession.recipe.no_answer" where it is not answered well.
func (w *wiki) ask(ctx context.Context, method string, form url.Values) (string, error) {
	address, body := w.base, ""
	if method == http.MethodGet {
		address += "?" + form.Encode()
	} else {
		body = form.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return "", recipe.Wrong("url: " + w.base)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	a, err := w.client.Do(r)
	if err != nil {
		return "", core.Unsure("succession.recipe.no_answer", err).With("URL", w.base)
	}
	defer a.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(a.Body, maxPage))
	if err != nil || a.StatusCode >= http.StatusInternalServerError {
		return "", core.Unsure("succession.recipe.no_answer", errors.Join(err, errors.New(a.Status))).With("URL", w.base)
	}
	return string(text), nil
}

// edits says whether it offers to save a page.
func (w *wiki) edits(ctx context.Context, page string) (bool, error) {
	text, err := w.ask(ctx, http.MethodGet, url.Values{"id": {page}, "do": {"edit"}})
	return strings.Contains(text, "do[save]"), err
}

// signIn signs in at the target, reads a page, and finds it by a word.
func (m *move) signIn(ctx context.Context, _ recipe.Work) error {
	w, err := enter(ctx, m.New.URL, m.Login)
	if err != nil {
		return err
	}
	text, err := w.ask(ctx, http.MethodGet, url.Values{"id": {m.Login.Page}})
	if err != nil {
		return err
	}
	if strings.Contains(text, "mode_show") && !strings.Contains(text, "notFound") {
		if m.Login.Search == "" {
			return nil
		}
		text, err = w.ask(ctx, http.MethodGet, url.Values{"do": {"search"}, "q": {m.Login.Search}})
		if err != nil || strings.Contains(text, "search_fulltextresult") {
			return err
		}
	}
	return core.Conflict("succession.recipe.no_page", errors.New("not found")).With("Page", m.Login.Page)
}
