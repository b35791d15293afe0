#!/usr/bin/env python3
"""Make the age identity that opens every backup from the 24 words, without entrechat.

    identity.py WORDLIST < words > identity.txt

WORDLIST is english.txt of BIP 39 (2,048 words, one a line; any copy of the list will do, it never changes). The
words are read from standard input, without numbers. What comes out is for `age -d -i` and recover.py: keep it as you
keep the words, and remove it when you are done. Needs Python 3.8. The derivation is in keys.md beside this file.
"""
import hashlib, hmac, sys

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def entropy(words, known):
    bits = "".join("{:011b}".format(known.index(w)) for w in words)
    seed = int(bits[:256], 2).to_bytes(32, "big")
    if int(bits[256:], 2) != hashlib.sha256(seed).digest()[0]:
        sys.exit("all 24 words exist, but not together: one is wrong or two were swapped")
    return seed


def derive(seed, info):
    """HKDF-SHA256 without salt, 32 bytes."""
    key = hmac.new(bytes(32), seed, hashlib.sha256).digest()
    return hmac.new(key, info + b"\x01", hashlib.sha256).digest()


def checksum(values):
    c = 1
    for v in values:
        c, top = (c & 0x1FFFFFF) << 5 ^ v, c >> 25
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            c ^= g if top >> i & 1 else 0
    return c ^ 1


def bech32(prefix, data):
    bits = "".join("{:08b}".format(b) for b in data)
    values = [int(bits[i : i + 5].ljust(5, "0"), 2) for i in range(0, len(bits), 5)]
    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    sum = checksum(head + values + [0] * 6)
    return prefix + "1" + "".join(CHARSET[v] for v in values + [sum >> 5 * (5 - i) & 31 for i in range(6)])


def main(wordlist):
    with open(wordlist) as f:
        known = f.read().split()
    words = sys.stdin.read().lower().split()
    strange = [w for w in words if w not in known]
    if len(words) != 24 or strange:
        sys.exit("24 words of the list are needed; these are %d, and not in the list: %s" % (len(words), " ".join(strange)))
    print(bech32("age-secret-key-", derive(entropy(words, known), b"entrechat/recovery/1")).upper())


if __name__ == "__main__":
    main(sys.argv[1]) if len(sys.argv) == 2 else sys.exit(__doc__)
