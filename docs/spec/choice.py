#!/usr/bin/env python3
"""Checks what a hoster counted of its users' choices, without entrechat.

  choice.py SLIP                       prints the root and the number of people that a slip proves
  choice.py --all LIST SERVICE         prints the root and the counts of a published list

Compare both with the entry entrechat/choices/1 of the hoster's logbook.
docs/spec/succession.md#choices
"""
import hashlib
import json
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def leaf(salt, service, choice):
    return sha(b"\x00" + sha(f"entrechat/choice/1\n{salt}\n{service}\n{choice}".encode()))


def node(left, right):
    return sha(b"\x01" + left + right)


def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(tree(leaves[:half]), tree(leaves[half:]))


def proved(place, size, proof, hashed):
    """The root that a proof of RFC 6962 leads to (RFC 9162, 2.1.3.2)."""
    last = size - 1
    for other in proof:
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            hashed = node(other, hashed)
            while place & 1 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            hashed = node(hashed, other)
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return hashed


def main(words):
    if len(words) == 1:
        slip = json.load(open(words[0], encoding="utf-8"))
        first = leaf(slip["leaf"]["salt"], slip["service"], slip["leaf"]["choice"])
        root = proved(slip["place"], slip["size"], [bytes.fromhex(h) for h in slip["proof"]], first)
        print("root", root.hex())
        print("people", slip["size"])
        return
    if len(words) != 3 or words[0] != "--all":
        sys.exit(__doc__)
    lines = [line.split() for line in open(words[1], encoding="utf-8")]
    hashed = sorted((sha(f"entrechat/choice/1\n{s}\n{words[2]}\n{c}".encode()) for s, c in lines))
    print("root", tree([sha(b"\x00" + h) for h in hashed]).hex())
    for choice in ("handover", "archive", "erase"):
        print(choice, sum(1 for _, c in lines if c == choice))


main(sys.argv[1:])
