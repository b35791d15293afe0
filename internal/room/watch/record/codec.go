package record

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"

	"entrechat/internal/room/watch/look"
)

// errDamaged says that bytes in the database are not what was written.
var errDamaged = errors.New("damaged looks")

const sumBytes = 4 // CRC-32C, at the end of each block and chunk

func seal(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clip(b), crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
}

func unseal(b []byte) ([]byte, error) {
	if len(b) < sumBytes {
		return nil, errDamaged
	}
	body := b[:len(b)-sumBytes]
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, errDamaged
	}
	return body, nil
}

// appendRaw adds one look to a block whose last look, or beginning, was at before: about
// seven bytes.
func appendRaw(b []byte, before int64, r raw) []byte {
	b = binary.AppendVarint(b, r.ms-before)
	b = binary.AppendUvarint(b, uint64(r.series)) //nolint:gosec // counted from 1
	b = append(b, r.flags)
	return binary.AppendUvarint(b, uint64(r.took)) //nolint:gosec // at least 0
}

// eachRaw calls do with the looks of a block that was begun at before. Returns errDamaged.
func eachRaw(block []byte, before int64, do func(raw)) error {
	body, err := unseal(block)
	if err != nil {
		return err
	}
	r := reader{b: body}
	for len(r.b) > 0 {
		before += r.varint()
		one := raw{ms: before, series: r.uvarint(), flags: r.byte(), took: r.uvarint()}
		if r.bad || one.took > most {
			return errDamaged
		}
		do(one)
	}
	return nil
}

// reader reads varints; after the first that is none, bad stays.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) {
	if n <= 0 {
		r.bad, r.b = true, nil
		return
	}
	r.b = r.b[n:]
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	r.take(n)
	return v
}

func (r *reader) uvarint() int64 {
	v, n := binary.Uvarint(r.b)
	r.take(n)
	if v > 1<<52 {
		r.bad = true
		return 0
	}
	return int64(v)
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// A chunk counts time in tenths of a second since its first hour began. It holds one hour,
// or a day where that has few looks.
const (
	unit      = 100 // milliseconds
	hourMS    = 3_600_000
	longest   = 24 * hourMS / unit
	mostChunk = 1 << 16 // looks
)

// grid is the rhythm a series was looked at: look k was due at anchor + k*step.
type grid struct{ anchor, step int64 }

// at is the number of the due time nearest to t.
func (g grid) at(t int64) int64 {
	d := 2*(t-g.anchor) + g.step
	k := d / (2 * g.step)
	if d < 0 && d%(2*g.step) != 0 {
		k--
	}
	return k
}

// rhythm finds the grid of looks in order. What it costs to be wrong is bytes, no look.
func rhythm(times []int64) grid {
	g := grid{anchor: times[0], step: 10}
	if len(times) < 2 {
		return g
	}
	deltas := make([]int64, 0, len(times)-1)
	for i, t := range times[1:] {
		deltas = append(deltas, t-times[i])
	}
	slices.Sort(deltas)
	middle := max(deltas[len(deltas)/2], 1)
	length := times[len(times)-1] - times[0]
	steps := max((length+middle/2)/middle, 1)
	g.step = max((length/steps+5)/10*10, 10) // intervals are whole seconds
	low, high := int64(0), int64(0)
	for _, t := range times {
		off := t - g.anchor - g.at(t)*g.step
		low, high = min(low, off), max(high, off)
	}
	g.anchor += (low + high) / 2
	return g
}

// packChunk writes the looks from an hour's beginning on, in the order of their times: of each how far it
// was beside its due time, how its latency differs from the one before and, when that
// changed, the flags. About three bytes at a steady rate.
func packChunk(hour int64, all []raw) []byte {
	times := make([]int64, len(all))
	for i, r := range all {
		times[i] = (r.ms - hour*hourMS) / unit
	}
	g := rhythm(times)
	b := binary.AppendUvarint(nil, uint64(len(all)))
	b = binary.AppendVarint(b, g.anchor)
	b = binary.AppendUvarint(b, uint64(g.step)) //nolint:gosec // at least 10
	due, took, flags := g.anchor-g.step, int64(0), byte(0)
	for i, r := range all {
		b = binary.AppendVarint(b, times[i]-due-g.step)
		due = g.anchor + g.at(times[i])*g.step
		d := zigzag(r.took-took) << 1
		took = r.took
		if r.flags == flags {
			b = binary.AppendUvarint(b, d)
			continue
		}
		flags = r.flags
		b = append(binary.AppendUvarint(b, d|1), flags)
	}
	return seal(b)
}

func zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) } //nolint:gosec // bits, not a number

func unzigzag(u int64) int64 { return u>>1 ^ -(u & 1) }

// openChunk reads what packChunk wrote. Returns errDamaged.
func openChunk(series, hour int64, chunk []byte) ([]raw, error) {
	body, err := unseal(chunk)
	if err != nil {
		return nil, err
	}
	r := reader{b: body}
	n := r.uvarint()
	g := grid{anchor: r.varint(), step: r.uvarint()}
	if r.bad || n > mostChunk || n > int64(len(r.b)) || g.step < 10 || g.step > longest || g.anchor < -longest || g.anchor > longest {
		return nil, errDamaged
	}
	all := make([]raw, 0, n)
	due, took, flags := g.anchor-g.step, int64(0), byte(0)
	for range n {
		at := due + g.step + r.varint()
		d := r.uvarint()
		took += unzigzag(d >> 1)
		if d&1 != 0 {
			flags = r.byte()
		}
		if r.bad || at < 0 || at >= longest || took < 0 || took > most {
			return nil, errDamaged
		}
		due = g.anchor + g.at(at)*g.step
		all = append(all, raw{ms: hour*hourMS + at*unit, series: series, flags: flags, took: took})
	}
	if len(r.b) > 0 {
		return nil, errDamaged
	}
	return all, nil
}

// packClasses writes how many looks of each class there were.
func (c codec) packClasses(s Sum) []byte {
	var b []byte
	for i, class := range append(slices.Clone(c.classes), other) {
		if n := s.Classes[class]; n > 0 {
			number := uint64(i)
			if class == other {
				number = otherClass
			}
			b = binary.AppendUvarint(binary.AppendUvarint(b, number), uint64(n))
		}
	}
	return b
}

func (c codec) openClasses(b []byte) (map[look.Class]int64, error) {
	out := map[look.Class]int64{}
	r := reader{b: b}
	for len(r.b) > 0 {
		number := r.uvarint()
		n := r.uvarint()
		if r.bad || number > otherClass {
			return nil, errDamaged
		}
		out[c.class(byte(number&classBits))] += n
	}
	return out, nil
}
