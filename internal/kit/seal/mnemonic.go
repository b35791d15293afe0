package seal

import (
	"crypto/sha256"
	_ "embed" // the word list
	"strings"
	"sync"
)

// The words of BIP 39 for 32 bytes: 256 bits, and behind them the first 8 of their
// SHA-256, are cut into 24 numbers of 11 bits, each a word of the standard English list.
// spec: https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki
const (
	wordCount = 24
	wordBits  = 11
)

// englishText is the standard list, one word a line. It never changes: words on paper
// depend on it.
//
//go:embed english.txt
var englishText string

// english is the list, each word with its number.
//
//nolint:gochecknoglobals // the list never changes; it is cut into words once
var english = sync.OnceValue(func() wordList {
	list := wordList{words: strings.Fields(englishText), numbers: map[string]uint32{}}
	for i, w := range list.words {
		list.numbers[w] = uint32(i)
	}
	return list
})

type wordList struct {
	words   []string
	numbers map[string]uint32
}

// encodeWords answers the words of 32 bytes.
func encodeWords(entropy [32]byte) []string {
	sum := sha256.Sum256(entropy[:])
	data := append(entropy[:], sum[0])
	out := make([]string, wordCount)
	for i := range out {
		out[i] = english().words[numberAt(data, i)]
	}
	return out
}

// decodeWords answers the bytes that known words stand for; ok says whether there are 24
// and their checksum holds.
func decodeWords(words []string) (entropy [32]byte, ok bool) {
	if len(words) != wordCount {
		return entropy, false
	}
	var data [33]byte
	for i, w := range words {
		number := english().numbers[w]
		for bit := range wordBits {
			if number>>(wordBits-1-bit)&1 == 1 {
				at := i*wordBits + bit
				data[at/8] |= 0x80 >> (at % 8)
			}
		}
	}
	entropy = [32]byte(data[:32])
	return entropy, sha256.Sum256(entropy[:])[0] == data[32]
}

// numberAt reads the number i of 11 bits each; a last one may end with the data.
func numberAt(data []byte, i int) uint32 {
	var number uint32
	for bit := range wordBits {
		at := i*wordBits + bit
		number = number<<1 | uint32(data[at/8]>>(7-at%8)&1)
	}
	return number
}
