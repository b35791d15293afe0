package elector

import (
	"strings"
	"testing"

	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// Whatever an entry says, it is read as a tie of its own logbook that is whole, or not at all;
// and a tie is written as it was read.
func FuzzRead(f *testing.F) {
	for _, w := range []Tie{
		{Kind: Vouched, Member: id("b"), Root: rootOf("b")},
		{Kind: Unvouched, Member: id("b")},
		{Kind: Joined, Charter: charter},
		{Kind: Left, Charter: charter},
	} {
		typ, text := body(w)
		f.Add(typ, []byte(text))
		f.Add(typ, []byte(strings.Replace(text, ".test", "\u202e", 1)))
	}
	f.Add(typeCharter, []byte(`{"charter":"`+charter+`","admit_vouches":2,"grants":[{"kind":"watch"}]}`))
	f.Fuzz(func(t *testing.T, typ string, text []byte) {
		e := logbook.Entry{Log: id("a"), Index: 7, Typ: typ, Iat: opens, Body: text}
		tie, ok := Read(e)
		if !ok {
			return
		}
		if tie.Log != e.Log || tie.Index != e.Index || tie.At != e.Iat {
			t.Fatalf("%+v", tie)
		}
		about := tie.Kind == Vouched || tie.Kind == Unvouched
		if about != tie.Member.Valid() || about == charterID.MatchString(tie.Charter) || (tie.Kind == Vouched) == tie.Root.IsZero() || tie.Kind == Vouched && tie.Member == e.Log {
			t.Fatalf("%+v", tie)
		}
		e.Typ, text = func() (string, []byte) { typ, text := body(tie); return typ, []byte(text) }()
		if e.Body = text; wire.Decode(text, new(map[string]string)) != nil {
			t.Fatalf("%s", text)
		}
		if again, ok := Read(e); !ok || again != tie {
			t.Fatalf("%+v is read back as %+v", tie, again)
		}
	})
}
