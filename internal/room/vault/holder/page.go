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

// writePage writes a page. The rows' heads were checked when they came.
func writePage(rows []row, page Page) []byte {
	next := page.Next
	if next == "" {
		next = "-"
	}
	b := fmt.Appendf(nil, "%s %d %d %s\n", pageMagic, len(rows), page.Used, next)
	for _, r := range rows {
		b = fmt.Appendf(b, "%s %d %d\n", entryLabel, r.received, r.deleted)
		b = append(b, r.head...)
	}
	return b
}

// parsePage reads what writePage writes, and nothing else. Returns CodeInvalid.
func parsePage(b []byte) (Page, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Split(string(line), " ")
	if len(words) != 4 || words[0] != pageMagic {
		return Page{}, invalid("page begins with %.80q", line)
	}
	count, err := number(words[1])
	if err != nil || count > MaxPage {
		return Page{}, invalid("page of %.20q shards", words[1])
	}
	page := Page{}
	if page.Used, err = number(words[2]); err != nil {
		return Page{}, err
	}
	if words[3] != "-" {
		if _, _, err := ParseName(words[3]); err != nil {
			return Page{}, err
		}
		page.Next = words[3]
	}
	for range count {
		var held Entry
		if held, rest, err = parseEntry(rest); err != nil {
			return Page{}, err
		}
		page.Shards = append(page.Shards, held)
	}
	if len(rest) > 0 {
		return Page{}, invalid("%d bytes after the page", len(rest))
	}
	return page, nil
}

func parseEntry(b []byte) (Entry, []byte, error) {
	line, rest, _ := bytes.Cut(b, []byte("\n"))
	words := strings.Split(string(line), " ")
	if len(words) != 3 || words[0] != entryLabel {
		return Entry{}, nil, invalid("shard begins with %.80q", line)
	}
	received, err := number(words[1])
	if err != nil {
		return Entry{}, nil, err
	}
	down, err := number(words[2])
	if err != nil {
		return Entry{}, nil, err
	}
	head, err := shard.Parse(rest)
	if err != nil {
		return Entry{}, nil, err
	}
	return Entry{Head: head, Received: core.Moment(received), Deleted: core.Moment(down)}, rest[head.Size():], nil
}

// number reads a whole number in its one form, 0 to 2^53-1.
func number(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > 1<<53-1 || strconv.FormatInt(n, 10) != s {
		return 0, invalid("%.40q is not a number", s)
	}
	return n, nil
}

// check says whether a page is an answer to what was asked: this owner's, in
// order, after the name asked for. Returns CodeInvalid (vault.peer_other_owner,
// vault.peer_wrong_bytes).
func (p Page) check(owner core.MemberID, after string, who core.MemberID) error {
	for _, held := range p.Shards {
		if held.Owner != owner {
			return lie("vault.peer_other_owner", who, "list of %s has a shard of %s", owner, held.Owner)
		}
		if !nameLess(after, held.Name()) {
			return lie("vault.peer_wrong_bytes", who, "list has %s after %s", held.Name(), after)
		}
		after = held.Name()
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
