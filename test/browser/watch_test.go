package browser

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// ofWatch are the pages of the room that watches services.
var ofWatch = regexp.MustCompile(`^/(status|watch|admin/watch|admin/alerts)(/|$)`)

// shape is what pages have in common that show another hoster, service or person.
func shape(path string) string {
	return names.ReplaceAllString(path, "$1=")
}

var names = regexp.MustCompile(`(/status/|/services/|/incidents/|/people/|/confirm/|/ack/|\?)[^/]*[a-z0-9.]+`)

func count(all []string, is func(string) bool) (n int) {
	for _, one := range all {
		if is(one) {
			n++
		}
	}
	return n
}

// TestEveryWatchPage looks at each page of the room that watches services while a service
// fails, another is well, what was learned of an incident stands, and users and admins are
// told by mail.
func TestEveryWatchPage(t *testing.T) {
	n := newNight(t)
	axe := n.axe()
	paths := n.subscribe()
	n.run(n.node, "alert", "test", "--person", "ana")
	paths = append(paths, n.linkIn(n.letter("/watch/ack/"), "/watch/ack/"))
	n.until("/status", ".said.trouble")
	paths = append(paths, "/status", "/status/hosters", "/status/learned", "/status/"+n.all[1].Name)
	n.signIn()
	paths = append(paths, "/admin/", "/admin/watch", "/admin/watch/targets", "/admin/watch/incidents", "/admin/watch/incidents/"+n.lesson+"/postmortem",
		"/admin/watch/maintenance", "/admin/watch/promises", "/admin/alerts")
	for i := 0; i < len(paths); i++ {
		for _, link := range n.inspect(axe, paths[i]) {
			path := n.page(link)
			address, _, _ := strings.Cut(path, "?")
			like := func(p string) bool { return shape(p) == shape(path) }
			if ofWatch.MatchString(address) && !slices.Contains(paths, path) && count(paths, like) < 2 {
				paths = append(paths, path)
			}
		}
		if len(paths) > 60 {
			t.Fatal("more pages than anybody could look at", paths)
		}
	}
	if len(paths) < 24 {
		t.Errorf("only %d pages were found: %v", len(paths), paths)
	}
	var marked int
	n.do(chromedp.Navigate(n.node.URL()+"/admin/watch/targets"), chromedp.Evaluate(`document.querySelectorAll(".side [aria-current]").length`, &marked))
	if marked != 1 {
		t.Errorf("%d lines of the menu are marked as the page that is open", marked)
	}
	t.Logf("%d pages, the heaviest %.0f bytes with all it loads: %v", len(paths), n.heaviest, paths)
}
