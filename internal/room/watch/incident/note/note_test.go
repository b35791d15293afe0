package note

import (
	"strings"
	"testing"
	"unicode"

	"entrechat/internal/core"
)

func TestLink(t *testing.T) {
	for answer, want := range map[string]string{
		"mailto:nous@chaton-a.test": "mailto:nous@chaton-a.test", "https://forum.chaton-a.test/t/42?x=1#p3": "https://forum.chaton-a.test/t/42?x=1#p3",
		"@chaton@social.chaton-a.test": "https://social.chaton-a.test/@chaton",
	} {
		if got, err := Link(answer); err != nil || got != want {
			t.Errorf("%s: %s, %v", answer, got, err)
		}
	}
	for _, answer := range []string{
		"", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "http://forum.chaton-a.test", "https://user:pass@x.test/", "https://localhost", "https:x.test",
		"mailto:nous@chaton-a.test?bcc=all@x.test", "mailto:a@x.test,b@x.test", "mailto:Nous <nous@x.test>", "mailto:nous@x.test\r\nBcc: b@x.test", "mailto:nous%0a@x.test", "mailto:", "mailto:nous", "mailto:nous@localhost",
		"@chaton", "@chaton@localhost", "@chaton@x.test/evil", "@<b>@x.test", "https://x.test/\"onclick=alert(1)", "https://x.test/ a", "https://x.test/" + strings.Repeat("a", 400), "//x.test", "https://\u202ex.test",
	} {
		if got, err := Link(answer); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q gives %q, %v", answer, got, err)
		}
	}
}

func TestDocuments(t *testing.T) {
	body, name, err := Encode(Document{Text: "Le pad ne répond plus.\nOn cherche. <script>"})
	if err != nil || Name(body) != name {
		t.Fatal(err)
	}
	if d, err := Decode(body); err != nil || d.Text != "Le pad ne répond plus.\nOn cherche. <script>" || d.Lang != "fr" {
		t.Errorf("%+v, %v", d, err)
	}
	_, other, err := Encode(Document{Text: "Le pad ne répond plus.\nOn cherche. <script>"})
	if err != nil || other == name {
		t.Error("the same text has the same name: it can be guessed")
	}
	for what, d := range map[string]Document{
		"empty": {}, "too long": {Text: strings.Repeat("é", MaxText)}, "bell": {Text: "a\ab"}, "direction": {Text: "a\u202eb"}, "not text": {Text: "\xff"}, "space": {Text: " a"},
		"language": {Text: "a", Lang: "xx"}, "no answer": {Postmortem: &Postmortem{What: "a"}}, "nothing happened": {Postmortem: &Postmortem{Answer: "@a@b.test"}},
		"long": {Postmortem: &Postmortem{What: "a", Answer: "@a@b.test", Change: strings.Repeat("x", MaxAnswer+1)}}, "escape": {Postmortem: &Postmortem{What: "a", Answer: "@a@b.test", Depends: Depends{Power: "\x1b[31m"}}},
	} {
		if _, _, err := Encode(d); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestFieldsOfAPostmortem(t *testing.T) {
	var p Postmortem
	for _, name := range Fields() {
		p.Set(name, name+"\t\r\n\u200f ")
		if p.Get(name) != name {
			t.Errorf("%s: %q", name, p.Get(name))
		}
	}
	if p.Depends.Network != "network" || p.Get("other") != "" {
		t.Errorf("%+v", p)
	}
}

func FuzzDecode(f *testing.F) {
	good, _, err := Encode(Document{Postmortem: &Postmortem{What: "a", Answer: "@a@b.test"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"salt":"","lang":"fr","text":"` + "\u202e" + `"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Decode(body)
		if err != nil {
			return
		}
		texts := []string{d.Text}
		if d.Postmortem != nil {
			for _, f := range Fields() {
				texts = append(texts, d.Postmortem.Get(f))
			}
			link, err := Link(d.Postmortem.Answer)
			if err != nil || !strings.HasPrefix(link, "https://") && !strings.HasPrefix(link, "mailto:") || strings.ContainsAny(link, "\r\n\"<> ") {
				t.Errorf("%q, %v", link, err)
			}
		}
		for _, text := range texts {
			for _, r := range text {
				if r != '\n' && !unicode.IsGraphic(r) {
					t.Errorf("%q has %U", text, r)
				}
			}
		}
	})
}

func FuzzTidy(f *testing.F) {
	f.Add("a\u202e\tb\r\n \xff")
	f.Fuzz(func(t *testing.T, s string) {
		if once := Tidy(s); CheckText("text", once, len(once)) != nil {
			t.Errorf("%q becomes %q, which is refused", s, once)
		}
	})
}
