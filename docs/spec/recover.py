#!/usr/bin/env python3
"""Get restic repositories back from members' store files, without entrechat.

    recover.py IDENTITY OUT DIR...

IDENTITY is an age identity file: identity.py makes it of the 24 words; a repository's own opens that one alone. OUT is a
folder, each DIR a member's store or a copy of one. Writes OUT/<backup>/, plain restic repositories as far as the
shards reach (any K of the N shards of an object do), and in each record-*.json, with restic's "password". What
members were told to delete and still keep comes back as well: run `restic repair index` and `restic check` before
you rely on it. Run again, it only writes what is missing. Needs Python 3.8 and `age`. The format is in shard.md.
"""
import base64, concurrent.futures, hashlib, json, os, re, subprocess, sys

MAGIC, MAX_HEAD = b"entrechat-shard/1\n", 16384
NAME, REPO = re.compile(r"[0-9a-f]{64}\Z"), re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")

# GF(2^8) with the polynomial 0x11d (shard.md, "Code").
EXP, LOG, x = [0] * 510, [0] * 256, 1
for i in range(255):
    EXP[i] = EXP[i + 255] = x
    LOG[x] = i
    x = x << 1 ^ (0x11D if x & 0x80 else 0)

def mul(a, b):
    return EXP[LOG[a] + LOG[b]] if a and b else 0

TIMES = [bytes(mul(c, b) for b in range(256)) for c in range(256)]  # for bytes.translate

def invert(m):
    n = len(m)
    m = [row + [int(i == j) for j in range(n)] for i, row in enumerate(m)]
    for c in range(n):
        p = next(r for r in range(c, n) if m[r][c])
        m[c], m[p] = m[p], m[c]
        m[c] = [mul(EXP[255 - LOG[m[c][c]]], v) for v in m[c]]
        for r in range(n):
            if r != c:
                m[r] = [v ^ mul(m[r][c], w) for v, w in zip(m[r], m[c])]
    return [row[n:] for row in m]

def product(a, b):
    out = [[0] * len(b[0]) for _ in a]
    for r, row in enumerate(a):
        for i, v in enumerate(row):
            out[r] = [o ^ mul(v, w) for o, w in zip(out[r], b[i])]
    return out

def matrix(k, n):
    v = [[1 if c == 0 else EXP[LOG[r] * c % 255] if r else 0 for c in range(k)] for r in range(n)]
    return product(v, invert(v[:k]))

def decode(k, n, shards):
    """The k data shards from exactly k of {index: bytes}."""
    used = sorted(shards)
    rows, length, out = matrix(k, n), len(shards[used[0]]), []
    solve = invert([rows[i] for i in used])
    for j in range(k):
        total = 0
        for factor, i in zip(solve[j], used) if j not in shards else ():
            total ^= int.from_bytes(shards[i].translate(TIMES[factor]), "little")
        out.append(shards.get(j) or total.to_bytes(length, "little"))
    return out

def read_head(path):
    """The header of a shard file and where its data begins; None when it is not one."""
    with open(path, "rb") as f:
        magic, line, sig = f.readline(MAX_HEAD), f.readline(MAX_HEAD), f.readline(MAX_HEAD)
    try:
        h = json.loads(line)
        ok = magic == MAGIC and sig.startswith(b"sig ") and h["v"] == 1 and isinstance(h["label"], str)
        ok = ok and 1 <= h["k"] <= h["n"] <= 64 and 0 <= h["index"] < h["n"] and NAME.match(h["object"])
        ok = ok and h["length"] == -(-h["sealed"] // h["k"])
        return (h, len(magic + line + sig)) if ok else None
    except (ValueError, KeyError, TypeError):
        return None

def collect(dirs):
    """{(object, k, n, sealed): [(index, path, offset, header)]} of all shard files."""
    found = {}
    for where, _, names in (step for folder in dirs for step in os.walk(folder)):
        for path in (os.path.join(where, name) for name in names):
            h, at = read_head(path) or (None, 0)
            if h:
                found.setdefault((h["object"], h["k"], h["n"], h["sealed"]), []).append((h["index"], path, at, h))
    return found

def join(k, n, sealed, files):
    """The sealed object from k sound shards, data shards first; None with fewer."""
    shards = {}
    for index, path, at, h in sorted(files, key=lambda f: f[0]):
        with open(path, "rb") as f:
            f.seek(at)
            data = f.read()
        if len(data) == h["length"] and hashlib.sha256(data).hexdigest() == h["sha256"]:
            shards[index] = data
        if len(shards) == k:
            return b"".join(decode(k, n, shards))[:sealed]
    return None

def age(identity, data):
    done = subprocess.run(["age", "-d", "-i", identity], input=data, capture_output=True)
    return done.stdout if done.returncode == 0 else None

def target(identity, out, files):
    """Where restic's local layout has the file, by the first label that opens, and the file's SHA-256."""
    for text in dict.fromkeys(h["label"] for _, _, _, h in files):
        try:
            label = json.loads(age(identity, base64.b64decode(text, validate=True)) or b"")
            repo, kind, name = label["repo"], label["type"], label["name"]
            if REPO.match(repo) and kind == "config":
                return os.path.join(out, repo, "config"), None
            if REPO.match(repo) and NAME.match(name) and kind == "repo":
                return os.path.join(out, repo, "record-" + name[:8] + ".json"), name
            if REPO.match(repo) and NAME.match(name) and kind in ("keys", "index", "snapshots", "data"):
                return os.path.join(out, repo, kind, name[:2] if kind == "data" else "", name), name
        except (ValueError, KeyError, TypeError):
            pass
    return None, None  # another owner's, or not restic's

def recover(identity, out, key, files):
    """Write one object. Gives its path and what went wrong."""
    path, name = target(identity, out, files)
    if not path or os.path.exists(path):
        return path, None
    sealed = join(*key[1:], files)
    if sealed is None:
        return path, "fewer than %d sound shards among %d files" % (key[1], len(files))
    plain = age(identity, sealed)
    if plain is None or name and hashlib.sha256(plain).hexdigest() != name:
        return path, "object %s is not that file; if a member altered a shard, leave out one DIR after another" % key[0]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + "." + key[0][:16], "wb") as f:
        f.write(plain)
    os.replace(f.name, path)
    return path, None

def main(identity, out, *dirs):
    found = collect(dirs)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda item: recover(identity, out, *item), found.items()))
    lost = {path: why for path, why in results if why and not os.path.exists(path)}
    for repo in os.listdir(out) if os.path.isdir(out) else []:
        for folder in ("data", "index", "keys", "locks", "snapshots"):
            os.makedirs(os.path.join(out, repo, folder), exist_ok=True)
    print("%d objects, %d files, %d lost" % (len(found), len({p for p, _ in results if p}) - len(lost), len(lost)))
    sys.stderr.writelines("lost: %s: %s\n" % item for item in sorted(lost.items()))
    return 1 if lost else 0

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 3 else __doc__)
