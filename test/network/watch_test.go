//go:build linux && long

package network

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entrechat/internal/app/lab"
)

// shown is what we read of `watch show --json`.
type shown struct {
	Owner  string `json:"owner"`
	Target struct {
		Service string `json:"service"`
		Address string `json:"address"`
	} `json:"target"`
	State   string   `json:"state"`
	Weak    bool     `json:"weak"`
	Since   int64    `json:"since_us"`
	Failing int      `json:"failing"`
	Voters  int      `json:"voters"`
	Proof   string   `json:"certificate"`
	Vote    []string `json:"vote"`
	Newest  *struct {
		Class string `json:"class"`
	} `json:"newest_look"`
}

func (s shown) String() string {
	return fmt.Sprintf("%s %s: %s since %d, %d of %d, weak %v, vote %v", s.Owner, s.Target.Service, s.State, s.Since, s.Failing, s.Voters, s.Weak, s.Vote)
}

// list is what a node says of all services now.
func (w *world) list(t *testing.T, n *lab.Node) (all []shown) {
	t.Helper()
	must(t, n.RunJSON(w.ctx, &all, "watch", "show"))
	return all
}

// show is what a node says of a service now.
func (w *world) show(t *testing.T, n *lab.Node, s *service) shown {
	t.Helper()
	return s.of(w.list(t, n))
}

// of finds a service among all.
func (s *service) of(all []shown) shown {
	for _, v := range all {
		if v.Owner == s.owner.Name && v.Target.Service == s.name {
			return v
		}
	}
	return shown{Owner: s.owner.Name, State: "not heard of"}
}

// lookers are the owner of a service and those of its voters that look all the time; the
// others look every five minutes and know little until they are asked.
func (w *world) lookers(t *testing.T, s *service) []*lab.Node {
	t.Helper()
	v := w.show(t, s.owner, s)
	if len(v.Vote) != count-1 {
		t.Fatalf("not everybody votes: %v", v)
	}
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *lab.Node) bool { return n.Name == v.Vote[count-2] })
}

// others are all nodes but some.
func (w *world) others(but ...*lab.Node) []*lab.Node {
	return slices.DeleteFunc(slices.Clone(w.nodes), func(n *lab.Node) bool { return slices.Contains(but, n) })
}

// stands waits until all these nodes say a state of a service.
func (w *world) stands(t *testing.T, s *service, state string, limit time.Duration, on ...*lab.Node) time.Duration {
	t.Helper()
	return w.eventually(t, s.name+" "+state+" for "+names(on), limit, func() (bool, string) {
		for _, n := range on {
			if v := w.show(t, n, s); v.State != state {
				return false, n.Name + " says " + v.String()
			}
		}
		return true, ""
	})
}

func names(all []*lab.Node) string {
	var out []string
	for _, n := range all {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(n.Name, "chaton-"), ".test"))
	}
	return strings.Join(out, "")
}

// snapshot is what we read of /status/{hoster}.json.
type snapshot struct {
	Services []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"services"`
}

// status is a hoster's snapshot as a node serves it to everybody.
func (w *world) status(n *lab.Node, owner *lab.Node) (s snapshot, err error) {
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.URL()+"/status/"+owner.Name+".json", nil)
	if err != nil {
		return s, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return s, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return s, fmt.Errorf("%s: %w", res.Status, err)
	}
	return s, json.Unmarshal(text, &s)
}

// page waits until a node's public page has a state of a service.
func (w *world) page(t *testing.T, n *lab.Node, s *service, state string, limit time.Duration) time.Duration {
	t.Helper()
	return w.eventually(t, "page at "+n.Name+" "+state, limit, func() (bool, string) {
		found, err := w.status(n, s.owner)
		if err != nil {
			return false, err.Error()
		}
		for _, one := range found.Services {
			if one.Name == s.name {
				return one.State == state, fmt.Sprintf("%q", one.State)
			}
		}
		return false, "no such service"
	})
}

// awaken has an owner told by mail of whatever happens, whatever the hour.
func (w *world) awaken(t *testing.T, owner *lab.Node) {
	t.Helper()
	_, err := owner.Run(w.ctx, "alert", "person", "add", "ana", "--speaks", "en", "--quiet", "none")
	must(t, err)
	_, err = owner.Run(w.ctx, "alert", "channel", "add", "ana", "mail", mailbox(owner))
	must(t, err)
}

// mailbox is where an owner's person is written to: at somebody else's domain.
func mailbox(owner *lab.Node) string { return "ana-" + owner.Name[:len("chaton-a")] + "@mail.test" }

// letter is a mail that came, in what counts here.
type letter struct {
	subject, from string
	at            time.Time
}

// letters are the mails to an owner's people, whose subject has this beginning.
func (w *world) letters(t *testing.T, owner *lab.Node, begins string) (out []letter) {
	t.Helper()
	for _, l := range w.mail.Letters() {
		if !slices.Contains(l.To, mailbox(owner)) {
			continue
		}
		subject, err := l.Subject()
		must(t, err)
		if strings.HasPrefix(subject, begins) {
			out = append(out, letter{subject, l.From, l.At})
		}
	}
	return out
}

// mailed waits for a mail.
func (w *world) mailed(t *testing.T, owner *lab.Node, begins string, limit time.Duration) letter {
	t.Helper()
	w.eventually(t, "mail "+begins+" to "+owner.Name, limit, func() (bool, string) {
		return len(w.letters(t, owner, begins)) > 0, fmt.Sprintf("mails so far: %v", w.letters(t, owner, ""))
	})
	return w.letters(t, owner, begins)[0]
}

// mentions counts the mails to the owner's people that name a service, in whatever way. That
// a node reaches nobody is another matter, and names none.
func (w *world) mentions(s *service) (count int) {
	for _, l := range w.mail.Letters() {
		if slices.Contains(l.To, mailbox(s.owner)) && strings.Contains(l.Text, s.name+" ("+s.owner.Name+")") {
			count++
		}
	}
	return count
}
