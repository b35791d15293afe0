package debate

import (
	"strings"
	"testing"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/seal"
	"entrechat/internal/kit/wire"
	"entrechat/internal/room/assembly/debate/document"
)

// valid are payloads that hold, one of each kind, by a member.
func valid(by core.MemberID) map[string]any {
	texts := Texts{Lang: "fr", Title: "Panne", Story: Story{What: "Le disque"}, Question: "Et vous ?"}
	return map[string]any{
		document.TypeReport:   document.Report{Common: document.NewCommon(by), To: "chaton-a.test", Reason: document.Data, Texts: texts},
		document.TypeReading:  document.Reading{Common: document.NewCommon(by), Report: incidentID("x")},
		document.TypeQuestion: document.Question{Common: document.NewCommon(by), Reason: document.Data, Lang: "fr", Title: "Panne", Story: &texts.Story, Question: "Et vous ?"},
		document.TypeRemark:   document.Remark{Common: document.NewCommon(by), Debate: incidentID("x"), Lang: "en", Text: "Yes."},
	}
}

// FuzzDocument: whatever a member signs, what is taken in keeps the rules of our own forms, and
// nothing of it ends the node.
func FuzzDocument(f *testing.F) {
	for typ, payload := range valid("chaton-b.test") {
		text, err := wire.Encode(payload)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(typ, string(text))
		f.Add(typ, strings.Replace(string(text), `"v":1`, `"v":2`, 1))
	}
	f.Add(document.TypeRemark, `{"v":1,"salt":"00112233445566778899aabbccddeeff","by":"chaton-b.test","debate":"","lang":"en","text":"`+"\u202e"+`"}`)
	f.Fuzz(func(t *testing.T, typ, payload string) {
		w := &world{t: t, nodes: map[core.MemberID]*node{}}
		signer := seal.NewSigner("chaton-b.test", keyOf("chaton-b.test"))
		doc, err := seal.SignDoc(typ, []byte(payload), signer)
		if err != nil {
			return
		}
		w.nodes["chaton-b.test"] = &node{id: "chaton-b.test", key: keyOf("chaton-b.test")}
		keys, err := w.keys(t.Context(), "chaton-b.test")
		w.ok(err)
		if r, id, err := document.Open[document.Report](doc, document.TypeReport, "chaton-b.test", keys); err == nil {
			harmless(t, r.Title, r.Story.What, r.Question)
			same(t, id, payload)
		}
		if r, _, err := document.Open[document.Reading](doc, document.TypeReading, "chaton-b.test", keys); err == nil {
			harmless(t, r.Note)
		}
		if q, _, err := document.Open[document.Question](doc, document.TypeQuestion, "chaton-b.test", keys); err == nil {
			harmless(t, q.Title, q.Question)
			if (q.Story == nil) != document.IsID(q.Incident) {
				t.Fatalf("a story too many, or none: %s", payload)
			}
		}
		if r, _, err := document.Open[document.Remark](doc, document.TypeRemark, "chaton-b.test", keys); err == nil {
			harmless(t, r.Text)
			if !document.IsID(r.Debate) {
				t.Fatalf("about %q", r.Debate)
			}
		}
	})
}

func harmless(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.ContainsAny(text, "\x00\x1b\u202e\u2066") || len(text) > 4*document.MaxRemark {
			t.Fatalf("taken in: %q", text)
		}
	}
}

func same(t *testing.T, id, payload string) {
	t.Helper()
	if id != incidentID(payload) {
		t.Fatalf("%s is the id of %q", id, payload)
	}
}

// What makes no sense in a logbook changes nothing and stops nobody; floods have an end.
func TestStrangersInLogbooks(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test", "chaton-b.test")
	a, c := w.nodes["chaton-a.test"], t.Context()
	for _, body := range []string{"", "null", "[]", `{"doc":1}`, `{"doc":"x"}`, `{"doc":"` + strings.Repeat("Z", 64) + `"}`, `{"debate":"` + incidentID("x") + `","doc":"` + incidentID("y") + `"}`} {
		for _, typ := range []string{TypeDebate, TypeRemark, TypeWithdrawn} {
			w.ok(a.hear(c, logbook.Entry{Log: "chaton-b.test", Typ: typ, Iat: core.At(w.at), Body: []byte(body)}))
		}
	}
	d := w.public(a, "chaton-b.test")
	for i := range 3 * perDebate {
		body, err := wire.Encode(remarkBody{d.Doc, incidentID(strings.Repeat("r", i+1))})
		w.ok(err)
		w.ok(a.hear(c, logbook.Entry{Log: "chaton-b.test", Index: int64(100 + i), Typ: TypeRemark, Iat: core.At(w.at), Body: body}))
	}
	papers, err := papersOf(c, a.n.DB, d.Doc)
	w.ok(err)
	if len(papers) != perDebate {
		t.Errorf("%d remarks of one member", len(papers))
	}
	// What the logbook took back is forgotten.
	w.ok(a.Readers()[0].Truncated(c, "chaton-b.test", 102))
	if papers, err = papersOf(c, a.n.DB, d.Doc); err != nil || len(papers) != 2 {
		t.Errorf("%d remarks, %v", len(papers), err)
	}
}

// A question of which the signature of the reader does not hold says so; one of our own is no
// reading.
func TestAReadingIsAnotherMembers(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test", "chaton-b.test")
	a, b := w.nodes["chaton-a.test"], w.nodes["chaton-b.test"]
	sign := func(by core.MemberID, claims core.MemberID) document.Question {
		text, err := wire.Encode(document.Reading{Common: document.NewCommon(claims), Report: incidentID("r")})
		w.ok(err)
		doc, err := seal.SignDoc(document.TypeReading, text, seal.NewSigner(by, keyOf(by)))
		w.ok(err)
		return document.Question{Common: document.NewCommon("chaton-a.test"), Reading: doc}
	}
	for _, c := range []struct{ by, claims, want core.MemberID }{
		{"chaton-b.test", "chaton-b.test", "chaton-b.test"},
		{"chaton-a.test", "chaton-a.test", ""}, // its own author
		{"chaton-a.test", "chaton-b.test", ""}, // forged
		{"chaton-x.test", "chaton-x.test", ""}, // a stranger to us
	} {
		if got := b.readerOf(t.Context(), sign(c.by, c.claims)); got != c.want {
			t.Errorf("%+v: read by %q", c, got)
		}
	}
	if a.readerOf(t.Context(), document.Question{}) != "" {
		t.Error("read by nobody")
	}
}

// A draft for somebody else, of somebody else, or one too many is refused.
func TestDraftsOfStrangers(t *testing.T) {
	w := newWorld(t, sqlite(t), "chaton-a.test", "chaton-b.test")
	a, c := w.nodes["chaton-a.test"], t.Context()
	draft := func(to core.MemberID) seal.Envelope {
		r := valid("chaton-b.test")[document.TypeReport].(document.Report) //nolint:forcetypeassert // it is one
		r.To = to
		_, text, err := document.Sign(document.TypeReport, r, seal.NewSigner("chaton-b.test", keyOf("chaton-b.test")))
		w.ok(err)
		doc, err := seal.DecodeEnvelope([]byte(text))
		w.ok(err)
		return doc
	}
	if _, err := a.take(c, draft("chaton-x.test"), "chaton-b.test"); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("for somebody else: %v", err)
	}
	if _, err := a.take(c, draft("chaton-a.test"), "chaton-a.test"); err == nil {
		t.Error("of somebody else")
	}
	for range perMember {
		_, err := a.take(c, draft("chaton-a.test"), "chaton-b.test")
		w.ok(err)
	}
	if _, err := a.take(c, draft("chaton-a.test"), "chaton-b.test"); core.CodeOf(err) != core.CodeFull {
		t.Errorf("one too many: %v", err)
	}
	w.at = w.at.Add(askedKept + time.Hour)
	w.ok(forgetAsked(c, a.n.DB, a.now().Add(-askedKept)))
	if left, err := a.Drafts(c); err != nil || len(left) != 0 {
		t.Errorf("%d are kept, %v", len(left), err)
	}
}
