package captcha

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
)

const (
	puzzles = 16 // of one challenge: many small ones take a more even time than one
	// DefaultBits is the difficulty: 16 x 2^15 hashes on average. Measured on one core of a
	// small server: Chromium 1.1 s, while the form is filled in; a program of one's own 0.2 s;
	// the node checks a solution in 50 us.
	DefaultBits = 15
	maxBits     = 24
	// Lives is how long a challenge holds: as long as somebody fills a form in.
	Lives = time.Hour
	// maxNumber is the largest number of a solution.
	maxNumber   = 1 << 40
	maxSolution = puzzles * 14
)

// Fields of a form with a captcha.
const (
	FieldChallenge = "captcha"
	FieldSolution  = "captcha_solution"
)

// Needs is what a captcha is made of.
type Needs struct {
	DB   *db.DB // remembers solutions that were used
	Box  seal.Box
	Bits int // of each puzzle, 1 to 24; 0 = DefaultBits
	Now  func() time.Time
}

// Captcha makes challenges and checks solutions. Safe for concurrent use.
type Captcha struct {
	Needs
	key []byte
}

// New makes a captcha.
func New(n Needs) *Captcha {
	if n.Bits == 0 {
		n.Bits = DefaultBits
	}
	n.Bits = min(max(n.Bits, 1), maxBits)
	return &Captcha{Needs: n, key: n.Box.Key("identity captcha")}
}

func (c *Captcha) now() core.Moment { return core.At(c.Now()) }

// Challenge makes a challenge for one purpose, such as "sign-up": letters, digits, "-", "_" and
// dots, for the attribute data-captcha and the field "captcha" of a form. Nothing is stored.
func (c *Captcha) Challenge(purpose string) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	until := c.now().Add(Lives).Time().Unix()
	text := fmt.Sprintf("1.%d.%d.%s", c.Bits, until, base64.RawURLEncoding.EncodeToString(id[:]))
	return text + "." + c.sign(purpose, text)
}

func (c *Captcha) sign(purpose, text string) string {
	mac := hmac.New(sha256.New, c.key)
	mac.Write([]byte(purpose + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// Check takes a challenge and its solution, once. Returns CodeInvalid:
// "identity.captcha.missing" where there is no solution (no script ran), "identity.captcha.old"
// for a challenge that has ended or was used, "identity.captcha.wrong" for anything else.
func (c *Captcha) Check(ctx context.Context, purpose, challenge, solution string) error {
	if solution == "" {
		return core.Invalid("identity.captcha.missing", errors.New("no solution"))
	}
	id, until, err := c.verify(purpose, challenge, solution)
	if err != nil {
		return err
	}
	first, err := use(ctx, c.DB, id, until, c.now())
	if err == nil && !first {
		err = core.Invalid("identity.captcha.old", errors.New("used already"))
	}
	return err
}

// verify checks all but whether it was used.
func (c *Captcha) verify(purpose, challenge, solution string) (id string, until core.Moment, err error) {
	wrong := func(why string) (string, core.Moment, error) {
		return "", 0, core.Invalid("identity.captcha.wrong", errors.New(why))
	}
	cut := strings.LastIndexByte(challenge, '.')
	parts := strings.Split(challenge, ".")
	if len(challenge) > 200 || len(parts) != 5 || !hmac.Equal([]byte(challenge[cut+1:]), []byte(c.sign(purpose, challenge[:cut]))) {
		return wrong("no challenge of ours")
	}
	need, errBits := strconv.Atoi(parts[1])
	seconds, errUntil := strconv.ParseInt(parts[2], 10, 64)
	if err := errors.Join(errBits, errUntil); err != nil {
		return wrong(err.Error())
	}
	until = core.At(time.Unix(seconds, 0))
	if c.now() > until {
		return "", 0, core.Invalid("identity.captcha.old", errors.New("ended"))
	}
	if err := solved(challenge, solution, need); err != nil {
		return wrong(err.Error())
	}
	return parts[3], until, nil
}

// solved checks sixteen numbers.
func solved(challenge, solution string, need int) error {
	numbers := strings.Split(solution, ",")
	if len(solution) > maxSolution || len(numbers) != puzzles {
		return errors.New("not sixteen numbers")
	}
	for i, text := range numbers {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > maxNumber || text != strconv.FormatInt(n, 10) {
			return errors.New("not a number")
		}
		if zeros(challenge, i, n) < need {
			return errors.New("a number that does not solve it")
		}
	}
	return nil
}

// zeros counts the zero bits in front of one hash, up to 64.
func zeros(challenge string, i int, n int64) int {
	sum := sha256.Sum256([]byte(challenge + "." + strconv.Itoa(i) + "." + strconv.FormatInt(n, 10)))
	return bits.LeadingZeros64(binary.BigEndian.Uint64(sum[:]))
}

// Solve works a challenge out as the script does, for programs that sign up in tests.
func Solve(challenge string) string {
	parts := strings.Split(challenge, ".")
	if len(parts) != 5 {
		return ""
	}
	need, err := strconv.Atoi(parts[1])
	if err != nil || need > maxBits {
		return ""
	}
	found := make([]string, puzzles)
	for i := range found {
		n := int64(0)
		for zeros(challenge, i, n) < need {
			n++
		}
		found[i] = strconv.FormatInt(n, 10)
	}
	return strings.Join(found, ",")
}
