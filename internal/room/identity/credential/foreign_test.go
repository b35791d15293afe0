package credential

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"entrechat/internal/core"
)

// Hashes made by libxcrypt, libargon2, OpenSSL and Python's hashlib.
func TestForeignHashes(t *testing.T) {
	f, err := os.Open("testdata/foreign.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var v [3]string
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{v[2], "{CRYPT}" + v[2], "{crypt}" + v[2]} {
			if !strings.HasPrefix(v[2], "$") && text != v[2] {
				continue
			}
			h, err := parseHash(text)
			if err != nil {
				t.Errorf("%s %s: %v", v[0], text, err)
				continue
			}
			if !h.match([]byte(v[1])) {
				t.Errorf("%s %s: the right password is wrong", v[0], text)
			}
			if text != v[2] {
				continue
			}
			for _, wrong := range []string{"", "x", v[1][1:], strings.ToUpper(v[1]), v[1][:len(v[1])/2]} {
				if h.match([]byte(wrong)) && v[0] != "bcrypt/long" { // bcrypt knows 72 bytes
					t.Errorf("%s %s: %q is taken for the password", v[0], text, wrong)
				}
			}
		}
	}
	if n < 40 {
		t.Error("only", n, "hashes")
	}
	own, err := parseHash(newArgon([]byte("a"), Cost{MemoryKiB: 64, Passes: 1, Threads: 1}))
	if err != nil || !own.match([]byte("a")) || own.match([]byte("b")) {
		t.Error("our own:", err)
	}
}

func TestHashesThatAreRefused(t *testing.T) {
	argon := "$c29tZXNhbHRzb21lc2FsdA$RdescudvJCsgt3ub+b3dWRWJTmaaJObGRdescudvJCsgt3ub"
	for text, key := range map[string]string{
		"{PLAIN}secret": "hash_plain", "{CLEARTEXT}secret": "hash_plain", "{cleartext}secret": "hash_plain",
		"secret": "hash_unknown", "": "hash_unknown", "{SASL}alice@REALM": "hash_unknown", "{": "hash_unknown", "{SSHA}": "hash_unknown", "{SSHA}!!!": "hash_unknown",
		"{SSHA}c2hvcnQ=": "hash_unknown", "{CRYPT}ab1IIiUmuB9Kc": "hash_unknown", "$7$abc$def": "hash_unknown", "$2x$10$" + strings.Repeat("a", 53): "hash_unknown",
		"!$6$salt$" + strings.Repeat("a", 86): "hash_locked", "{CRYPT}*": "hash_locked", "{CRYPT}!": "hash_locked",
		"$argon2id$v=19$m=4194304,t=1,p=1" + argon:                  "hash_dear",
		"$argon2id$v=19$m=65536,t=100000,p=1" + argon:               "hash_dear",
		"$argon2id$v=19$m=65536,t=4,p=200" + argon:                  "hash_dear",
		"$argon2d$v=19$m=65536,t=4,p=1" + argon:                     "hash_unknown",
		"$argon2id$v=16$m=65536,t=4,p=1" + argon:                    "hash_unknown",
		"$argon2id$v=19$m=65536,t=4,p=1$$":                          "hash_unknown",
		"$argon2id$v=19$m=0,t=4,p=1" + argon:                        "hash_unknown",
		"$argon2id$v=19$m=99999999999,t=4,p=1" + argon:              "hash_unknown",
		"$2b$31$" + strings.Repeat("a", 53):                         "hash_dear",
		"$2b$15$" + strings.Repeat("a", 53):                         "hash_dear",
		"$6$rounds=999999999$salt$" + strings.Repeat("a", 86):       "hash_dear",
		"$5$rounds=2000000$salt$" + strings.Repeat("a", 43):         "hash_dear",
		"$6$rounds=1$salt$" + strings.Repeat("a", 86):               "hash_unknown",
		"$6$rounds=1000$salt$x$" + strings.Repeat("a", 86):          "hash_unknown",
		"$y$jFT$abcdefgh$" + strings.Repeat("a", 43):                "hash_dear",
		"$y$zzz$abcdefgh$" + strings.Repeat("a", 43):                "hash_unknown",
		"{PBKDF2-SHA512}99999999$c2FsdA$" + strings.Repeat("a", 43): "hash_dear",
		"{PBKDF2-WHIRLPOOL}1000$c2FsdA$" + strings.Repeat("a", 43):  "hash_unknown",
		"{CRYPT}{CRYPT}$6$salt$" + strings.Repeat("a", 86):          "hash_unknown",
		outside + "uid=alice":                                       "hash_unknown", strings.Repeat("a", maxHash+1): "hash_unknown",
	} {
		err := CheckHash(text)
		var e *core.Error
		if core.CodeOf(err) != core.CodeInvalid || !asError(err, &e) || e.Key != "identity.credential."+key {
			t.Errorf("%.40q: %v, want %s", text, err, key)
		}
	}
}

// Whatever a file says is a hash, reading it fails or one comparison is bounded.
func FuzzHash(f *testing.F) {
	f.Add("{SSHA}c2hvcnQ=", "x")
	f.Add("$argon2i$v=19$m=16,t=2,p=4$c29tZXNhbHQ$", "password")
	f.Add("$y$j75$abcdefgh$"+strings.Repeat("a", 43), "")
	f.Add("$apr1$Ab./cdef$42RJ8t93A1.ag0VGrCUj/.", "é")
	f.Add("$6$rounds=1000$s$"+strings.Repeat("a", 86), "x")
	f.Add("{PBKDF2}1000$c2FsdA$"+strings.Repeat("a", 27), "x")
	f.Fuzz(func(t *testing.T, text, password string) {
		h, err := parseHash(text)
		if err != nil {
			if core.CodeOf(err) != core.CodeInvalid {
				t.Error(err)
			}
			return
		}
		if h.memoryKiB() > mostMemoryKiB {
			t.Errorf("%q takes %d KiB", text, h.memoryKiB())
		}
		if h.memoryKiB() <= 1<<10 && !manyDigits(text) && !strings.HasPrefix(text, "$2") && len(password) < 100 {
			_ = h.match([]byte(password)) // does not panic
		}
	})
}

// manyDigits says that a hash may name a great number of rounds.
func manyDigits(s string) bool {
	return regexp.MustCompile(`[0-9]{5}`).MatchString(s)
}
