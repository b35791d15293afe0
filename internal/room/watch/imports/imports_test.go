package imports_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrechat/internal/core"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/watch/imports"
	"entrechat/internal/room/watch/target"
)

func file(t testing.TB, name string) imports.File {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return imports.File{Name: "/etc/" + name, Text: text}
}

// short is a target in one line.
func short(t target.Target) string {
	expect, _ := json.Marshal(t.Expect)
	out := fmt.Sprintf("%s|%s|%s|%s|%s", t.Service, t.Kind, t.Address, t.Every, expect)
	if t.Local {
		out += "|local"
	}
	if t.Paused {
		out += "|paused"
	}
	return out
}

// said are the findings that tell what did not come over, as "line key".
func said(findings []imports.Finding) (out []string) {
	for _, f := range findings {
		if !f.Taken {
			out = append(out, fmt.Sprintf("%d %s", f.Line, strings.TrimPrefix(f.Key, "watch.imports.")))
		}
	}
	return out
}

// harmless: no secret of a file gets through, each sentence is filled in both languages,
// and the targets hold what targets may.
func harmless(t *testing.T, targets []target.Target, findings []imports.Finding) {
	t.Helper()
	cat, err := words.New(words.Words, imports.Words)
	if err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprintf("%+v", targets)
	for _, lang := range []string{words.French, words.English} {
		p := cat.Printer(lang)
		for _, f := range findings {
			s := p.T(f.Key, f.Args)
			if strings.Contains(s, "⟦") {
				t.Errorf("%s: %s", f.Key, s)
			}
			if strings.ContainsAny(s, "\n\r\x1b") || len(s) > 1500 {
				t.Errorf("%q", s)
			}
			all += s
		}
	}
	if regexp.MustCompile("SECRET|moi:|Bearer").MatchString(all) {
		t.Errorf("a secret got through: %s", all)
	}
	for _, x := range targets {
		if x.Every < 10*time.Second || x.Every > 24*time.Hour || x.Service == "" || x.Kind == "" || x.Expect.Insecure && !x.Local || (x.Address == "") != (x.Kind == target.Ping) {
			t.Errorf("%+v", x)
		}
	}
}

func check(t *testing.T, files []imports.File, want, wantSaid []string) {
	t.Helper()
	targets, findings, err := imports.ReadAll(files)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(targets))
	for _, x := range targets {
		got = append(got, short(x))
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("targets: %s", d)
	}
	if d := cmp.Diff(wantSaid, said(findings)); d != "" {
		t.Errorf("findings: %s", d)
	}
	harmless(t, targets, findings)
}

func TestGatus(t *testing.T) {
	check(t, []imports.File{file(t, "gatus.yaml")}, []string{
		`Pad|http|https://pad.chaton-a.test/health|5m0s|{"status":["200"],"pointer":"/status","value":"UP","slow_ms":800}`,
		`Site|http|https://chaton-a.test|1m0s|{"status":["100-299"],"text":"Bienvenue","absent":"erreur interne"}`,
		`Zone|dns|chaton-a.test|1m0s|{"record":"MX","answers":["mail.chaton-a.test."]}`,
		`Courrier|smtp|mail.chaton-a.test:587|1m0s|{}`,
		`Boîte|tls|mail.chaton-a.test:993|1m0s|{}`,
		`Box|http|http://192.168.1.1|10s|{"status":["100-599"],"insecure":true}|local|paused`,
		`Forge|tcp|git.chaton-a.test:22|1m0s|{"text":"SSH-"}`,
		`Machine|icmp|srv1.chaton-a.test|1m0s|{}`,
		`sauvegarde|ping||24h0m0s|{"signal":{"period_s":86400,"grace_s":3600}}`,
	}, []string{
		"16 condition", "19 condition", "22 secret_header", "25 secret_address", "29 method", "34 dns_server",
		"42 every", "50 login", "53 icmp", "56 secret_address", "59 variable", "62 kind", "2 alerts",
	})
}

func TestKuma(t *testing.T) {
	check(t, []imports.File{file(t, "kuma.json")}, []string{
		`Pad|http|https://pad.chaton-a.test|1m0s|{"status":["200-299","401"]}`,
		`Nuage|http|https://nuage.chaton-a.test/login|2m0s|{"status":["200-299"],"text":"Nextcloud"}`,
		`Erreur absente|http|https://chaton-a.test|1m0s|{"status":["200-299"],"absent":"Fatal error"}`,
		`API|http|https://api.chaton-a.test/etat|1m0s|{"status":["200-299"],"pointer":"/services/0/etat","value":"ok"}`,
		`IMAP|tcp|mail.chaton-a.test:993|1m0s|{}|paused`,
		`Routeur|icmp|192.168.1.1|20s|{}|local`,
		`Zone|dns|chaton-a.test|5m0s|{"record":"NS"}`,
		`Sauvegarde|ping||24h0m0s|{"signal":{"period_s":86400,"grace_s":1800}}`,
		`Base|tcp|10.0.0.5:5432|1m0s|{}|local`,
		`Temps réel|websocket|wss://pad.chaton-a.test/socket|1m0s|{}`,
		`Relais|smtp|mail.chaton-a.test:25|1m0s|{}`,
		`Emoji 😀|http|https://emoji.chaton-a.test|1m0s|{"status":["200-299"]}`,
	}, []string{
		"3 alerts", "8 insecure", "12 icmp", "13 dns_server", "15 login", "16 only_port", "17 kind", "18 kuma_group", "19 upside_down", "20 secret_header",
	})
	check(t, []imports.File{file(t, "kuma-rows.json")}, []string{
		`Pad|http|https://pad.chaton-a.test|1m0s|{"status":["200-299"]}`,
		`Nuit|ping||1h0m0s|{"signal":{"period_s":3600,"grace_s":900}}|paused`,
	}, nil)
}

func TestPrometheus(t *testing.T) {
	want := []string{
		`Pad|http|https://pad.chaton-a.test|30s|{"status":["200","301"],"text":"Etherpad","absent":"Internal Error"}`,
		`Pad|http|http://site.chaton-a.test|30s|{"status":["200","301"],"text":"Etherpad","absent":"Internal Error"}`,
		`mail.chaton-a.test|smtp|mail.chaton-a.test:587|1m30s|{}`,
		`chaton-a.test|dns|chaton-a.test|30s|{"record":"SOA"}`,
		`git.chaton-a.test|tcp|git.chaton-a.test:22|30s|{"text":"SSH-2.0-"}`,
		`10.0.0.7|tcp|10.0.0.7:22|30s|{"text":"SSH-2.0-"}|local`,
	}
	for _, order := range [][]string{{"prometheus.yml", "blackbox.yml", "sd.json"}, {"sd.json", "blackbox.yml", "prometheus.yml"}} {
		var files []imports.File
		for _, name := range order {
			files = append(files, file(t, name))
		}
		check(t, files, want, []string{
			"2 modules", "6 no_probe", "12 expression", "12 expression", "29 login", "33 dns_server", "37 discovery", "4 alerts", "25 give_file",
		})
	}
	// Without the modules their names tell, and where they do not it is said.
	_, findings, err := imports.ReadAll([]imports.File{{Name: "prometheus.yml", Text: file(t, "prometheus.yml").Text}})
	if err != nil || !strings.Contains(fmt.Sprint(said(findings)), "usual_module") {
		t.Errorf("%v, %v", said(findings), err)
	}
}

// TestRefused: what is too large, broken, unknown, deep or a bomb is refused with a
// sentence, in bounded time.
func TestRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'k'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, in := range map[string]struct{ text, key string }{
		"large":          {strings.Repeat("#", imports.MaxBytes+1), "too_big"},
		"empty":          {"", "unknown_format"},
		"nothing":        {"{}", "unknown_format"},
		"prose":          {"hello", "unknown_format"},
		"other YAML":     {"services: {web: {image: nginx}}", "unknown_format"},
		"half JSON":      {"{\"monitorList\": [\n{\"name\": \"SECRET", "unreadable"},
		"half YAML":      {"endpoints:\n  - name: \"SECRET\n", "unreadable"},
		"unknown anchor": {"endpoints: *SECRET", "unreadable"},
		"itself":         {"endpoints: &a [*a]", "unreadable"},
		"bomb":           {bomb + "endpoints: *j\n", "unreadable"},
		"deep":           {"endpoints: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000), "unreadable"},
		"deep JSON":      {`{"monitorList": ` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "unreadable"},
		"many documents": {strings.Repeat("---\na: 1\n", 50), "unreadable"},
		"binary":         {"\x00\xff\xfe\x01", "unreadable"},
	} {
		began := time.Now()
		targets, _, err := imports.ReadAll([]imports.File{{Name: "x\x1b[31m.yaml", Text: []byte(in.text)}})
		e, _ := err.(*core.Error) //nolint:errorlint // it is one, or nil
		if e == nil || e.Key != "watch.imports."+in.key || e.Code != core.CodeInvalid || targets != nil {
			t.Errorf("%s: %v, %v", name, targets, err)
			continue
		}
		cat, _ := words.New(words.Words, imports.Words)
		if s := cat.Printer("fr").Error(err); strings.Contains(s, "SECRET") || strings.Contains(s, "⟦") || strings.Contains(s, "\x1b") {
			t.Errorf("%s: %q", name, s)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%s took %s", name, d)
		}
	}
}

// TestHostile: texts of a file reach a target in one clean line, and addresses that hide
// a secret or lead nowhere do not reach it at all.
func TestHostile(t *testing.T) {
	for _, in := range []string{
		`endpoints: [{name: "a\r\nBcc: x", url: "https://a.test/\u202e", conditions: []}]`,
		`endpoints: [{name: x, url: "moi:SECRETpw@a.test"}]`,
		`endpoints: [{name: x, url: "tcp://moi:SECRETpw@a.test:22"}]`,
		`endpoints: [{name: x, url: "https://a.test/ping/SECRET9f8a7b6c5d4e3f2a1b0c"}]`,
		`endpoints: [{name: x, url: "https://a.test/?t=SECRET9f8a7b6c5d4e3f2a1b0c"}]`,
		`endpoints: [{name: x, url: "https://a.test/", conditions: ["[BODY].token == SECRET", "[BODY] == SECRET9f8a7b6c5d4e3f2a1b0c", "SECRET == SECRET"]}]`,
		`endpoints: [{name: x, url: "file:///etc/passwd"}, {name: y, url: "gopher://a.test"}, {name: z, url: "tcp://a.test:0"}, {name: w, url: "tcp://a.test:99999"}, {name: v, url: "https:///x"}, {}]`,
		`{"monitorList": [{"type": "sqlserver", "databaseConnectionString": "Server=a.test,1433;Password=SECRET"}, {"type": "port", "hostname": "a b", "port": 1}, null, 3, []]}`,
		`{"monitorList": {"1": {"type": "http", "url": "https://a.test", "headers": "{\"Cookie\": \"SECRET\"}"}}}`,
		`[{"targets": ["moi:SECRET@a.test", "https://moi:SECRET@a.test/", 3, null, "https://a.test?token=SECRET"], "labels": {"module": "http_2xx"}}]`,
	} {
		targets, findings, err := imports.ReadAll([]imports.File{{Name: "x", Text: []byte(in)}})
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		harmless(t, targets, findings)
		for _, x := range targets {
			if strings.ContainsAny(x.Service+x.Address, "\r\n\u202e") {
				t.Errorf("%+v", x)
			}
		}
	}
}

// TestMany: more than the bounds is cut, and said.
func TestMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("endpoints:\n")
	for i := range imports.MaxTargets + 5 {
		fmt.Fprintf(&b, "- {name: n%d, url: 'https://h%d.test/'}\n", i, i)
	}
	b.WriteString("- {name: again, url: 'https://h1.test/'}\n")
	targets, findings, err := imports.ReadAll([]imports.File{{Name: "x", Text: []byte(b.String())}})
	if err != nil || len(targets) != imports.MaxTargets {
		t.Fatalf("%d, %v", len(targets), err)
	}
	if s := fmt.Sprint(said(findings)); strings.Count(s, "too_many") != 5 || strings.Count(s, "twice") != 1 {
		t.Error(s)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"gatus.yaml", "kuma.json", "kuma-rows.json", "prometheus.yml", "blackbox.yml", "sd.json"} {
		f.Add(file(f, name).Text)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("a: {<<: [{b: 1}, {c: 2}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		late := time.AfterFunc(20*time.Second, func() { panic(fmt.Sprintf("20 s for %q", text)) })
		defer late.Stop()
		targets, findings, err := imports.ReadAll([]imports.File{{Name: "x", Text: text}})
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Fatal(err)
			}
			return
		}
		if len(targets) > imports.MaxTargets || len(findings) > imports.MaxFindings+1 {
			t.Fatal(len(targets), len(findings))
		}
		for _, x := range targets {
			if x.Service == "" || strings.ContainsAny(x.Service+x.Address, "\r\n\x00") || x.Every < 10*time.Second || x.Every > 24*time.Hour || strings.Contains(x.Address, "@") && x.Kind != target.HTTP && x.Kind != target.WebSocket {
				t.Fatalf("%+v", x)
			}
		}
	})
}
