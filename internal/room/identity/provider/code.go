package provider

import (
	"sync"

	"entrechat/internal/core"
	"entrechat/internal/room/identity/person"
)

const (
	// maxCodes bounds the codes that wait: about 1.5 KB each.
	maxCodes = 20_000
	// maxCodesEach is how many of them one person may have.
	maxCodesEach = 100
)

// waitingCode is an authorization code that its client has not shown yet.
type waitingCode struct {
	grant   grantRow
	session clientSession
	until   core.Moment
}

// codes are the authorization codes that wait for their clients, by the hash of each. They
// live in memory for a minute: a sign-in costs one write, when its code is shown, and not
// two. A node that ends loses those on their way; the person signs in once more. The zero
// value is ready.
type codes struct {
	mu   sync.Mutex
	all  map[string]waitingCode
	each map[person.ID]int
	line []string // hashes, oldest first: all live equally long
}

// put keeps a code. It is false when too many wait, of this person or of all.
func (c *codes) put(one waitingCode, now core.Moment) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all, c.each = map[string]waitingCode{}, map[person.ID]int{}
	}
	c.expire(now)
	if len(c.line) >= maxCodes || c.each[one.grant.person] >= maxCodesEach {
		return false
	}
	c.all[one.grant.code] = one
	c.each[one.grant.person]++
	c.line = append(c.line, one.grant.code)
	return true
}

// get answers a code that waits. It stays until remove: a client that asks wrongly may ask
// again.
func (c *codes) get(hash string, now core.Moment) (waitingCode, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, ok := c.all[hash]
	return one, ok && one.until > now
}

// remove forgets a code that was used or refused.
func (c *codes) remove(hash string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(hash)
}

// end forgets the codes of what ends.
func (c *codes) end(e ending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hash, one := range c.all {
		of := one.session.Session
		if e.column == "person" {
			of = string(one.grant.person)
		}
		if of == e.value && (e.client == "" || e.client == one.grant.client) {
			c.drop(hash)
		}
	}
}

// expire forgets the codes whose time is over, and shortens the line.
func (c *codes) expire(now core.Moment) {
	gone := 0
	for _, hash := range c.line {
		if one, ok := c.all[hash]; ok && one.until > now {
			break
		}
		c.drop(hash)
		gone++
	}
	c.line = c.line[gone:]
}

func (c *codes) drop(hash string) {
	one, ok := c.all[hash]
	if !ok {
		return
	}
	delete(c.all, hash)
	if c.each[one.grant.person]--; c.each[one.grant.person] <= 0 {
		delete(c.each, one.grant.person)
	}
}
