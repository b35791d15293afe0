package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
)

// The list is english.txt of BIP 39, byte for byte: words on paper depend on it.
func TestWordListIsTheStandardOne(t *testing.T) {
	sum := sha256.Sum256([]byte(englishText))
	if got := hex.EncodeToString(sum[:]); got != "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda" {
		t.Errorf("english.txt has SHA-256 %s", got)
	}
	if n := len(english().words); n != 1<<wordBits || len(english().numbers) != n {
		t.Errorf("%d words", n)
	}
}

// vectors are those of 256 bits in the reference implementation's vectors.json
// (github.com/trezor/python-mnemonic).
func vectors() [][2]string {
	return [][2]string{
		{
			"0000000000000000000000000000000000000000000000000000000000000000",
			"abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
		},
		{
			"7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
			"legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title",
		},
		{
			"8080808080808080808080808080808080808080808080808080808080808080",
			"letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
		},
		{
			"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
			"zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
		},
		{
			"3e141609b97933b66a060dcddc71fad1d91677db872031e85f4c015c5e7e8982",
			"dignity pass list indicate nasty swamp pool script soccer toe leaf photo multiply desk host tomato cradle drill spread actor shine dismiss champion exotic",
		},
		{
			"2c85efc7f24ee4573d2b81a6ec66cee209b2dcbd09d8eddc51e0215b0b68e416",
			"clutch control vehicle tonight unusual clog visa ice plunge glimpse recipe series open hour vintage deposit universe tip job dress radar refuse motion taste",
		},
		{
			"4fa1a8bc3e6d80ee1316050e862c1812031493212b7ec3f3bb1b08f168cabeef",
			"exile ask congress lamp submit jacket era scheme attend cousin alcohol catch course end lucky hurt sentence oven short ball bird grab wing top",
		},
		{
			"15da872c95a13dd738fbf50e427583ad61f18fd99f628c417a61cf8343c90419",
			"beyond stage sleep clip because twist token leaf atom beauty genius food business side grid unable middle armed observe pair crouch tonight away coconut",
		},
	}
}

func TestOfficialVectors(t *testing.T) {
	for _, v := range vectors() {
		entropy, err := hex.DecodeString(v[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(encodeWords([32]byte(entropy)), " "); got != v[1] {
			t.Errorf("%s gives %q", v[0], got)
		}
		back, ok := decodeWords(strings.Fields(v[1]))
		if !ok || !bytes.Equal(back[:], entropy) {
			t.Errorf("%q gives %x, %t", v[1], back, ok)
		}
	}
}

// One wrong word is seen: of 2,047 others in one place, only about one in 256 may pass
// a checksum of 8 bits.
func TestAWrongWordIsSeen(t *testing.T) {
	words := strings.Fields(vectors()[5][1])
	for place := range words {
		passed := 0
		for _, w := range english().words {
			wrong := append([]string(nil), words...)
			wrong[place] = w
			if _, ok := decodeWords(wrong); ok && w != words[place] {
				passed++
			}
		}
		if passed > 24 {
			t.Errorf("word %d: %d wrong ones pass", place+1, passed)
		}
	}
}
