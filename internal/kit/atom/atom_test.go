package atom

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func TestEncode(t *testing.T) {
	at := time.Date(2026, 11, 30, 12, 0, 0, 5e8, time.FixedZone("", 3600))
	f := Feed{Lang: "fr", Title: "a & b", Author: "chaton-a.test", Home: "https://chaton-a.test/x", Self: "https://chaton-a.test/x.atom", Entries: []Entry{
		{URL: "https://chaton-a.test/x#1", Title: "<un>", Text: "un \x00\u2029", Published: at, Updated: at},
		{ID: "tag:2", URL: "https://chaton-a.test/x#2", Title: "deux"},
	}}
	data, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fr">
 <id>https://chaton-a.test/x.atom</id>
 <title>a &amp; b</title>
 <updated>2026-11-30T11:00:00Z</updated>
 <author>
  <name>chaton-a.test</name>
 </author>
 <link rel="self" href="https://chaton-a.test/x.atom"></link>
 <link rel="alternate" href="https://chaton-a.test/x"></link>
 <entry>
  <id>https://chaton-a.test/x#1</id>
  <title>&lt;un&gt;</title>
  <updated>2026-11-30T11:00:00Z</updated>
  <published>2026-11-30T11:00:00Z</published>
  <link href="https://chaton-a.test/x#1"></link>
  <content>un ` + "\ufffd\u2029" + `</content>
 </entry>
 <entry>
  <id>tag:2</id>
  <title>deux</title>
  <updated>1970-01-01T00:00:00Z</updated>
  <link href="https://chaton-a.test/x#2"></link>
 </entry>
</feed>`
	if string(data) != want {
		t.Errorf("%s", data)
	}
	if err := xml.NewDecoder(strings.NewReader(string(data))).Decode(new(struct{})); err != nil {
		t.Error(err)
	}
}
