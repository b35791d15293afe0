package credential

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is what one argon2id hash takes. The zero value is the default: 19 MiB, two passes,
// one thread, the least that OWASP's password storage sheet takes.
type Cost struct {
	MemoryKiB uint32
	Passes    uint32
	Threads   uint8
}

func (c Cost) orDefault() Cost {
	if c == (Cost{}) {
		return Cost{MemoryKiB: 19 << 10, Passes: 2, Threads: 1}
	}
	return c
}

const (
	argonSalt = 16
	argonKey  = 32
)

// newArgon hashes a password in the PHC string format, which says its own cost.
func newArgon(password []byte, c Cost) string {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails
	return phc(salt, argon2.IDKey(password, salt, c.Passes, c.MemoryKiB, c.Threads, argonKey), c)
}

// nobodys is a hash of our cost that no password has. Making it takes no work.
func nobodys(c Cost) (argonHash, error) {
	return parseArgon(phc(make([]byte, argonSalt), make([]byte, argonKey), c))
}

// phc writes an argon2id hash as a PHC string.
func phc(salt, key []byte, c Cost) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Passes, c.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// argonHash is an argon2 hash, read.
type argonHash struct {
	id        bool // argon2id; else argon2i
	cost      Cost
	salt, key []byte
}

// Bounds of a foreign argon2 hash: what one check may cost at most. PHP's default takes
// 64 MiB and four passes.
const (
	mostMemoryKiB = 128 << 10
	mostWorkKiB   = 1 << 20 // memory x passes
)

func parseArgon(text string) (h argonHash, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[2] != "v=19" {
		return h, errors.New("not the form of an argon2 hash of version 19")
	}
	switch parts[1] {
	case "argon2id":
		h.id = true
	case "argon2i":
	default:
		return h, errors.New("neither argon2id nor argon2i")
	}
	for at, name := range []string{"m=", "t=", "p="} {
		fields := strings.Split(parts[3], ",")
		if len(fields) != 3 {
			return h, errors.New("argon2 parameters")
		}
		digits, ok := strings.CutPrefix(fields[at], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || n == 0 {
			return h, errors.New("argon2 parameters")
		}
		switch at {
		case 0:
			h.cost.MemoryKiB = uint32(n)
		case 1:
			h.cost.Passes = uint32(n)
		default:
			h.cost.Threads = uint8(min(n, 255))
		}
	}
	if h.cost.MemoryKiB > mostMemoryKiB || uint64(h.cost.MemoryKiB)*uint64(h.cost.Passes) > mostWorkKiB || h.cost.Threads > 16 {
		return h, errTooDear
	}
	if h.salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return h, errors.New("argon2 salt")
	}
	if h.key, err = base64.RawStdEncoding.DecodeString(parts[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return h, errors.New("argon2 key")
	}
	return h, nil
}

func (h argonHash) match(password []byte) bool {
	made := argon2.Key
	if h.id {
		made = argon2.IDKey
	}
	key := made(password, h.salt, h.cost.Passes, h.cost.MemoryKiB, h.cost.Threads, uint32(len(h.key))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(key, h.key) == 1
}

func (h argonHash) memoryKiB() int64 { return int64(h.cost.MemoryKiB) }
