package ability

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/miekg/dns"
)

// FuzzRegistration: whatever a registry answers, what is kept of it is short and readable.
func FuzzRegistration(f *testing.F) {
	f.Add(told("2026-01-01T00:00:00Z", "active", "2027-02-01T00:00:00Z"))
	f.Add(`{"status":["\ud800"],"events":[{"eventAction":"expiration","eventDate":"0000-01-01T00:00:00Z"}]}`)
	f.Add(`{"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["fn",{},"text","x"]]]},{"roles":["registrant"],"vcardArray":["vcard",[["org",{},"text",["a"]],[1]]]}]}`)
	f.Add(`{"services":[[["org"],["https://rdap.test/"]]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readRegistration([]byte(text))
		if err == nil && (len(r.Changed) > 64 || len(r.Status) > 20 || len(r.Registrar) > 64 || len(r.Holder) > 12 || r.Expires < 0 || !utf8.ValidString(r.state())) {
			t.Errorf("%+v", r)
		}
		base, err := readServer([]byte(text), "chaton-a.org")
		if err == nil && !strings.HasPrefix(base, "https://") && !strings.HasPrefix(base, "http://") {
			t.Errorf("%q is where we ask", base)
		}
	})
}

// FuzzTexts: whatever a name server answers, what is taken of it are a few texts of the name
// that was asked for.
func FuzzTexts(f *testing.F) {
	m := new(dns.Msg)
	m.SetQuestion("_entrechat-proof.chaton-a.test.", dns.TypeTXT)
	m.Response, m.Authoritative = true, true
	m.Answer = []dns.RR{&dns.TXT{Hdr: dns.RR_Header{Name: "_entrechat-proof.chaton-a.test.", Rrtype: dns.TypeTXT, Class: dns.ClassINET}, Txt: []string{"a", "b"}}}
	packet, err := m.Pack()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packet)
	f.Fuzz(func(t *testing.T, packet []byte) {
		var m dns.Msg
		if m.Unpack(packet) != nil {
			return
		}
		texts, err := textsOf(&m, "_entrechat-proof.chaton-a.test")
		if err == nil && (len(texts) > maxTexts || !m.Authoritative) {
			t.Errorf("%d texts", len(texts))
		}
	})
}
