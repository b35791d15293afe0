package mail

import (
	"slices"
	"strings"
	"testing"

	"entrechat/internal/room/succession/recipe"
)

func TestPasswd(t *testing.T) {
	lines := []string{"# people", "anna@x:{BLF-CRYPT}$2y$05$abc:1000:1000::/home/anna::quota=1", "bob@x:$6$old:::::", "guest@x"}
	got := passwd(strings.Join(lines, "\n"))
	if len(got) != 3 || got[0].scheme() != "BLF-CRYPT" || got[1].scheme() != "" || got[2] != (line{User: "guest@x"}) {
		t.Fatalf("%+v", got)
	}
	for _, c := range []struct{ user, hash, want string }{
		{"anna@x", "{PLAIN}n", "anna@x:{PLAIN}n:1000:1000::/home/anna::quota=1"}, // who is there keeps the rest
		{"new@x", "{PLAIN}n", "new@x:{PLAIN}n::::::"},
		{"guest@x", "{PLAIN}n", "guest@x:{PLAIN}n::::::"},
	} {
		if now := with(slices.Clone(lines), c.user, c.hash); !slices.Contains(now, c.want) {
			t.Errorf("%s: %q", c.user, now)
		}
	}
	if now := with(slices.Clone(lines), "bob@x", ""); len(now) != 3 || strings.Contains(strings.Join(now, "\n"), "bob") {
		t.Errorf("%q", now)
	}
	if (line{Hash: "{SHA256.HEX}00"}).scheme() != "SHA256" {
		t.Error("an encoding is not part of the scheme")
	}
}

func TestDenies(t *testing.T) {
	block := func(args, deny string) string {
		return "passdb {\n  args = " + args + "\n  deny = " + deny + "\n  driver = passwd-file\n}\n"
	}
	users := block("/etc/users", "no")
	for _, c := range []struct {
		config string
		want   bool
	}{
		{block("/etc/moving", "yes") + users, true},
		{block("username_format=%u /etc/moving", "yes") + users, true},
		{block("/etc/other", "yes") + users, false},
		{block("/etc/moving", "no") + users, false},
		{users + block("/etc/moving", "yes"), false}, // whoever is let in before is in
		{"", false},
	} {
		if got := denies(c.config, "/etc/moving"); got != c.want {
			t.Errorf("%v of %q", got, c.config)
		}
	}
}

func TestTransport(t *testing.T) {
	lines := []string{"# ours", "Anna@x smtp:[elsewhere]", "x lmtp:y"}
	got := routed(slices.Clone(lines), []string{"anna@x", "bob@x"}, func(string) string { return "retry:later" })
	if want := []string{"# ours", "x lmtp:y", "anna@x retry:later", "bob@x retry:later"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if back := routed(got, []string{"anna@x", "bob@x"}, nil); !slices.Equal(back, []string{"# ours", "x lmtp:y"}) {
		t.Errorf("%q", back)
	}
}

func TestQueue(t *testing.T) {
	text := `{"queue_name": "active", "queue_id": "A", "recipients": [{"address": "anna@x"}, {"address": "else@x"}]}
{"queue_name": "deferred", "queue_id": "B", "recipients": [{"address": "Bob+lists@x", "delay_reason": "deferred transport"}]}
{"queue_name": "deferred", "queue_id": "C", "recipients": [{"address": "else@x"}]}
`
	got, err := waiting(text, []string{"anna@x", "bob@x"})
	if err != nil || len(got) != 2 || len(got[0].Recipients) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if !got[0].moving() || got[1].moving() {
		t.Errorf("only what we put back is at rest: %+v", got)
	}
	if _, err := waiting("no json\n", nil); err == nil {
		t.Error("what cannot be read is no empty queue")
	}
}

func TestAliasAddresses(t *testing.T) {
	got := keys("# x\nInfo@x anna@x,\n  bob@x\n@y anna@x\nplain anna@x\n\ncontact@x\tanna@x\n")
	if want := []string{"info@x", "postmaster@y", "contact@x"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if a, b := targets("b@x, A@x"), targets("a@x b@x"); !slices.Equal(a, b) {
		t.Errorf("%q %q", a, b)
	}
}

func TestDKIMKey(t *testing.T) {
	if key("v=DKIM1; h=sha256; k=rsa;  p=AB CD\tEF ; t=s") != "ABCDEF" || key("v=spf1 -all") != "" {
		t.Error("the key of a record")
	}
}

// TestCounts: each thing that can differ is seen, and what is the same has no row of its own.
func TestCounts(t *testing.T) {
	base := func() inventory {
		return inventory{
			Folders: []folder{
				{Name: "A", Validity: 7, Next: 3, Messages: []message{{UID: 1, Sum: [32]byte{1}, Flags: []string{`\seen`}}, {UID: 2, Sum: [32]byte{2}}}},
				{Name: "INBOX", Validity: 8, Next: 1},
			},
			Subscribed: []string{"A"},
		}
	}
	wrong := func(to inventory) (list []string) {
		for _, c := range counts(base(), to) {
			if !c.Equal() {
				list = append(list, c.What+" "+c.Of)
			}
		}
		return list
	}
	if got := wrong(base()); got != nil {
		t.Fatalf("%q", got)
	}
	for name, c := range map[string]struct {
		change func(*inventory)
		want   []string // with UIDs
	}{
		"a message less":    {func(i *inventory) { i.Folders[0].Messages = i.Folders[0].Messages[:1] }, []string{"messages ", "messages A", "flags A"}},
		"another body":      {func(i *inventory) { i.Folders[0].Messages[1].Sum[0] = 9 }, []string{"messages ", "messages A"}},
		"another UID":       {func(i *inventory) { i.Folders[0].Messages[1].UID = 9 }, []string{"messages ", "messages A", "flags A"}},
		"UIDVALIDITY":       {func(i *inventory) { i.Folders[0].Validity = 9 }, []string{"messages ", "messages A"}},
		"a flag":            {func(i *inventory) { i.Folders[0].Messages[1].Flags = []string{`\seen`} }, []string{"flags ", "flags A"}},
		"flags change":      {func(i *inventory) { m := i.Folders[0].Messages; m[0].Flags, m[1].Flags = m[1].Flags, m[0].Flags }, []string{"flags A"}},
		"an empty folder":   {func(i *inventory) { i.Folders = i.Folders[:1] }, []string{"folders "}},
		"a subscription":    {func(i *inventory) { i.Subscribed = nil }, []string{"subscriptions "}},
		"a double":          {func(i *inventory) { i.Folders[0].Messages[1].Sum = [32]byte{1} }, []string{"messages ", "doubles ", "messages A"}},
		"nothing was there": {func(i *inventory) { *i = inventory{} }, nil},
	} {
		to := base()
		c.change(&to)
		for _, want := range [][]string{c.want} {
			got := wrong(to)
			if name == "nothing was there" {
				if len(got) < 4 {
					t.Errorf("%s: %q", name, got)
				}
				continue
			}
			for _, w := range want {
				if !slices.Contains(got, w) {
					t.Errorf("%s: %q is missing of %q", name, w, got)
				}
			}
			if len(want) == 0 && len(got) > 0 {
				t.Errorf("%s: %q", name, got)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	if _, err := (Recipe{}).Read([]byte(example)); err != nil {
		t.Errorf("the example is read: %v", err)
	}
	for old, now := range map[string]string{
		`how = "dovecot"`:                           `how = "magic"`,
		"mailboxes = []":                            `mailboxes = ["-A"]`,
		`deny = "/etc/dovecot/moving"`:              ``,
		`deny = "/etc/dovecot/moving" `:             `deny = "moving"`,
		`transport = "hash:/etc/postfix/moving"`:    `transport = "/etc/postfix/moving"`,
		`relay = "smtp:[mx.example.net]:25"`:        `relay = "error:no"`,
		`imap = "imap.example.net:993"`:             `imap = "imap.example.net"`,
		`through = ["tcps:old.example.org:12345"]`:  `through = ["ssh", "old", "doveadm", "dsync-server"]`,
		`# "anna@example.org" = "anna@example.net"`: `"anna@example.org" = "anna@example.net"`, // not by doveadm's port
		`host = "local"`:                            `host = "local"` + "\nsecret = 1",
		`probe_password = "/root/probe-password"`:   ``,
		`# old_host = "old.example.org"`:            `database = "/srv/roundcube/db"`,
	} {
		old = strings.TrimRight(old, " ")
		if !strings.Contains(example, old) {
			t.Fatalf("%q is not in the example", old)
		}
		if _, err := (Recipe{}).Read([]byte(strings.Replace(example, old, now, 1))); err == nil {
			t.Errorf("taken: %s", now)
		}
	}
	m, err := Recipe{}.Read([]byte(`how = "imap"
mailboxes = ["anna@x"]
[old]
imap = "old:993"
master = "admin"
master_password = "/root/m"
[new]
doveadm = ["doveadm"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(m.Table(), func(r recipe.Row) bool {
		return r.What == "succession.recipe.mail.row.rules" && r.Fate == recipe.Lost
	}) {
		t.Error("IMAP does not show filters, and the table does not say that they are lost")
	}
}
