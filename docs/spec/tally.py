#!/usr/bin/env python3
"""Count what a collective decided, without entrechat.

    tally.py LOGBOOKS PROPOSAL [EARLIER...]
    tally.py --self-test

LOGBOOKS is a folder with a file MEMBER.jsonl for each member of the electorate. Each of its lines is an entry of the
member's logbook: {"index":N,"leaf":TEXT}, TEXT being the JSON of the leaf and N its place in the whole history, from 0.
PROPOSAL and EARLIER are the versions of one proposal, a file each with the bytes that were signed; the newest is
counted. Writes the text of the tally and its hash, which every node must come to as well: decision.md says the rules.
Whether logbooks and proposals are genuine is not looked at here. Needs Python 3.8.
"""
import base64, hashlib, json, pathlib, re, sys

STANCES = ("agree", "concern", "aside", "object")
MEMBER = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::[1-9][0-9]{0,4})?")
TYP = re.compile(r"entrechat/[a-z][a-z-]{0,40}/[1-9][0-9]{0,3}")

def sha(data):
    return hashlib.sha256(data if isinstance(data, bytes) else data.encode()).hexdigest()

def is_hash(text):
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None

def strict(text):
    """The value of a JSON text (bytes) that keeps to the profile of documents.md; else None.

    >>> strict(b'{"a":[1,-2]}'), strict(b'{"a":1,"a":1}'), strict(b'1.0'), strict(b'-0'), strict(b'9007199254740992'), strict(b'"\\\\ud800"')
    ({'a': [1, -2]}, None, None, None, None, None)
    """
    def refuse(number):
        raise ValueError(number)
    def whole(number):
        if number == "-0" or abs(int(number)) > 2**53 - 1:
            raise ValueError(number)
        return int(number)
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)
    def depth(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)
    try:
        value = json.loads(text.decode(), object_pairs_hook=once, parse_int=whole, parse_float=refuse, parse_constant=refuse)
        json.dumps(value, ensure_ascii=False).encode()  # fails for half a sign
        return value if depth(value) <= 16 else None
    except (ValueError, RecursionError):
        return None

def unbase64(text):
    """The bytes of standard base64, None where it is written otherwise.

    >>> unbase64("YWI="), unbase64("YWJ="), unbase64("YWI"), unbase64(5)
    (b'ab', None, None, None)
    """
    try:
        data = base64.b64decode(text, validate=True)
        return data if base64.b64encode(data).decode() == text else None
    except (ValueError, TypeError):
        return None

class Entry:
    def __init__(self, member, index, typ, iat, body):
        self.member, self.index, self.iat, self.body = member, index, iat, body
        self.typ = typ[len("entrechat/"):-2] if typ.endswith("/1") else ""

    def read(self, **members):
        """The body, when it has no other members than these and each has its type or is left out; else {}."""
        if not isinstance(self.body, dict) or set(self.body) - set(members):
            return {}
        body = {name: value for name, value in self.body.items() if value is not None}
        return body if all(type(value) is members[name] for name, value in body.items()) else {}

def leaf(member, index, text):
    """The entry that a leaf holds; None where it is no entry of this member."""
    e = strict(text)
    if not isinstance(e, dict) or set(e) - {"typ", "iss", "iat", "exp", "aud", "body"} or len(text) > 16384:
        return None
    iat, exp, aud = e.get("iat"), e.get("exp") or 0, e.get("aud") or []
    if type(iat) is not int or type(exp) is not int or iat <= 0 or exp < 0 or 0 < exp <= iat or "body" not in e:
        return None
    if not isinstance(aud, list) or len(aud) > 64 or not all(isinstance(a, str) and MEMBER.fullmatch(a) and ".." not in a for a in aud):
        return None
    typ = e.get("typ")
    return Entry(member, index, typ, iat, e["body"]) if e.get("iss") == member and isinstance(typ, str) and TYP.fullmatch(typ) else None

def quorum(n):
    """The smallest whole q with 4q² ≥ 9n, but n where that is less.

    >>> [quorum(n) for n in (0, 1, 2, 3, 4, 5, 26, 100, 500)]
    [0, 1, 2, 3, 3, 4, 8, 15, 34]
    """
    return next(q for q in range(n + 1) if 4 * q * q >= 9 * n or q == n)

class Version:
    """A version of the proposal, and who has seen what of it."""
    def __init__(self, payload):
        p = json.loads(payload)
        self.id, self.by, self.kind, self.number, self.fallback = sha(payload), p["by"], p["kind"], p["version"], p["fallback"]
        self.options = len(p["options"])
        self.members = [m["member"] for m in p["electorate"]]
        self.ordinal = {member: i for i, member in enumerate(self.members)}
        self.awake = [m["member"] for m in p["electorate"] if not m["sleeping"]]
        self.opened, self.grace = p["opened_us"], p["grace_us"]
        self.ends = {"talk": p["talk_until_us"], "commit": p["commit_until_us"], "reveal": p["reveal_until_us"]}
        self.due = self.ends["reveal"] + self.grace
        self.phases = ("talk",) if self.kind == "lazy" else ("commit", "reveal")
        day, talk, commit, reveal = 86400 * 10**6, *self.ends.values()
        self.hurried = self.kind != "lazy" and (
            (self.number == 1 and talk - self.opened < 7 * day) or commit - talk < 7 * day or reveal - commit < 3 * day or self.grace < day / 4)
        self.need = max(0, min(2, len(self.members) - 1))
        self.seen = set()  # (phase, ordinal, index, who saw it)

    def see(self, e, due):
        body = e.read(proposal=str, phase=str, seen=list)
        phase, pairs = body.get("phase"), body.get("seen", [])
        if body.get("proposal") != self.id or phase not in self.phases or e.member not in self.ordinal:
            return
        if self.opened <= e.iat <= min(self.ends[phase] + self.grace, due) and \
                all(isinstance(p, list) and [type(n) for n in p] == [int, int] for p in pairs):
            self.seen.update((phase, o, i, e.member) for o, i in pairs if o != self.ordinal[e.member])

    def in_time(self, e, phase):
        if e.member not in self.ordinal or not self.opened <= e.iat <= self.ends[phase]:
            return False
        return sum((phase, self.ordinal[e.member], e.index, other) in self.seen for other in self.members) >= self.need

def median(grades):
    return sorted(grades)[(len(grades) - 1) // 2]

def judgment(grades):
    """What majority judgment compares: the medians, each time with one median grade less.

    >>> judgment([5, 1, 3]), judgment([4, 2, 2, 5])
    ([3, 1, 5], [2, 4, 2, 5])
    """
    grades, medians = list(grades), []
    while grades:
        medians.append(median(grades))
        grades.remove(medians[-1])
    return medians

def ballot(q, member, mine, objected):
    """Status, choice and nonce of a member: steps 2 to 4 of the tally."""
    commit = None
    for e in mine:
        body = e.read(proposal=str, commit=str, sealed=str) if e.typ == "ballot" else {}
        sealed = unbase64(body.get("sealed", ""))
        if body.get("proposal") == q.id and is_hash(body.get("commit")) and sealed is not None and len(sealed) <= 2048 and q.in_time(e, "commit"):
            commit = body["commit"]
    if commit is None or q.kind == "lazy":
        return "none", None, None
    for e in mine:
        body = e.read(proposal=str, opening=str) if e.typ == "ballot-open" else {}
        data = unbase64(body.get("opening", "")) or b""
        if body.get("proposal") == q.id and q.in_time(e, "reveal") and sha(b"entrechat/ballot/1\n" + data) == commit:
            o = strict(data)
            if not isinstance(o, dict) or set(o) - {"proposal", "member", "nonce", "choice"} or not is_hash(o.get("nonce")):
                break
            if o.get("proposal") != q.id or o.get("member") != member:
                break
            choice = holds(q, o.get("choice"), objected)
            return ("bad", None, None) if choice is None else ("open", choice, o["nonce"])
    return "unopened", None, None

def holds(q, choice, objected):
    """The stance, or the grades, of a choice that fits the question; else None."""
    if not isinstance(choice, dict) or set(choice) - {"stance", "objection", "grades"}:
        return None
    stance, objection, grades = (choice.get(name) for name in ("stance", "objection", "grades"))
    if q.kind == "consent":
        fits = stance in STANCES and grades is None and (objection in objected if stance == "object" else objection is None)
        return stance if fits else None
    fits = stance is None and objection is None and isinstance(grades, list) and len(grades) == q.options > 0
    return grades if fits and all(type(g) is int and 0 <= g <= 5 for g in grades) else None

def stands(words):
    """Whether one of a member's objections was not lifted; words are (index, type, document), by index."""
    return any(typ == "objection" and not any(t == "objection-lifted" and d == doc and i > index for i, t, d in words) for index, typ, doc in words)

def count(payloads, entries):
    """The text of the tally. payloads are the versions as bytes, entries a list of Entry of all members."""
    chain = sorted(map(Version, payloads), key=lambda v: v.number)
    q, versions = chain[-1], {v.id: v for v in chain}
    word_phase = "talk" if q.kind == "lazy" else "commit"
    entries = sorted(entries, key=lambda e: (e.member, e.index))
    for e in entries:
        if e.typ == "seen":
            for v in chain:
                v.see(e, q.due)
    proofs, words, replaced = set(), {m: [] for m in q.members}, False
    for e in entries:
        if e.member not in q.ordinal or e.iat > q.due:
            continue
        if e.typ == "fork" and e.iat >= q.opened and isinstance(e.body, dict) and e.body.get("origin") != e.member:
            proofs.add((str(e.body.get("origin")), e.member))
        if e.typ in ("objection", "objection-lifted"):
            body = e.read(proposal=str, doc=str)
            v = versions.get(body.get("proposal"))
            if v and is_hash(body.get("doc")) and v.in_time(e, word_phase):
                words[e.member].append((e.index, e.typ, body["doc"]))
        if e.typ == "proposal" and e.member == q.by and e.read(proposal=str, charter=str, replaces=str).get("replaces") == q.id:
            replaced = replaced or q.in_time(e, word_phase)

    lines = []  # (member, status, choice, nonce)
    for m in q.members:
        if sum(about == m for about, _ in proofs) >= max(1, q.need):
            lines.append((m, "void", None, None))
            continue
        objected = [doc for _, typ, doc in words[m] if typ == "objection"]
        lines.append((m, *ballot(q, m, [e for e in entries if e.member == m], objected)))
    n, turnout = len(q.awake), sum(status in ("unopened", "bad", "open") for _, status, _, _ in lines)
    wanted = 0 if q.kind in ("lazy", "poll") else n if q.hurried else quorum(n)
    standing = sorted(m for m, status, choice, _ in lines if status != "void" and choice not in STANCES[:3] and stands(words[m]))
    choices = [choice for _, _, choice, _ in lines if choice is not None]

    head = f"entrechat/tally/1\nproposal {q.id}\nkind {q.kind}{' fallback' if q.fallback else ''}\nn {n} quorum {wanted} turnout {turnout}\n"
    said = lambda choice: choice if isinstance(choice, str) else ",".join(map(str, choice))
    rows = [f"{m} {status}\n" if choice is None else f"{m} open {said(choice)}\n" for m, status, choice, _ in lines]
    nonces = [f"nonce {nonce}\n" if nonce else "" for _, _, _, nonce in lines]
    stood = "".join(f"standing {m}\n" for m in standing)
    lot_hash = sha(head + "".join(row + nonce for row, nonce in zip(rows, nonces)) + stood)
    lot = lambda name: sha(f"entrechat/lot/1\n{lot_hash}\n{name}")

    order = []
    if q.kind in ("choice", "poll") and choices:
        order = sorted(range(q.options), key=lambda o: ([-g for g in judgment([c[o] for c in choices])], lot(f"option {o}")))
    yes, no = sum(c in ("agree", "concern") for c in choices), choices.count("object")
    objecting = {m for m, _, choice, _ in lines if choice == "object"} | set(standing)
    if replaced:
        result = "replaced"
    elif turnout < wanted:
        result = "no_quorum"
    elif q.kind == "lazy":
        result = "objected" if standing else "passed"
    elif q.kind == "consent" and q.fallback:
        result = "passed" if yes and 4 * yes >= 3 * (yes + no) else "failed"
    elif q.kind == "consent":
        result = "blocked" if standing else "passed" if yes else "nobody"
    elif not order:
        result = "nobody"
    elif q.kind == "poll":
        result = "advice"
    else:
        result = "chosen" if median([c[order[0]] for c in choices]) else "rejected"
    free = sorted(objecting) if q.kind == "consent" and q.fallback and result == "passed" else []
    tail = "".join(f"free {m}\n" for m in free) + f"result {result}\n"
    text = head + "".join(rows) + stood + (f"order {' '.join(map(str, order))}\n" if order else "") + tail
    drawn = [m for m, status, _, _ in lines if status != "void" and m in q.awake and m != q.by and m not in objecting]
    facilitator = min(drawn, key=lot) if drawn and result == "blocked" and q.number == 3 else ""
    return text, facilitator

def main(args):
    if args == ["--self-test"]:
        import doctest
        failed, tried = doctest.testmod()
        print(f"{tried - failed} of {tried} hold")
        return 1 if failed else 0
    if len(args) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    entries = []
    for path in sorted(pathlib.Path(args[0]).glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            entries.append(leaf(path.name[:-6], row["index"], row["leaf"].encode()))
    text, facilitator = count([pathlib.Path(name).read_bytes() for name in args[1:]], [e for e in entries if e])
    print(text + f"\ntally hash {sha(text)}" + (f"\nfacilitator {facilitator}" if facilitator else ""))
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
