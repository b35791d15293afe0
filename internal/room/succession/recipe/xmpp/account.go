package xmpp

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strings"
)

// The namespaces of XEP-0227 and what lies in it.
const (
	spacePIE     = "urn:xmpp:pie:0"
	spaceArchive = "urn:xmpp:pie:0#mam"
	spaceRoster  = "jabber:iq:roster"
	spacePrivate = "jabber:iq:private"
	spaceCard    = "vcard-temp"
)

// account is one account as a server exported it.
type account struct {
	name string // before the @
	user *element
}

// A name that is a file's too: what XMPP allows before the @, without what a path could not have.
var nameForm = regexp.MustCompile(`^[^\s"&'/:<>@\x00-\x1f\\]{1,256}$`)

// read takes the accounts of one host out of an export. An account of another host, or with a
// name that is none, is left out and counted in passed.
func read(r io.Reader, host string) (all []account, passed int, err error) {
	root, err := parse(r)
	if err != nil {
		return nil, 0, err
	}
	hosts := []*element{root}
	switch root.name {
	case xmlName("server-data"):
		hosts = root.children("host")
	case xmlName("host"):
	default:
		return nil, 0, errXML
	}
	for _, h := range hosts {
		users := h.children("user")
		if !strings.EqualFold(h.attr("jid"), host) {
			passed += len(users)
			continue
		}
		for _, u := range users {
			name := u.attr("name")
			if !nameForm.MatchString(name) || name == "." || name == ".." {
				passed++
				continue
			}
			mend(u)
			all = append(all, account{name, u})
		}
	}
	return all, passed, nil
}

// mend reads what SCRAM keeps once more where it was written in base64 twice: the keys of SCRAM
// are a hash's 20, 32 or 64 bytes and never the base64 of such.
func mend(user *element) {
	for _, c := range user.children("scram-credentials") {
		twice := true
		parts := slices.Concat(c.children("server-key"), c.children("stored-key"))
		for _, p := range parts {
			inner, err := base64.StdEncoding.DecodeString(strings.TrimSpace(p.text()))
			if err == nil {
				inner, err = base64.StdEncoding.DecodeString(string(inner))
			}
			twice = twice && err == nil && slices.Contains([]int{20, 32, 64}, len(inner))
		}
		if !twice || len(parts) != 2 {
			continue
		}
		for _, p := range slices.Concat(parts, c.children("salt")) {
			if inner, err := base64.StdEncoding.DecodeString(strings.TrimSpace(p.text())); err == nil {
				p.setText(string(inner))
			}
		}
	}
}

// file is the account file of one account, as Prosody reads it.
func (a account) file(host string) string {
	outer := &element{name: xmlName("server-data"), kids: []kid{{elem: &element{
		name: xmlName("host"), attrs: []xmlAttr{{Name: xmlLocal("jid"), Value: host}}, kids: []kid{{elem: a.user}},
	}}}}
	return outer.String()
}

// numbers are what is counted of an account.
type numbers struct {
	credentials, roster, card, private, published, archive part
}

// part is how many there are, and a hash over them.
type part struct {
	count int64
	sum   string
}

// numbers counts. Order, white space between elements and what a server adds for itself are not in
// the hashes.
func (a account) numbers() (n numbers) {
	var keys, items, cards, private, published, messages []string
	if password := a.user.attr("password"); password != "" {
		keys = append(keys, "password "+password)
	}
	for _, e := range a.user.children("") {
		switch {
		case e.name.Local == "scram-credentials":
			keys = append(keys, credentials(e))
		case e.name.Space == spaceRoster:
			for _, item := range e.children("item") {
				items = append(items, rosterItem(item))
			}
		case e.name.Space == spaceCard:
			cards = append(cards, canonical(e))
		case e.name.Space == spacePrivate:
			for _, x := range e.children("") {
				private = append(private, canonical(x))
			}
		case e.name.Local == "pubsub" && !strings.HasSuffix(e.name.Space, "#owner"):
			published = append(published, publishedItems(e)...)
		case e.name.Space == spaceArchive:
			for _, result := range e.children("result") {
				messages = append(messages, result.attr("id"))
			}
		}
	}
	return numbers{sum(keys), sum(items), sum(cards), sum(private), sum(published), sum(messages)}
}

func sum(all []string) part {
	if len(all) == 0 {
		return part{}
	}
	slices.Sort(all)
	h := sha256.Sum256([]byte(strings.Join(all, "\x00")))
	return part{int64(len(all)), hex.EncodeToString(h[:])}
}

func credentials(e *element) string {
	parts := []string{e.attr("mechanism")}
	for _, local := range []string{"iter-count", "salt", "server-key", "stored-key"} {
		for _, c := range e.children(local) {
			parts = append(parts, strings.TrimSpace(c.text()))
		}
	}
	return strings.Join(parts, "\n")
}

func rosterItem(item *element) string {
	all := item.children("group")
	groups := make([]string, 0, len(all))
	for _, g := range all {
		groups = append(groups, g.text())
	}
	slices.Sort(groups)
	return strings.Join(append([]string{item.attr("jid"), item.attr("name"), cmp.Or(item.attr("subscription"), "none"), item.attr("ask")}, groups...), "\n")
}

// publishedItems are the items of all nodes, each with its node.
func publishedItems(pubsub *element) (out []string) {
	for _, items := range pubsub.children("items") {
		for _, item := range items.children("item") {
			payloads := item.children("")
			parts := append(make([]string, 0, 2+len(payloads)), items.attr("node"), item.attr("id"))
			for _, payload := range payloads {
				parts = append(parts, canonical(payload))
			}
			out = append(out, strings.Join(parts, "\n"))
		}
	}
	return out
}

// canonical is an element with its attributes in order and without white space between elements.
func canonical(e *element) string {
	attrs := slices.Clone(e.attrs)
	slices.SortFunc(attrs, func(a, b xmlAttr) int {
		return cmp.Compare(a.Name.Space+" "+a.Name.Local, b.Name.Space+" "+b.Name.Local)
	})
	out := &element{name: e.name, attrs: attrs}
	has := len(e.children("")) > 0
	var b strings.Builder
	for _, k := range e.kids {
		if k.elem != nil {
			b.WriteString(canonical(k.elem))
		} else if !has || strings.TrimSpace(k.text) != "" {
			b.WriteString("\x01" + k.text + "\x02")
		}
	}
	return out.String() + b.String()
}
