package share

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"entrechat/internal/core"
	"entrechat/internal/kit/seal"
)

// The bounds of a deal.
const (
	MinK = 2
	MaxN = 64
)

// The text of a share: Bech32 with this prefix, over 43 bytes.
const (
	prefix      = "ecshare"
	version     = 1
	shareBytes  = 1 + prefixBytes + 2 + 32
	textSigns   = 83
	maxTextSize = 400
)

// Share is what one holder keeps of a secret. The zero value is none. It is
// secret: what formats or logs it shows its number only; Text alone gives it.
type Share struct {
	Deal   string // the first 16 signs of the deal's id (ID.Short)
	K      int    // how many shares open the box, 2 to 64
	Number int    // which share, 1 to 64
	value  [32]byte
}

// Of says whether the share says it belongs to the deal.
func (s Share) Of(deal ID) bool { return s.Deal != "" && s.Deal == deal.Short() }

// Text is the share as people and files keep it: "ecshare1…", 83 signs. Empty for
// the zero value.
// spec: docs/spec/custody.md#share
func (s Share) Text() string {
	deal, err := hex.DecodeString(s.Deal)
	if err != nil || len(deal) != prefixBytes || s.check() != nil {
		return ""
	}
	data := make([]byte, 0, shareBytes)
	data = append(append(data, version), deal...)
	data = append(append(data, byte(s.K), byte(s.Number)), s.value[:]...) //nolint:gosec // check holds them under 65
	text, err := seal.Bech32(prefix, data)
	if err != nil {
		return ""
	}
	return text
}

// check holds the bounds of what a share says of itself.
func (s Share) check() error {
	if s.K < MinK || s.K > MaxN || s.Number < 1 || s.Number > MaxN {
		return errors.New("a share's numbers are out of bounds")
	}
	_, err := toScalar(s.value)
	return err
}

// Parse reads a share's text; white space anywhere, upper or lower case and the numbers
// of a sheet's rows do not matter. Returns CodeInvalid with what to do: "custody.share.no_share" for
// something else, "custody.share.mistyped_at" with the Place of the sign to look at
// again, "custody.share.mistyped", or "custody.share.newer" for a form this program
// does not know. No error holds the text.
func Parse(text string) (Share, error) {
	if len(text) > maxTextSize {
		return Share{}, noShare()
	}
	data, err := seal.ParseBech32(prefix, joined(text))
	if e, ok := errors.AsType[*seal.Bech32Error](err); ok {
		switch {
		case e.Foreign:
			return Share{}, noShare()
		case e.Place > 0:
			return Share{}, core.Invalid("custody.share.mistyped_at", err).With("Place", e.Place)
		}
		return Share{}, core.Invalid("custody.share.mistyped", err)
	}
	if err != nil {
		return Share{}, err
	}
	if len(data) == 0 || data[0] != version {
		return Share{}, core.Invalid("custody.share.newer", errors.New("a share of another version"))
	}
	if len(data) != shareBytes {
		return Share{}, core.Invalid("custody.share.mistyped", fmt.Errorf("%d bytes, not %d", len(data), shareBytes))
	}
	s := Share{
		Deal: hex.EncodeToString(data[1 : 1+prefixBytes]), K: int(data[1+prefixBytes]), Number: int(data[2+prefixBytes]),
		value: [32]byte(data[3+prefixBytes:]),
	}
	if err := s.check(); err != nil {
		return Share{}, core.Invalid("custody.share.damaged", err)
	}
	return s, nil
}

// joined takes from a text white space, upper case and the numbers of the rows of a sheet,
// which no share has in it: the digit 1 occurs before its signs alone.
func joined(text string) string {
	fields := strings.Fields(strings.ToLower(text))
	return strings.Join(slices.DeleteFunc(fields, func(f string) bool {
		n, err := strconv.Atoi(f)
		return err == nil && n >= 1 && n < textSigns && n%rowSigns == 1 && strconv.Itoa(n) == f
	}), "")
}

// Texts cuts a text that people wrote into the texts of its shares: each begins on a line
// of its own with "ecshare1" and ends where the next begins. It checks none of them.
func Texts(text string) (out []string) {
	for line := range strings.Lines(text) {
		part := joined(line)
		switch {
		case part == "":
		case len(out) == 0 || strings.HasPrefix(part, prefix+"1"):
			out = append(out, part)
		default:
			out[len(out)-1] += part
		}
	}
	return out
}

func noShare() error {
	return core.Invalid("custody.share.no_share", errors.New("not the text of a share"))
}

// String names the share without its secret; Text is the share.
func (s Share) String() string {
	return fmt.Sprintf("share %d of deal %s %s", s.Number, s.Deal, hidden)
}

// GoString is String, for %#v.
func (s Share) GoString() string { return s.String() }

// LogValue is String, for slog.
func (s Share) LogValue() slog.Value { return slog.StringValue(s.String()) }
