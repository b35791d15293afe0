package share_test

import (
	"testing"

	"entrechat/internal/room/custody/share"
)

func BenchmarkSplit3of5(b *testing.B) {
	id, err := share.NewID()
	must(b, err)
	secret, err := share.New()
	must(b, err)
	for b.Loop() {
		if _, _, err := secret.Split(id, 3, 5); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify5(b *testing.B) {
	_, _, shares, c := deal(b, 3, 5)
	for b.Loop() {
		for _, s := range shares {
			must(b, c.Verify(s))
		}
	}
}

func BenchmarkRecover3of5(b *testing.B) {
	_, _, shares, c := deal(b, 3, 5)
	for b.Loop() {
		if _, err := share.Recover(c, shares[:3]); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkProveAndCheck(b *testing.B) {
	_, id, shares, c := deal(b, 3, 5)
	context := share.ProofContext(id, "chaton-b.test", "2026-11", []byte("head"))
	for b.Loop() {
		p, err := shares[0].Prove(c, context)
		must(b, err)
		must(b, c.Check(1, p, context))
	}
}
