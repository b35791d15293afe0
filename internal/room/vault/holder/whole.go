package holder

import (
	"errors"
	"fmt"
	"io"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// whole is all of a shard's data on its way to us. It ends in io.EOF only when it
// was what the root says; any other end names what is wrong with it.
type whole struct {
	io.ReadCloser
	ref    Ref
	who    core.MemberID
	left   int64
	hasher *shard.Hasher
	end    error
}

// VerifyWhole reads r, the whole data of a shard that `who` sends, and ends in io.EOF only when it is what
// ref's Root and Length say. Its Read returns CodeInvalid (vault.peer_wrong_bytes,
// vault.peer_truncated) for other data, CodeUnsure (vault.peer_silent) for data that breaks off.
func VerifyWhole(r io.ReadCloser, ref Ref, who core.MemberID) io.ReadCloser {
	return &whole{ReadCloser: r, ref: ref, who: who, left: ref.Length, hasher: shard.NewRootHasher()}
}

// Read implements io.Reader.
func (w *whole) Read(p []byte) (int, error) {
	if w.end != nil {
		return 0, w.end
	}
	n, err := w.ReadCloser.Read(p)
	w.left -= int64(n)
	_, _ = w.hasher.Write(p[:n])
	if err != nil || w.left < 0 {
		w.end = w.judge(err)
	}
	return n, w.end
}

func (w *whole) judge(err error) error {
	switch {
	case w.left < 0:
		return lie("vault.peer_wrong_bytes", w.who, "%s is longer than %d bytes", w.ref.Name(), w.ref.Length)
	case errors.Is(err, io.EOF) && w.left > 0:
		return lie("vault.peer_truncated", w.who, "%s lacks %d bytes", w.ref.Name(), w.left)
	case !errors.Is(err, io.EOF): // one that is stopped, or reads a bad sector, hangs up: no lie
		return silent(w.who, fmt.Errorf("read %s: %w", w.ref.Name(), err))
	}
	if w.hasher.Sums().Root != w.ref.Root {
		return lie("vault.peer_wrong_bytes", w.who, "%s has another root", w.ref.Name())
	}
	return io.EOF
}

// silent is a holder that does not answer, or stops in the middle.
func silent(who core.MemberID, err error) error {
	return core.Unsure("vault.peer_silent", err).With("Member", who)
}
