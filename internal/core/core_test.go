package core_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"entrechat/internal/core"
)

func TestParseMemberID(t *testing.T) {
	for text, want := range map[string]core.MemberID{
		"chaton-a.test": "chaton-a.test", " HTTPS://Chaton-A.test/ ": "chaton-a.test", "127.0.0.1:7101": "127.0.0.1:7101",
		"": "", "a b": "", "../x": "", "a..b": "", "-a.test": "", "a.test:0": "", "a.test/x": "", "é.test": "", "a.test\n": "a.test",
	} {
		got, err := core.ParseMemberID(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
		if want != "" && !got.Valid() {
			t.Errorf("%q is not valid", got)
		}
	}
}

func TestSizesReadBackExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := core.Size(rapid.Int64Range(0, 1<<50).Draw(t, "bytes"))
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got core.Size
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Fatalf("%d became %s and %d, %v", want, text, got, err)
		}
	})
	for text, want := range map[string]core.Size{
		"200GB": 200 * core.GB, "1,5 To": 1500 * core.GB, "512MiB": 512 << 20, "10 ko": 10 * core.KB, "7 B": 7, "3 o": 3, "0": 0,
	} {
		if got, err := core.ParseSize(text); got != want || err != nil {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "much", "-1", "1e300", "NaN", "5 XB"} {
		if _, err := core.ParseSize(text); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestASizeNeedsItsUnit(t *testing.T) {
	for _, text := range []string{"200", " 1,5", "1000000000000"} {
		_, err := core.ParseSize(text)
		if e, ok := errors.AsType[*core.Error](err); !ok || e.Key != core.KeyNoUnit || e.Code != core.CodeInvalid {
			t.Errorf("%q: %v", text, err)
		}
	}
	var size core.Size
	for text, want := range map[string]core.Size{"1234567890": 1234567890, "0": 0} { // configurations of earlier versions
		if err := size.UnmarshalText([]byte(text)); err != nil || size != want {
			t.Errorf("%q: got %d, %v", text, size, err)
		}
	}
	if err := size.UnmarshalText([]byte("999999")); core.CodeOf(err) != core.CodeInvalid {
		t.Errorf("a bare number was taken for bytes: %v", err)
	}
}

func TestCodesTravel(t *testing.T) {
	wrapped := fmt.Errorf("outer: %w", core.Full("x.full", errors.New("cause")).With("Left", 3))
	if core.CodeOf(wrapped) != core.CodeFull || core.CodeOf(errors.New("plain")) != core.CodeInternal || core.CodeOf(nil) != "" {
		t.Fatal("a code got lost")
	}
	for _, code := range []core.Code{core.CodeInvalid, core.CodeNotFound, core.CodeDenied, core.CodeConflict, core.CodeFull, core.CodeUnsure} {
		if back := core.CodeFromHTTP(code.HTTPStatus()); back != code {
			t.Errorf("%s became %s over HTTP", code, back)
		}
		if code.ExitStatus() < 2 {
			t.Errorf("%s exits %d", code, code.ExitStatus())
		}
	}
	// Our fault at their place is "try later" at ours.
	if core.CodeFromHTTP(http.StatusInternalServerError) != core.CodeUnsure {
		t.Error("a peer's 500 is not ours")
	}
}

func TestMoments(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 123000, time.UTC)
	if m := core.At(now); !m.Time().Equal(now) || m.Add(time.Hour).Sub(m) != time.Hour {
		t.Error("a moment is not its time")
	}
	if core.At(time.Time{}) != 0 || !core.Moment(0).Time().IsZero() {
		t.Error("never is not zero")
	}
}
