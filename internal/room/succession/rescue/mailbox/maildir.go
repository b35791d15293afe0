package mailbox

import (
	"bufio"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf16"

	"golang.org/x/net/html/charset"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/rescue/whose"
)

// Folder is one mailbox of a person.
type Folder struct {
	Dir  string // below the Maildir; "" is the inbox
	Name string // as people know it; empty = the inbox
	N    int    // messages
}

// Folders lists a person's mailboxes, the inbox first.
func Folders(v whose.View) ([]Folder, error) {
	out := []Folder{{N: size(v, "")}}
	entries, _, _, err := v.List("", 0, whose.MaxNames)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !e.Dir || !strings.HasPrefix(e.Name, ".") || len(e.Name) < 2 {
			continue
		}
		if info, err := v.Stat(path.Join(e.Name, "cur")); err != nil || !info.IsDir() {
			continue
		}
		out = append(out, Folder{e.Name, whose.Shown(decode(strings.ReplaceAll(e.Name[1:], ".", "/"))), size(v, e.Name)})
	}
	return out, nil
}

func size(v whose.View, dir string) (n int) {
	for _, sub := range []string{"cur", "new"} {
		_, all, _, err := v.List(path.Join(dir, sub), 0, 0)
		if err == nil {
			n += all
		}
	}
	return n
}

// decode reads a folder's name in IMAP's own UTF-7; what is none stays as it is.
func decode(name string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(name, "&")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		code, after, ended := strings.Cut(rest, "-")
		if !ended {
			return out.String() + "&" + rest
		}
		name = after
		if code == "" {
			out.WriteByte('&')
			continue
		}
		raw, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(code, ",", "/"))
		if err != nil || len(raw)%2 != 0 {
			out.WriteString("&" + code + "-")
			continue
		}
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i])<<8 | uint16(raw[2*i+1])
		}
		out.WriteString(string(utf16.Decode(units)))
	}
}

// Message is one message of a folder.
type Message struct {
	File    string // below the Maildir
	At      core.Moment
	Size    int64
	Flags   string // letters, as Maildir has them
	From    string
	Subject string
}

// files are the messages of a folder by the time that their names begin with, the newest first.
func files(v whose.View, dir string) (out []string, err error) {
	for _, sub := range []string{"cur", "new"} {
		list, err := v.Names(path.Join(dir, sub))
		if err != nil && core.CodeOf(err) != core.CodeNotFound {
			return nil, err
		}
		for _, name := range list {
			out = append(out, path.Join(dir, sub, name))
		}
	}
	slices.SortStableFunc(out, func(a, b string) int {
		x, y := stamp(a), stamp(b)
		if len(x) != len(y) {
			return len(y) - len(x)
		}
		return strings.Compare(y, x)
	})
	return out, nil
}

func stamp(file string) string {
	digits, _, _ := strings.Cut(path.Base(file), ".")
	if strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) >= 0 {
		return ""
	}
	return strings.TrimLeft(digits, "0")
}

// List lists messages of a folder, the newest first: most from one on, and how many there are.
func List(v whose.View, dir string, from, most int) (list []Message, all int, err error) {
	names, err := files(v, dir)
	if err != nil {
		return nil, 0, err
	}
	all = len(names)
	for _, name := range names[min(from, all):min(from+most, all)] {
		m, err := head(v, name)
		if err != nil {
			continue
		}
		list = append(list, m)
	}
	return list, all, nil
}

// maxHead is how much of a message is read for a list.
const maxHead = 64 << 10

// head reads what a list shows of a message.
func head(v whose.View, file string) (m Message, err error) {
	r, info, err := Open(v, file)
	if err != nil {
		return m, err
	}
	defer r.Close() //nolint:errcheck // nothing is written
	m = Message{File: file, At: core.At(info.ModTime()), Size: info.Size(), Flags: flags(file)}
	msg, err := mail.ReadMessage(bufio.NewReader(io.LimitReader(r, maxHead)))
	if err != nil {
		return m, nil // it is listed without
	}
	words := &mime.WordDecoder{CharsetReader: charset.NewReaderLabel}
	text := func(name string) string {
		value := msg.Header.Get(name)
		if said, err := words.DecodeHeader(value); err == nil {
			value = said
		}
		value = whose.Shown(value)
		if r := []rune(value); len(r) > 200 {
			value = string(r[:200]) + "…"
		}
		return value
	}
	m.From, m.Subject = text("From"), text("Subject")
	if at, err := msg.Header.Date(); err == nil {
		m.At = core.At(at)
	}
	return m, nil
}

func flags(file string) string {
	_, letters, _ := strings.Cut(path.Base(file), ":2,")
	return letters
}

// message is an open message; of one that its server compressed, the text.
type message struct {
	io.Reader
	f *os.File
}

func (m message) Close() error { return m.f.Close() }

// Open opens a message. Returns CodeNotFound for what is none.
func Open(v whose.View, file string) (io.ReadCloser, fs.FileInfo, error) {
	if sub := path.Base(path.Dir(file)); sub != "cur" && sub != "new" {
		return nil, nil, core.NotFound("succession.rescue.no_file", errors.New("no message"))
	}
	f, info, err := v.File(file)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(f)
	if begin, err := in.Peek(2); err == nil && begin[0] == 0x1f && begin[1] == 0x8b {
		if z, err := gzip.NewReader(in); err == nil {
			return message{z, f}, info, nil
		}
	}
	return message{in, f}, info, nil
}
