package grant

import (
	"strings"
	"testing"

	"entrechat/internal/core"
)

func TestReadQuantities(t *testing.T) {
	for text, want := range map[string]int64{
		"20Mbit": 2e7, "20 Mbit/s": 2e7, "1,5M": 15e5, "1.5Gbps": 15e8, "800k": 8e5, "9600bit": 9600, "20": 0, "0": 0, "fast": 0, "-1M": 0, "20MB": 0,
	} {
		if got, err := parseRate(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]int64{"60s": 60, "60": 0, "5m": 300, "1500ms": 0, "often": 0} {
		if got, err := parseEvery(text); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: %d %v, want %d", text, got, err, want)
		}
	}
	if got := parseNames("Pad, cloud,pad"); strings.Join(got, " ") != "cloud pad" {
		t.Errorf("%v", got)
	}
}

func TestBothFlagsAreTheDefault(t *testing.T) {
	both, give := NewFlags(types(), ""), NewFlags(types(), "give-")
	both.Set("store", "1GB")
	give.Set("store", "2GB")
	*both.typed["rate"] = "1M"
	got, err := give.Over(both).Grants()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Amount("bytes") != int64(2*core.GB) || got[0].Amount("rate_bits_s") != 1e6 {
		t.Errorf("%+v", got)
	}
}
