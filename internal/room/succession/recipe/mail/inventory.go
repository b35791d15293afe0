package mail

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"entrechat/internal/core"
)

// folder is what a server says of one folder.
type folder struct {
	Name     string
	Validity uint32 // UIDVALIDITY
	Next     uint32 // UIDNEXT
	Messages []message
}

// message is one of them.
type message struct {
	UID   uint32
	Flags []string // lower case, sorted, without \recent
	Sum   [sha256.Size]byte
}

// inventory is all of one account on one side.
type inventory struct {
	Folders    []folder // by name
	Subscribed []string // sorted
}

// take reads a whole account: every message's headers and body are fetched and hashed.
func take(ctx context.Context, b box) (inventory, error) {
	var inv inventory
	s, err := b.open(ctx)
	if err != nil {
		return inv, err
	}
	defer s.Close()
	names, err := s.folders(&inv)
	if err != nil {
		return inv, broken(err)
	}
	for _, name := range names {
		f, err := s.read(ctx, name)
		if err != nil {
			return inv, broken(err)
		}
		inv.Folders = append(inv.Folders, f)
	}
	return inv, nil
}

// glance reads UIDVALIDITY and UIDNEXT of each folder, and no message.
func glance(ctx context.Context, b box) (map[string][2]uint32, error) {
	s, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var inv inventory
	names, err := s.folders(&inv)
	if err != nil {
		return nil, broken(err)
	}
	seen := make(map[string][2]uint32, len(names))
	for _, name := range names {
		st, err := s.Status(name, &imap.StatusOptions{UIDNext: true, UIDValidity: true, NumMessages: true}).Wait()
		if err != nil {
			return nil, broken(err)
		}
		seen[name] = [2]uint32{st.UIDValidity, uint32(st.UIDNext)}
	}
	return seen, nil
}

func broken(err error) error {
	return core.Unsure("succession.recipe.mail.imap", err).With("Side", "IMAP")
}

// folders lists those that can be opened, by name, and notes what is subscribed.
func (s *session) folders(inv *inventory) ([]string, error) {
	list, err := s.List("", "*", nil).Collect()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range list {
		if !slices.Contains(f.Attrs, imap.MailboxAttrNoSelect) && !slices.Contains(f.Attrs, imap.MailboxAttrNonExistent) {
			names = append(names, f.Mailbox)
		}
	}
	slices.Sort(names)
	subscribed, err := s.List("", "*", &imap.ListOptions{SelectSubscribed: true}).Collect()
	if err != nil {
		return nil, err
	}
	for _, f := range subscribed {
		inv.Subscribed = append(inv.Subscribed, f.Mailbox)
	}
	slices.Sort(inv.Subscribed)
	return names, nil
}

// read fetches a folder.
func (s *session) read(ctx context.Context, name string) (folder, error) {
	f := folder{Name: name}
	opened, err := s.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		return f, err
	}
	f.Validity, f.Next = opened.UIDValidity, uint32(opened.UIDNext)
	if opened.NumMessages == 0 {
		return f, nil
	}
	var all imap.UIDSet
	all.AddRange(1, 0)
	fetch := s.Fetch(all, &imap.FetchOptions{UID: true, Flags: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}})
	defer fetch.Close() //nolint:errcheck // asked for below
	for m := fetch.Next(); m != nil; m = fetch.Next() {
		if ctx.Err() != nil {
			return f, context.Cause(ctx)
		}
		got, err := hashed(m)
		if err != nil {
			return f, err
		}
		f.Messages = append(f.Messages, got)
	}
	if err := fetch.Close(); err != nil {
		return f, err
	}
	slices.SortFunc(f.Messages, func(a, b message) int { return int(int64(a.UID) - int64(b.UID)) })
	return f, nil
}

// hashed reads one message as it streams in.
func hashed(m *imapclient.FetchMessageData) (message, error) {
	var got message
	for item := m.Next(); item != nil; item = m.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			got.UID = uint32(item.UID)
		case imapclient.FetchItemDataFlags:
			for _, flag := range item.Flags {
				if low := strings.ToLower(string(flag)); low != `\recent` {
					got.Flags = append(got.Flags, low)
				}
			}
			slices.Sort(got.Flags)
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil {
				continue
			}
			h := sha256.New()
			if _, err := io.Copy(h, item.Literal); err != nil {
				return got, err
			}
			h.Sum(got.Sum[:0])
		}
	}
	return got, nil
}

// sum is a short hash of parts that may be any length.
func sum(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
