package credential

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what old directories and htpasswd files hold; only checked, once
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"strconv"
	"strings"

	"github.com/go-crypt/x/crypt"
	"github.com/go-crypt/x/yescrypt"
	"golang.org/x/crypto/bcrypt"

	"entrechat/internal/core"
)

// maxHash bounds a stored hash, in bytes.
const maxHash = 512

var errTooDear = errors.New("checking it would cost too much")

// hashed is a stored hash that a password can be compared with.
type hashed interface {
	match(password []byte) bool
	memoryKiB() int64 // what one comparison takes
}

// CheckHash says whether passwords can be checked against a hash that another program
// made: argon2id and argon2i, bcrypt, sha256-crypt, sha512-crypt, md5-crypt, apr1,
// yescrypt, with or without {CRYPT}; {SSHA}, {SHA}, {SSHA256/384/512}, {SMD5},
// {PBKDF2-...} of OpenLDAP. Returns CodeInvalid: "identity.credential.hash_plain" for a
// password in clear, "hash_locked" for a locked account, "hash_dear" for a hash made to
// cost the one who checks it, "hash_unknown" for anything else.
func CheckHash(text string) error {
	_, err := parseHash(text)
	return err
}

func parseHash(text string) (hashed, error) {
	if len(text) > maxHash {
		return nil, core.Invalid("identity.credential.hash_unknown", errors.New("too long"))
	}
	h, err := parseScheme(text)
	switch {
	case errors.Is(err, errTooDear):
		return nil, core.Invalid("identity.credential.hash_dear", err)
	case core.CodeOf(err) == core.CodeInvalid:
		return nil, err
	case err != nil:
		return nil, core.Invalid("identity.credential.hash_unknown", err)
	}
	return h, nil
}

// parseScheme reads RFC 2307's {SCHEME} in front, if there is one.
func parseScheme(text string) (hashed, error) {
	scheme, rest := "", text
	if strings.HasPrefix(text, "{") {
		var ok bool
		if scheme, rest, ok = strings.Cut(text[1:], "}"); !ok {
			return nil, errors.New("a scheme without an end")
		}
		scheme = strings.ToUpper(scheme)
	}
	switch scheme {
	case "PLAIN", "CLEARTEXT", "CLEAR":
		return nil, core.Invalid("identity.credential.hash_plain", errors.New("a password in clear"))
	case "", "CRYPT", "ARGON2", "ARGON2ID", "ARGON2I", "BCRYPT", "BLF-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "MD5-CRYPT":
		return parseCrypt(rest)
	}
	if kind, ok := strings.CutPrefix(scheme, "PBKDF2"); ok {
		return parsePBKDF2(strings.TrimPrefix(kind, "-"), rest)
	}
	salted := strings.HasPrefix(scheme, "S") && !strings.HasPrefix(scheme, "SHA")
	if salted {
		scheme = scheme[1:]
	}
	made := digest(scheme)
	if made == nil {
		return nil, errors.New("a scheme we do not know")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(rest)
	if size := made().Size(); err != nil || len(raw) < size || len(raw) > size+64 || (len(raw) > size) != salted {
		return nil, errors.New("not the length of its digest")
	}
	return digestHash{made, raw}, nil
}

// digest is the hash function of a scheme's name, nil for none.
func digest(name string) func() hash.Hash {
	switch name {
	case "SHA", "SHA1", "":
		return sha1.New
	case "SHA256":
		return sha256.New
	case "SHA384":
		return sha512.New384
	case "SHA512":
		return sha512.New
	case "MD5":
		return md5.New
	}
	return nil
}

// digestHash is a digest of password and salt, with the salt behind it.
type digestHash struct {
	made func() hash.Hash
	raw  []byte
}

func (h digestHash) match(password []byte) bool {
	sum := h.made()
	size := sum.Size()
	sum.Write(password)
	sum.Write(h.raw[size:])
	return subtle.ConstantTimeCompare(sum.Sum(nil), h.raw[:size]) == 1
}

func (digestHash) memoryKiB() int64 { return 1 }

// parseCrypt reads what crypt(3) writes.
func parseCrypt(text string) (hashed, error) {
	parts := strings.Split(text, "$")
	if strings.HasPrefix(text, "!") || strings.HasPrefix(text, "*") {
		return nil, core.Invalid("identity.credential.hash_locked", errors.New("a locked account"))
	}
	if len(parts) < 4 || parts[0] != "" {
		return nil, errors.New("not a hash of crypt(3)")
	}
	switch parts[1] {
	case "argon2id", "argon2i":
		h, err := parseArgon(text)
		return h, err
	case "2a", "2b", "2y":
		return parseBcrypt(text)
	case "5", "6":
		return parseSHACrypt(parts)
	case "1", "apr1":
		return parseMD5Crypt(parts)
	case "y":
		return parseYescrypt(text, parts)
	}
	return nil, errors.New("a kind of crypt(3) we do not know")
}

type bcryptHash string

// parseBcrypt takes a cost of at most 14: one second.
func parseBcrypt(text string) (hashed, error) {
	cost, err := bcrypt.Cost([]byte(text))
	if err != nil || len(text) != 60 {
		return nil, errors.Join(err, errors.New("not the form of bcrypt"))
	}
	if cost > 14 {
		return nil, errTooDear
	}
	return bcryptHash(text), nil
}

// match compares the first 72 bytes, as everybody who made such a hash did.
func (h bcryptHash) match(password []byte) bool {
	return bcrypt.CompareHashAndPassword([]byte(h), password[:min(len(password), 72)]) == nil
}

func (bcryptHash) memoryKiB() int64 { return 4 }

type shaCrypt struct {
	made      func() hash.Hash
	salt, key []byte
	rounds    int
}

// parseSHACrypt takes at most a million rounds: half a second.
func parseSHACrypt(parts []string) (hashed, error) {
	h := shaCrypt{made: sha256.New, rounds: 5000}
	length := 43
	if parts[1] == "6" {
		h.made, length = sha512.New, 86
	}
	rest := parts[2:]
	if digits, ok := strings.CutPrefix(rest[0], "rounds="); ok {
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || n < 1000 {
			return nil, errors.New("rounds of sha-crypt")
		}
		if n > 1_000_000 {
			return nil, errTooDear
		}
		h.rounds, rest = int(n), rest[1:]
	}
	if len(rest) != 2 || len(rest[0]) > 16 || len(rest[1]) != length {
		return nil, errors.New("not the form of sha-crypt")
	}
	h.salt, h.key = []byte(rest[0]), []byte(rest[1])
	return h, nil
}

func (h shaCrypt) match(password []byte) bool {
	return subtle.ConstantTimeCompare(crypt.KeySHACrypt(h.made, password, h.salt, h.rounds), h.key) == 1
}

func (shaCrypt) memoryKiB() int64 { return 1 }

type yescryptHash struct {
	text   string
	memory int64
}

// parseYescrypt takes what libxcrypt makes (`$y$j9T$`, 16 MiB), up to 64 MiB.
func parseYescrypt(text string, parts []string) (hashed, error) {
	if len(parts) != 5 || len(parts[2]) != 3 || len(parts[3]) > 86 || len(parts[4]) != 43 {
		return nil, errors.New("not the form of yescrypt")
	}
	_, log, r, err := yescrypt.DecodeSetting([]byte(parts[2]))
	if err != nil || log < 10 || log > 18 || r < 1 || r > 32 || yescrypt.Decode64([]byte(parts[3])) == nil {
		return nil, errors.New("settings of yescrypt")
	}
	memory := int64(r) << log >> 3 // 128 bytes x r x N, in KiB
	if memory > 64<<10 {
		return nil, errTooDear
	}
	return yescryptHash{text, memory}, nil
}

func (h yescryptHash) match(password []byte) bool {
	made, err := yescrypt.Hash(password, []byte(h.text))
	return err == nil && subtle.ConstantTimeCompare(made, []byte(h.text)) == 1
}

func (h yescryptHash) memoryKiB() int64 { return h.memory }

type pbkdf2Hash struct {
	made      func() hash.Hash
	rounds    int
	salt, key []byte
}

// parsePBKDF2 reads OpenLDAP's `{PBKDF2-SHA256}ROUNDS$SALT$KEY`, in a base64 that writes
// `.` for `+`; at most a million rounds.
func parsePBKDF2(kind, rest string) (hashed, error) {
	parts := strings.Split(rest, "$")
	h := pbkdf2Hash{made: digest(kind)}
	if h.made == nil || len(parts) != 3 {
		return nil, errors.New("not the form of PBKDF2")
	}
	n, err := strconv.ParseUint(parts[0], 10, 32)
	if err != nil || n == 0 {
		return nil, errors.New("rounds of PBKDF2")
	}
	if n > 1_000_000 {
		return nil, errTooDear
	}
	h.rounds = int(n)
	var bad [2]error
	for i, to := range []*[]byte{&h.salt, &h.key} {
		*to, bad[i] = base64.RawStdEncoding.DecodeString(strings.ReplaceAll(parts[1+i], ".", "+"))
	}
	if err := errors.Join(bad[:]...); err != nil || len(h.salt) > 64 || len(h.key) < 16 || len(h.key) > h.made().Size() {
		return nil, errors.New("salt or key of PBKDF2")
	}
	return h, nil
}

func (h pbkdf2Hash) match(password []byte) bool {
	key, err := pbkdf2.Key(h.made, string(password), h.salt, h.rounds, len(h.key))
	return err == nil && subtle.ConstantTimeCompare(key, h.key) == 1
}

func (pbkdf2Hash) memoryKiB() int64 { return 1 }

// md5Crypt is FreeBSD's md5-crypt (`$1$`) and Apache's (`$apr1$`), which differ in their
// magic only.
type md5Crypt struct{ magic, salt, key []byte }

func parseMD5Crypt(parts []string) (hashed, error) {
	if len(parts) != 4 || len(parts[2]) > 8 || len(parts[3]) != 22 {
		return nil, errors.New("not the form of md5-crypt")
	}
	return md5Crypt{[]byte("$" + parts[1] + "$"), []byte(parts[2]), []byte(parts[3])}, nil
}

func (h md5Crypt) match(password []byte) bool {
	return subtle.ConstantTimeCompare(h.sum(password), h.key) == 1
}

func (md5Crypt) memoryKiB() int64 { return 1 }

// sum follows Poul-Henning Kamp's crypt-md5.c, FreeBSD 2.0.
func (h md5Crypt) sum(password []byte) []byte {
	of := func(parts ...[]byte) []byte {
		sum := md5.Sum(bytes.Join(parts, nil)) //nolint:gosec // see the import
		return sum[:]
	}
	inner := of(password, h.salt, password)
	first := bytes.Join([][]byte{password, h.magic, h.salt, bytes.Repeat(inner, len(password)/16+1)[:len(password)]}, nil)
	for i := len(password); i > 0; i >>= 1 {
		if i&1 == 1 {
			first = append(first, 0)
		} else {
			first = append(first, password[0])
		}
	}
	sum := of(first)
	for i := range 1000 {
		begin, end := sum, password
		if i&1 == 1 {
			begin, end = password, sum
		}
		var salt, again []byte
		if i%3 != 0 {
			salt = h.salt
		}
		if i%7 != 0 {
			again = password
		}
		sum = of(begin, salt, again, end)
	}
	return encodeMD5Crypt(sum)
}

// encodeMD5Crypt writes 16 bytes as 22 characters, in the order crypt(3) takes them.
func encodeMD5Crypt(sum []byte) []byte {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, 22)
	put := func(value uint32, n int) {
		for ; n > 0; n-- {
			out = append(out, alphabet[value&63])
			value >>= 6
		}
	}
	for _, at := range [][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		put(uint32(sum[at[0]])<<16|uint32(sum[at[1]])<<8|uint32(sum[at[2]]), 4)
	}
	put(uint32(sum[11]), 2)
	return out
}
