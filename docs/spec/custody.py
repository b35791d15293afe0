#!/usr/bin/env python3
"""Open a box with enough of its shares, without entrechat.

    custody.py BOX [--deal DEAL] [FILE...] > CONTENT
    custody.py --take DATA

BOX is the sealed box, as age made it or in the document that holders keep. DEAL is the deal's document: with it every
share is checked by itself and a false one is named; without it, every choice of enough shares is tried. Each FILE holds
one share or more, each beginning on a line of its own ("ecshare1..."; spaces do not count); without FILE they are typed,
and an empty line ends. Writes what the box holds; the secret itself never lies on a disk. Needs Python 3.8 and `age`.
--take writes what a node keeps into the working directory, each box, its deal and the share: DATA is its data directory,
or a copy of one, with SQLite; nothing runs there. The format is in custody.md.
"""
import argparse, base64, hashlib, hmac, itertools, json, os, pathlib, re, sqlite3, subprocess, sys, time

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, -1, P) % P, pow(2, (P - 1) // 4, P)
SIGNS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

# ristretto255 (RFC 9496): points are (X, Y, Z, T) of the Edwards curve, compared as the quotient group does.
def decode(data):
    s = int.from_bytes(data, "little")
    if len(data) != 32 or s >= P or s & 1:
        raise ValueError("not a point of ristretto255")
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    w = v * u2 * u2 % P
    r = pow(w, 3, P) * pow(pow(w, 7, P), (P - 5) // 8, P) % P
    check = w * r * r % P
    if check in (P - 1, -ROOT % P):
        r = r * ROOT % P
    dx = r * u2 % P
    x, y = 2 * s * dx % P, u1 * r * dx * v % P
    x = P - x if x & 1 else x
    if check not in (1, P - 1) or x * y % P & 1 or y == 0:
        raise ValueError("not a point of ristretto255")
    return x, y, 1, x * y % P

def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * D * p[3] * q[3] % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, p):
    total = (0, 1, 1, 0)
    for bit in bin(n)[2:]:
        total = add(total, total)
        total = add(total, p) if bit == "1" else total
    return total

def equal(p, q):
    return (p[0] * q[1] - p[1] * q[0]) % P == 0 or (p[1] * q[1] - p[0] * q[0]) % P == 0

BASE = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))

def checksum(prefix, values):
    sum_ = 1
    for v in [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix] + values + [0] * 6:
        top, sum_ = sum_ >> 25, (sum_ & 0x1FFFFFF) << 5 ^ v
        for i, g in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            sum_ ^= g if top >> i & 1 else 0
    return [(sum_ ^ 1) >> 5 * (5 - i) & 31 for i in range(6)]

def holds(values):
    return checksum("ecshare", values[:-6]) == values[-6:]

def joined(text):
    """Without white space, upper case and the numbers of a sheet's rows."""
    return "".join(f for f in text.lower().split() if f not in ("1", "21", "41", "61", "81"))

def parse(text):
    """{deal, k, number, value} of a share's text; ValueError says what to look at."""
    text = joined(text)
    if not text.startswith("ecshare1") or len(text) < 15:
        raise ValueError("not a share: it begins with ecshare1 and has 83 signs")
    values = [SIGNS.find(c) for c in text[8:]]
    wrong = [i for i, v in enumerate(values) if v < 0]
    if not wrong and not holds(values):
        wrong = [i for i in range(len(values)) for v in range(32)
                 if v != values[i] and len(values) == 75 and holds(values[:i] + [v] + values[i + 1:])]
        if len(wrong) != 1:
            raise ValueError("mistyped, or not whole: %d signs, not 83; read it again" % len(text))
    if wrong:
        raise ValueError("mistyped: look at sign %d again" % (wrong[0] + 9))
    bits = "".join("{:05b}".format(v) for v in values[:-6])
    data = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) - 7, 8))
    if len(data) != 43 or data[0] != 1 or int("0" + bits[344:], 2):
        raise ValueError("a share of another version")
    share = {"deal": data[1:9].hex(), "k": data[9], "number": data[10], "value": int.from_bytes(data[11:], "little")}
    if not (2 <= share["k"] <= 64 and 1 <= share["number"] <= 64 and share["value"] < L):
        raise ValueError("damaged")
    return share

def at(x, shares):
    """The polynomial through the shares, at x."""
    total = 0
    for s in shares:
        part = s["value"]
        for o in shares:
            if o is not s:
                part = part * (x - o["number"]) * pow(s["number"] - o["number"], -1, L) % L
        total += part
    return total % L

def verify(share, commitments):
    want, power = (0, 1, 1, 0), 1
    for c in commitments:
        want, power = add(want, times(power, c)), power * share["number"] % L
    return share["k"] == len(commitments) and equal(times(share["value"], BASE), want)

def identity(secret, deal):
    """The age identity of a box (custody.md, "Box identity")."""
    key = hmac.new(b"entrechat/box/1", secret.to_bytes(32, "little"), hashlib.sha256).digest()
    bits = "".join("{:08b}".format(b) for b in hmac.new(key, deal.encode() + b"\1", hashlib.sha256).digest()) + "0000"
    values = [int(bits[i:i + 5], 2) for i in range(0, 260, 5)]
    return ("age-secret-key-1" + "".join(SIGNS[v] for v in values + checksum("age-secret-key-", values))).upper()

def unlock(box, secret, deal):
    """What the box holds, without its first line, the deal's id; None when the secret is another's."""
    out, into = os.pipe()
    os.write(into, identity(secret, deal).encode() + b"\n")
    os.close(into)
    done = subprocess.run(["age", "-d", "-i", "/dev/fd/%d" % out], input=box, capture_output=True, pass_fds=[out])
    os.close(out)
    first, _, content = done.stdout.partition(b"\n")
    return content if done.returncode == 0 and first.decode("ascii", "replace").startswith(deal) else None

def document(path):
    """A file's bytes, and what it says when it is a signed document."""
    with open(path, "rb") as f:
        data = f.read()
    try:
        return data, json.loads(base64.b64decode(json.loads(data)["payload"], validate=True))
    except (ValueError, KeyError, TypeError):
        return data, {}

def say(*words):
    print(*words, file=sys.stderr)

def given(files):
    """[where, text] of each share, from files or typed; one may go over several lines."""
    shares = []
    def take(where, line):
        if joined(line).startswith("ecshare1") or not shares:
            shares.append([where, ""])
        shares[-1][1] += line
    for name in files:
        with open(name, encoding="utf-8", errors="replace") as f:
            for line in f:
                take(name, line) if line.strip() else None
    if not files:
        say("Type the shares, each beginning on a line of its own; an empty line ends.")
        for i, line in enumerate(iter(lambda: sys.stdin.readline().strip(), ""), 1):
            take("line %d" % i, line + "\n")
    return shares

def sort(lines, deal):
    """The shares that can be used, {(deal, k): [share]}; says what is wrong with the others."""
    commitments, groups = [decode(base64.b64decode(c)) for c in deal.get("commitments", [])], {}
    for where, line in lines:
        try:
            s = parse(line)
            if deal and s["deal"] != deal["id"][:16]:
                raise ValueError("share %(number)d is of another deal, %(deal)s" % s)
            if deal and not verify(s, commitments):
                raise ValueError("share %(number)d is false: leave it out and take another" % s)
            group = groups.setdefault((s["deal"], s["k"]), [])
            group += [s] if s not in group else []
            say("%s: share %d of deal %s%s" % (where, s["number"], s["deal"], ": good" if deal else ""))
        except ValueError as why:
            say("%s: %s" % (where, why))
    return groups

def recover(box, groups):
    """What the box holds, by any enough of the shares; None when they do not open it."""
    for (deal, k), group in groups.items():
        for chosen in itertools.combinations(group, k):
            if len({s["number"] for s in chosen}) == k:
                content = unlock(box, at(0, chosen), deal)
                if content is not None:
                    for s in group:
                        if at(s["number"], chosen) != s["value"]:
                            say("share %(number)d is false: do not use it again" % s)
                    return content
        have = len({s["number"] for s in group})
        say("deal %s: %d shares, %d are needed" % (deal, have, k) if have < k else
            "deal %s: its shares do not open this box; one is false, or the box is another's" % deal)
    return None

def open_box(args):
    box, inside = document(args.box)
    box = base64.b64decode(inside["box"]) if "box" in inside else box
    deal = document(args.deal)[1] if args.deal else {}
    if args.deal and not ("id" in deal and "commitments" in deal):
        return "%s: not the document of a deal" % args.deal
    content = recover(box, sort(given(args.files), deal))
    if content is None:
        return "not opened"
    sys.stdout.buffer.write(content)
    return 0

def take(data):
    """Boxes, deals and shares out of a node's data directory."""
    db = sqlite3.connect(pathlib.Path(data, "entrechat.db").resolve(strict=True).as_uri() + "?mode=ro", uri=True)
    rows = db.execute("SELECT b.deal, b.document, d.document, 0, NULL FROM custody_box b JOIN custody_deal d ON d.id = b.deal "
                      "UNION ALL SELECT b.deal, b.document, h.document, h.number, h.sealed FROM custody_box b JOIN custody_held h ON h.id = b.deal")
    for deal, box, signed, number, sealed in rows.fetchall():
        inner = json.loads(base64.b64decode(json.loads(signed)["payload"]))
        name = re.sub("[^a-z0-9.]", "-", inner["scope"]) + "-" + deal[:8]
        files = {name + "-box.json": box, name + "-deal.json": signed}
        if sealed:
            done = subprocess.run(["age", "-d", "-i", os.path.join(data, "secrets", "custody.key")], input=sealed, capture_output=True)
            files.update({"%s-share-%d" % (name, number): done.stdout + b"\n"} if done.returncode == 0 else {})
        for path, content in files.items():
            with open(path, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
                f.write(content)
        print("%s %s, dealt %s:" % (inner["owner"], inner["scope"], time.strftime("%Y-%m-%d", time.gmtime(inner["made_us"] / 1e6))), *files)
    return 0

def main(args):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, options in (("box", {"nargs": "?"}), ("--deal", {}), ("--take", {"metavar": "DATA"}), ("files", {"nargs": "*", "metavar": "FILE"})):
        parser.add_argument(name, **options)
    args = parser.parse_intermixed_args(args)
    if not args.box and not args.take:
        parser.error("which box?")
    try:
        return take(args.take) if args.take else open_box(args)
    except OSError as why:
        return str(why)  # a file, or the program age, is missing
    except sqlite3.Error as why:
        return "%s: %s" % (args.take, why)
    except (ValueError, KeyError, TypeError) as why:
        return "a document is damaged: %s" % why

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
