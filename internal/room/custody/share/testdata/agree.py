"""agree.py SPEC VECTORS < CASE: holds what the program made against custody.py and custody.md."""
import base64, hashlib, json, sys

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
from custody import BASE, L, add, at, decode, equal, identity, parse, times, verify

with open(sys.argv[2]) as f:
    vectors = json.load(f)
for i, text in enumerate(vectors["multiples_of_the_generator"]):
    assert equal(decode(bytes.fromhex(text)), times(i, BASE)), i
for text in vectors["no_points"]:
    try:
        decode(bytes.fromhex(text))
        raise AssertionError(text)
    except ValueError:
        pass

case = json.load(sys.stdin)
encoded = [base64.b64decode(c) for c in case["commitments"]]
points = [decode(c) for c in encoded]
shares = [parse(s) for s in case["shares"]]
assert all(verify(s, points) and case["deal"].startswith(s["deal"]) for s in shares)
assert not verify(dict(shares[0], number=2), points) and not verify(dict(shares[0], value=shares[1]["value"]), points)
secret = at(0, shares[1:4])
assert equal(times(secret, BASE), points[0])
assert identity(secret, case["deal"][:16]) == case["identity"]

# The proof, by custody.md.
def part(b):
    return len(b).to_bytes(8, "big") + b

texts = [b"entrechat/custody-proof/1", case["deal"].encode(), case["holder"].encode(), case["period"].encode(), base64.b64decode(case["head"])]
context = hashlib.sha256(b"".join(map(part, texts))).digest()

def expand(message, dst, length):
    dst += bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + dst).digest()
    block = hashlib.sha512(first + b"\1" + dst).digest()
    assert length <= len(block)
    return block[:length]

def encode(p):
    """RFC 9496, 4.3.2."""
    from custody import D, P, ROOT
    def root(v):  # the non-negative square root of 1/v
        r = pow(v, 3, P) * pow(pow(v, 7, P), (P - 5) // 8, P) % P
        r = r * ROOT % P if v * r * r % P in (P - 1, -ROOT % P) else r
        return P - r if r & 1 else r
    x, y, z, t = p
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    inv = root(u1 * u2 * u2 % P)
    d1, d2 = u1 * inv % P, u2 * inv % P
    zinv = d1 * d2 * t % P
    if t * zinv % P & 1:
        x, y, d = y * ROOT % P, x * ROOT % P, d1 * root((-1 - D) % P) % P
    else:
        d = d2
    y = -y if x * zinv % P & 1 else y
    s = d * (z - y) % P
    return (P - s if s & 1 else s).to_bytes(32, "little")

for i, text in enumerate(vectors["multiples_of_the_generator"]):
    assert encode(times(i, BASE)).hex() == text, i
proof, number = base64.b64decode(case["proof"]), case["number"]
public = (0, 1, 1, 0)
for j, c in enumerate(points):
    public = add(public, times(pow(number, j), c))

def proves(v, r, context):
    message = encode(BASE) + v + encode(public) + (0).to_bytes(4, "big") + (32).to_bytes(4, "big") + context
    c = int.from_bytes(expand(message, context, 64), "little") % L
    return r < L and equal(decode(v), add(times(r, BASE), times(c, public)))

r = int.from_bytes(proof[32:], "little")
assert proves(proof[:32], r, context)
assert not proves(proof[:32], r, hashlib.sha256(context).digest()) and not proves(proof[:32], (r + 1) % L, context)
print("agreed")
