package holder

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/room/vault/shard"
)

// A page on the wire is text, so that the heads travel as they were signed:
//
//	entrechat-shards/1 <count> <used> <next, or ->
//	held <received_us> <buried_us>
//	<the three lines of a head>
//	held ...
//
// spec: docs/spec/holder.md#list
const (
	pageMagic  = "entrechat-shards/1"
	entryLabel = "held"
)

// PageBytes bounds the heads in one page, in bytes: a page may be short, never empty before
// the end. The last PageBatch heads may pass it.
const (
	PageBytes = 4 << 20
	PageBatch = 200
)

// maxPage bounds a page on the wire, in bytes.
const maxPage = PageBytes + (PageBatch+1)*(shard.MaxHead+64)

// EncodePage writes a page as it travels.
func EncodePage(page Page) []byte {
	next := page.Next
	if next == "" {
		next = "-"
	}
	b := fmt.Appendf(nil, "%s %d %d %s\n", pageMagic, len(page.Shards), page.Used, next)
	for _, e := range page.Shards {
		b = fmt.Appendf(b, "%s %d %d\n", entryLabel, e.Received, e.Deleted)
		b = append(b, e.Bytes()...)
	}
	return b
}

// parsePage reads what EncodePage writes, and nothing else. Returns CodeInvalid.
func parsePage(b []byte) (Page, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Split(string(line), " ")
	if len(words) != 4 || words[0] != pageMagic {
		return Page{}, BadDocument("page begins with %.80q", line)
	}
	count, err := ParseNumber(words[1])
	if err != nil || count > MaxPage {
		return Page{}, BadDocument("page of %.20q shards", words[1])
	}
	page := Page{}
	if page.Used, err = ParseNumber(words[2]); err != nil {
		return Page{}, err
	}
	if words[3] != "-" {
		if _, _, err := ParseName(words[3]); err != nil {
			return Page{}, err
		}
		page.Next = words[3]
	}
	for range count {
		var e Entry
		if e, rest, err = parseEntry(rest); err != nil {
			return Page{}, err
		}
		page.Shards = append(page.Shards, e)
	}
	if len(rest) > 0 {
		return Page{}, BadDocument("%d bytes after the page", len(rest))
	}
	return page, nil
}

func parseEntry(b []byte) (Entry, []byte, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Split(string(line), " ")
	if len(words) != 3 || words[0] != entryLabel {
		return Entry{}, nil, BadDocument("shard begins with %.80q", line)
	}
	received, err := ParseNumber(words[1])
	if err != nil {
		return Entry{}, nil, err
	}
	down, err := ParseNumber(words[2])
	if err != nil {
		return Entry{}, nil, err
	}
	head, err := shard.Parse(rest)
	if err != nil {
		return Entry{}, nil, err
	}
	return Entry{Head: head, Received: core.Moment(received), Deleted: core.Moment(down)}, rest[head.Size():], nil
}

// ParseNumber reads a whole number in its one form, 0 to 2^53-1.
func ParseNumber(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<53-1 || strconv.FormatInt(n, 10) != s {
		return 0, BadDocument("%.40q is not a number", s)
	}
	return n, nil
}

// check says whether a page is an answer to what was asked: this owner's, in
// order, after the name asked for. Returns CodeInvalid (vault.peer_other_owner,
// vault.peer_wrong_bytes).
func (p Page) check(owner core.MemberID, after string, who core.MemberID) error {
	for _, e := range p.Shards {
		if e.Owner != owner {
			return lie("vault.peer_other_owner", who, "list of %s has a shard of %s", owner, e.Owner)
		}
		if !nameLess(after, e.Name()) {
			return lie("vault.peer_wrong_bytes", who, "list has %s after %s", e.Name(), after)
		}
		after = e.Name()
	}
	if p.Next != "" && p.Next != after {
		return lie("vault.peer_wrong_bytes", who, "list goes on at %s after %s", p.Next, after)
	}
	return nil
}

// nameLess orders names as the tables do: by object, then by index as a number.
func nameLess(a, b string) bool {
	objectA, indexA, _ := strings.Cut(a, ".")
	objectB, indexB, _ := strings.Cut(b, ".")
	if objectA != objectB {
		return objectA < objectB
	}
	return len(indexA) < len(indexB) || len(indexA) == len(indexB) && indexA < indexB
}
