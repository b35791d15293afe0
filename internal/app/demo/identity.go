package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"entrechat/internal/app/lab"
	"entrechat/internal/app/lab/relying"
)

const (
	// guest has her account at the home; local has his where the service is.
	guest, local = "alice", "bob"
	// password is what both choose.
	password = "un cheval debout" //nolint:gosec // nobody's
)

// visit is what the identity chapter has beside the hosters: a service that signs people in,
// and people's browsers.
type visit struct {
	wiki *relying.Service
	tab  *relying.Browser // of the guest, signed in at the service
	sub  string           // what the service calls her, for ever
	next *lab.Ports       // where her home will be
}

func newVisit() (v *visit, err error) {
	v = &visit{tab: relying.NewBrowser()}
	if v.next, err = lab.ReservePorts(1); err != nil {
		return nil, err
	}
	v.wiki, err = relying.NewService("wiki")
	return v, err
}

func (v *visit) close() {
	_ = v.wiki.Close()
	_ = v.next.Close()
}

// named is an address of this machine by its name: browsers keep cookies by the host and not
// by the port, so the home needs another than the service's hoster.
func named(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// signing is the story while the identity chapter is told.
type signing struct{ *story }

// home is where the guest has her account.
func (s signing) home() *lab.Node { return s.nodes[1] }

// open makes the service, and the accounts.
func (s signing) open(ctx context.Context) error {
	s.title("demo.identity", nil)
	owner, home, wiki := s.owner(), s.home(), s.visit.wiki
	if err := s.do("demo.wiki", args{"Name": owner.Name}, func(func(string)) (string, error) {
		return wiki.URL(), wiki.Join(ctx, owner)
	}); err != nil {
		return err
	}
	if err := s.do("demo.account", args{"Name": home.Name, "Person": guest}, func(func(string)) (string, error) {
		return "", s.account(ctx, home, guest)
	}); err != nil {
		return err
	}
	return s.do("demo.doors", args{"Name": owner.Name, "Home": home.Name}, func(func(string)) (string, error) {
		_, err := s.known(ctx, func(d known) bool { return d.In })
		return "", err
	})
}

// account makes an account, and its owner chooses a password by the link that is printed.
func (s signing) account(ctx context.Context, n *lab.Node, handle string) error {
	var made struct {
		Link string `json:"link"`
	}
	if err := n.RunJSON(ctx, &made, "identity", "person", "add", handle, "--mail", handle+"@"+n.Name); err != nil {
		return err
	}
	b := relying.NewBrowser()
	p, err := b.Open(ctx, made.Link)
	if err == nil {
		p, err = b.Send(ctx, p, "", map[string]string{"password": password})
	}
	if err == nil && p.Status != http.StatusOK {
		err = fmt.Errorf("%s: %s", p.URL, p.Text())
	}
	return err
}

// known is what `identity home list --json` says of a home, as far as it is told.
type known struct {
	Member string `json:"member"`
	Issuer string `json:"issuer"`
	In     bool   `json:"in"`
	People int    `json:"people"`
}

// known asks the service's hoster about the home until its answer fits.
func (s signing) known(ctx context.Context, fits func(known) bool) (known, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var all []known
		if err := s.owner().RunJSON(ctx, &all, "identity", "home", "list"); err != nil {
			return known{}, err
		}
		for _, d := range all {
			if d.Member == s.home().Name && fits(d) {
				return d, nil
			}
		}
		if err := pause(ctx); err != nil {
			return known{}, fmt.Errorf("%s still says %+v: %w", s.owner().Name, all, err)
		}
	}
}

// signIn has the guest open the service: she says where she is at home, signs in there, and
// is let in.
func (s signing) signIn(ctx context.Context) error {
	b := s.visit.tab
	var p relying.Page
	if err := s.do("demo.opens", args{"Person": guest, "Home": s.home().Name}, func(func(string)) (_ string, err error) {
		p, err = s.ask(ctx, b)
		return s.words.T("demo.opens_note", args{"Service": s.owner().Name, "Address": p.URL.Host, "Home": s.home().Name}), err
	}); err != nil {
		return err
	}
	return s.do("demo.signs_in", args{"Person": guest, "Name": s.owner().Name}, func(func(string)) (string, error) {
		p, err := b.Send(ctx, p, "/sign-in", map[string]string{"who": guest, "password": password})
		if err == nil {
			p, err = b.Send(ctx, p, "/sign-in/consent", nil)
		}
		if err != nil {
			return "", err
		}
		s.visit.sub = p.At("sub")
		return s.words.T("demo.signs_in_note", args{"Username": p.At("username"), "Name": s.owner().Name}), s.inside(p)
	})
}

// ask opens the service in a browser that is signed in nowhere, and comes to the page of the
// home that asks who it is.
func (s signing) ask(ctx context.Context, b *relying.Browser) (relying.Page, error) {
	p, err := b.Open(ctx, s.visit.wiki.URL()+"/")
	if err != nil {
		return p, err
	}
	if p, err = b.Open(ctx, s.owner().URL()+"/sign-in/elsewhere?"+p.URL.RawQuery); err != nil {
		return p, err
	}
	return b.Send(ctx, p, "/sign-in/elsewhere", map[string]string{"who": guest + "@" + s.home().Name})
}

// inside says whether a page is the service's, and the guest is who she was.
func (s signing) inside(p relying.Page) error {
	if p.URL.Host != s.visit.wiki.Address || p.At("sub") == "" || p.At("sub") != s.visit.sub {
		return fmt.Errorf("not at the service as %q: %s: %s", s.visit.sub, p.URL, p.Text())
	}
	return nil
}

// loseHome takes the home away: who came from it is known still, and everybody else comes in.
func (s signing) loseHome(ctx context.Context) error {
	owner, home := s.owner(), s.home()
	if err := s.do("demo.home_away", args{"Name": home.Name}, func(func(string)) (string, error) {
		home.Stop()
		return "", nil
	}); err != nil {
		return err
	}
	if err := s.do("demo.still_in", args{"Person": guest}, func(func(string)) (string, error) {
		p, err := s.visit.tab.Open(ctx, s.visit.wiki.URL()+"/")
		if err == nil {
			err = s.inside(p)
		}
		if err != nil {
			return "", err
		}
		d, err := s.known(ctx, func(d known) bool { return d.In && d.People == 1 })
		return s.words.T("demo.still_in_note", args{"Name": owner.Name, "Home": home.Name, "Count": d.People}), err
	}); err != nil {
		return err
	}
	return s.do("demo.local", args{"Person": local, "Name": owner.Name}, func(func(string)) (string, error) {
		if err := s.account(ctx, owner, local); err != nil {
			return "", err
		}
		b := relying.NewBrowser()
		p, err := b.Open(ctx, s.visit.wiki.URL()+"/")
		if err == nil {
			p, err = b.Send(ctx, p, "/sign-in", map[string]string{"who": local, "password": password})
		}
		if err == nil && p.At("username") != local {
			err = fmt.Errorf("%s: %s", p.URL, p.Text())
		}
		return "", err
	})
}

// returnHome starts the home at another address: the guest comes in from there as the same
// person, and is out everywhere when she signs out there.
func (s signing) returnHome(ctx context.Context) error {
	home, to := s.home(), s.visit.next.Addresses[0]
	if err := s.do("demo.home_back", args{"Name": home.Name}, func(func(string)) (string, error) {
		if err := home.Move(ctx, to, named(to)); err != nil {
			return "", err
		}
		if err := home.Up(ctx); err != nil {
			return "", err
		}
		d, err := s.known(ctx, func(d known) bool { return d.Issuer == home.URL() })
		return s.words.T("demo.home_back_note", args{"Name": s.owner().Name, "Address": d.Issuer}), err
	}); err != nil {
		return err
	}
	b := relying.NewBrowser()
	if err := s.do("demo.same_person", args{"Person": guest}, func(func(string)) (string, error) {
		p, err := s.ask(ctx, b)
		if err == nil {
			p, err = b.Send(ctx, p, "/sign-in", map[string]string{"who": guest, "password": password})
		}
		if err != nil {
			return "", err
		}
		return s.words.T("demo.same_person_note", nil), s.inside(p)
	}); err != nil {
		return err
	}
	return s.do("demo.signs_out", args{"Person": guest, "Name": home.Name}, func(func(string)) (string, error) {
		left, begun := len(s.visit.wiki.People()), time.Now()
		p, err := b.Open(ctx, home.URL()+"/sign-out")
		if err == nil {
			_, err = b.Send(ctx, p, "", nil)
		}
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for err == nil && len(s.visit.wiki.People()) == left {
			err = pause(ctx)
		}
		return s.words.T("demo.after", args{"Took": seconds(time.Since(begun))}) + " " + s.words.T("demo.signs_out_note", nil), err
	})
}
