package paper

import (
	"strings"
	"testing"

	"entrechat/internal/core"
	"entrechat/internal/kit/logbook"
)

// FuzzDocument: what a stranger sends is read strictly, or refused.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"v":1,"owner":"a.test","service":"mail","by":"b.test","salt":"ABCDEFGHIJKLMNOPQRSTUVWXYZ","programs":[],"free_bytes":1,"load":0,"already":0,"costs":{"month_cents":0,"currency":"","months_aside":0,"due":[]},"said_us":1}`))
	f.Add([]byte(`{"v":1,"owner":"a.test","service":"mail","made_us":1,"text_fr":"Fini.","text_en":"Over."}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if o, id, err := read[Offer](text); err == nil && (o.By == o.Owner || id == "" || o.ID != id || o.Free < 0 || o.Already < 0) {
			t.Errorf("taken: %+v", o)
		}
		if n, _, err := read[Notice](text); err == nil && (n.TextFR == "" || strings.ContainsRune(n.TextEN, 0x1b)) {
			t.Errorf("taken: %+v", n)
		}
		if h, _, err := read[Handover](text); err == nil && (len(h.Table) == 0 || h.To == h.Owner || h.EraseBy < h.Day) {
			t.Errorf("taken: %+v", h)
		}
	})
}

// FuzzEntry: an entry that says nothing is kept under no subject.
func FuzzEntry(f *testing.F) {
	for _, typ := range Types() {
		f.Add(typ, []byte(`{"service":"mail","handover":1,"archive":2,"erase":3,"root":"`+strings.Repeat("a", 64)+`"}`))
	}
	f.Fuzz(func(t *testing.T, typ string, text []byte) {
		subject, ok := reads(logbook.Entry{Log: core.MemberID("a.test"), Typ: typ, Body: text})
		if ok != (subject != "") || len(subject) > 400 {
			t.Errorf("%q %v", subject, ok)
		}
	})
}
