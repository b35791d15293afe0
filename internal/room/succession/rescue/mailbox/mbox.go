package mailbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"entrechat/internal/room/succession/rescue/whose"
)

// Write writes a folder in mbox form, the oldest message first, and says how many there were. A
// message that cannot be read is passed over and counted in lost.
func Write(w io.Writer, v whose.View, dir string) (n, lost int, err error) {
	names, err := files(v, dir)
	if err != nil {
		return 0, 0, err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	for _, name := range slices.Backward(names) {
		wrote, err := one(out, v, name)
		if err != nil {
			return n, lost, err
		}
		if wrote {
			n++
		} else {
			lost++
		}
	}
	return n, lost, out.Flush()
}

// one writes one message. wrote is false where it could not be opened; an error is of w, or of a
// message that broke off.
func one(out *bufio.Writer, v whose.View, name string) (wrote bool, err error) {
	r, info, err := Open(v, name)
	if err != nil {
		return false, nil // the caller counts it
	}
	defer r.Close() //nolint:errcheck // nothing is written
	// Whoever wrote it stands in the message; the line needs none (RFC 4155, section 3).
	if _, err := fmt.Fprintf(out, "From MAILER-DAEMON %s\n", info.ModTime().UTC().Format(time.ANSIC)); err != nil {
		return false, err
	}
	if err := status(out, flags(name)); err != nil {
		return false, err
	}
	last, err := body(out, bufio.NewReaderSize(r, 32<<10))
	if err == nil && last != '\n' {
		err = out.WriteByte('\n')
	}
	if err == nil {
		err = out.WriteByte('\n')
	}
	return err == nil, err
}

// status writes flags as mbox readers know them.
func status(out *bufio.Writer, flags string) error {
	read, more := "O", ""
	if strings.Contains(flags, "S") {
		read = "RO"
	}
	for letter, says := range map[string]string{"F": "F", "R": "A", "T": "D"} {
		if strings.Contains(flags, letter) {
			more += says
		}
	}
	_, err := fmt.Fprintf(out, "Status: %s\n", read)
	if err == nil && more != "" {
		_, err = fmt.Fprintf(out, "X-Status: %s\n", more)
	}
	return err
}

// body copies a message; a line that begins like the head of one gets one more `>`. Lines may be of
// any length. It says the last byte.
func body(out *bufio.Writer, in *bufio.Reader) (last byte, err error) {
	last = '\n'
	for begins := true; ; {
		part, err := in.ReadSlice('\n')
		if len(part) > 0 {
			if err := line(out, part, begins); err != nil {
				return last, err
			}
			last = part[len(part)-1]
			begins = last == '\n'
		}
		switch {
		case errors.Is(err, io.EOF):
			return last, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return last, err
		}
	}
}

// line copies a line, or a part of a long one.
func line(out *bufio.Writer, part []byte, begins bool) error {
	if begins && strings.HasPrefix(strings.TrimLeft(string(part), ">"), "From ") {
		if err := out.WriteByte('>'); err != nil {
			return err
		}
	}
	if n := len(part); n > 1 && part[n-1] == '\n' && part[n-2] == '\r' {
		part = append(slices.Clone(part[:n-2]), '\n')
	}
	_, err := out.Write(part)
	return err
}
