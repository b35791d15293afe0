package holder

import (
	"context"
	"errors"
	"fmt"
	"io"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// receive streams a shard to the disk. Its file has its name only once the data
// was seen to be what the head says; fsync and rename are the blob kit's.
func (l *Local) receive(ctx context.Context, head shard.Head, body io.Reader, replace bool) error {
	need := head.Size() + head.Length
	defer l.flying.Add(-need)
	flying := l.flying.Add(need)
	free, err := l.n.Dir.Free()
	if err != nil {
		return fmt.Errorf("free space: %w", err)
	}
	if int64(free)-flying < int64(l.n.Floor) {
		return core.Full("vault.disk_full", fmt.Errorf("%d bytes free, %d to come, floor %d", free, flying, l.n.Floor)).
			With("Member", l.n.Signer.ID())
	}
	ctx, cancel := context.WithTimeout(ctx, timeFor(head.Length))
	defer cancel()
	name := RefOf(head.Header).file()
	if replace {
		if err := l.discard(name); err != nil {
			return err
		}
	}
	_, err = l.n.Dir.Put(ctx, name, newVerified(ctx, head, body))
	if core.CodeOf(err) == core.CodeConflict {
		return l.already(ctx, head, name, body)
	}
	return l.noRoom(err)
}

// already looks at a file that has no row: a crash came between rename and
// confirm, or the tables are being made again. What it should be, it is; what it
// should not be, makes room.
func (l *Local) already(ctx context.Context, head shard.Head, name string, body io.Reader) error {
	had, err := l.verifyFile(name)
	if err == nil && had.Same(head.Header) {
		return nil
	}
	if err == nil {
		return core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if core.CodeOf(err) != core.CodeInvalid {
		return err
	}
	if err := l.discard(name); err != nil {
		return err
	}
	_, err = l.n.Dir.Put(ctx, name, newVerified(ctx, head, body))
	return l.noRoom(err)
}

// verified is the file of a shard on its way to the disk: the head, then exactly
// the data the head promises. It ends in an error, never in io.EOF, when the data is anything else.
type verified struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to learn of it
	head   shard.Head
	lines  []byte
	body   io.Reader
	left   int64
	hasher *shard.Hasher
}

func newVerified(ctx context.Context, head shard.Head, body io.Reader) io.Reader {
	return &verified{ctx: ctx, head: head, lines: head.Bytes(), body: body, left: head.Length, hasher: shard.NewRootHasher()}
}

// Read implements io.Reader.
func (v *verified) Read(p []byte) (int, error) {
	if err := v.ctx.Err(); err != nil {
		return 0, core.Unsure("vault.too_slow", fmt.Errorf("receive %s: %w", v.head.Name(), err))
	}
	if len(v.lines) > 0 {
		n := copy(p, v.lines)
		v.lines = v.lines[n:]
		return n, nil
	}
	if v.left == 0 {
		return 0, v.end()
	}
	n, err := v.body.Read(p[:min(int64(len(p)), v.left)])
	v.left -= int64(n)
	_, _ = v.hasher.Write(p[:n])
	if errors.Is(err, io.EOF) && v.left == 0 {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if core.CodeOf(err) == core.CodeUnsure {
		return n, err // ours, not the sender's: the pace left no time
	}
	if err != nil {
		return n, core.Invalid("vault.bad_bytes", fmt.Errorf("receive %s, %d bytes missing: %w", v.head.Name(), v.left, err))
	}
	return n, nil
}

func (v *verified) end() error {
	var more [1]byte
	if n, _ := io.ReadFull(v.body, more[:]); n > 0 {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%s: more than %d bytes", v.head.Name(), v.head.Length))
	}
	if v.hasher.Sums().Root != v.head.Root {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%s: data is not what its head says", v.head.Name()))
	}
	return io.EOF
}
