package lending

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"entrechat/internal/core"
	"entrechat/internal/kit/blob"
	"entrechat/internal/room/vault/holder"
	"entrechat/internal/room/vault/shard"
)

// receive streams a shard to the disk. Its file has its name only once the data
// was seen to be what the head says; fsync and rename are the blob kit's. Answers the
// subtrees of the data.
func (d *disk) receive(ctx context.Context, head shard.Head, body io.Reader, replace bool) (tree []byte, err error) {
	need := head.Size() + head.Length
	defer d.reserved.Add(-need)
	reserved := d.reserved.Add(need)
	free, err := d.dir.Free()
	if err != nil {
		return nil, fmt.Errorf("free space: %w", err)
	}
	if int64(free)-reserved < int64(d.floor) {
		return nil, core.Full("vault.disk_full", fmt.Errorf("%d bytes free, %d to come, floor %d", free, reserved, d.floor)).
			With("Member", d.me)
	}
	name := fileOf(holder.RefOf(head.Header))
	if replace {
		if err := d.discard(name); err != nil {
			return nil, err
		}
	}
	v := newVerified(ctx, head, body)
	_, err = d.dir.Put(ctx, name, v)
	if core.CodeOf(err) == core.CodeConflict {
		return d.already(ctx, head, name, body)
	}
	return v.tree, d.noRoom(err)
}

// already looks at a file that has no row: a crash came between rename and
// confirm, or the tables are being made again. What it should be, it is; what it
// should not be, makes room.
func (d *disk) already(ctx context.Context, head shard.Head, name string, body io.Reader) ([]byte, error) {
	had, tree, err := d.verify(name)
	if err == nil && !had.Same(head.Header) {
		return nil, core.Conflict("vault.other_shard", fmt.Errorf("%s is another shard already", head.Name()))
	}
	if err == nil && bytes.Equal(had.Bytes(), head.Bytes()) {
		return tree, nil
	}
	// The same data under an older head gives way too: the row has the head that came. So
	// does what cannot be read.
	if err != nil && core.CodeOf(err) != core.CodeInvalid && !blob.Unreadable(err) {
		return nil, err
	}
	if err := d.discard(name); err != nil {
		return nil, err
	}
	v := newVerified(ctx, head, body)
	_, err = d.dir.Put(ctx, name, v)
	return v.tree, d.noRoom(err)
}

// verified is the file of a shard on its way to the disk: the head, then exactly
// the data the head promises. It ends in an error, never in io.EOF, when the data is anything else.
type verified struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to learn of it
	head   shard.Head
	lines  []byte
	body   io.Reader
	left   int64
	hasher holder.TreeHasher
	tree   []byte // once it has ended
}

func newVerified(ctx context.Context, head shard.Head, body io.Reader) *verified {
	return &verified{ctx: ctx, head: head, lines: head.Bytes(), body: body, left: head.Length}
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
	root, trees := v.hasher.Sum()
	if root != v.head.Root {
		return core.Invalid("vault.bad_bytes", fmt.Errorf("%s: data is not what its head says", v.head.Name()))
	}
	v.tree = trees.Encode()
	return io.EOF
}
