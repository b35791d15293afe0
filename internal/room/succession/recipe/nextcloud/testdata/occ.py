"""What the tests take for Nextcloud's occ: the documented commands, over a folder. It is no Nextcloud.

FOLDER/people.json: {"ana": {"enabled": true}}; FOLDER/data/PERSON/files...; FOLDER/dav/PERSON/calendars/*.ics and
address_books/*.vcf. FOLDER/nothing: an import says that it succeeded, makes the person, and imports nothing.
"""
import json, os, shutil, sys, time, zipfile

root, args = sys.argv[1], [a for a in sys.argv[2:] if a not in ("--no-interaction", "--output=json", "--")]
people_file = os.path.join(root, "people.json")
people = json.load(open(people_file))


def save():
    with open(people_file + ".new", "w") as f:
        json.dump(people, f)
    os.rename(people_file + ".new", people_file)


def data(person):
    return os.path.join(root, "data", person)


def dav(person):
    return os.path.join(root, "dav", person)


def fail(text):
    print(text, file=sys.stderr)
    sys.exit(1)


def add(z, base, name):
    for at, _, files in os.walk(base):
        for f in sorted(files):
            full = os.path.join(at, f)
            z.write(full, os.path.join(name, os.path.relpath(full, base)))


def export(person, folder, types):
    if person not in people:
        fail("Unknown user <%s>" % person)
    if not os.access(folder, os.W_OK):
        fail("The target folder must exist and be writable by the web server user")
    path = os.path.join(folder, "%s_%s.zip" % (person, time.strftime("%Y-%m-%d_%H-%M-%S")))
    with zipfile.ZipFile(path + ".part", "w") as z:
        z.writestr("user.json", json.dumps({"uid": person}))
        z.writestr("versions.json", json.dumps({"core": "1"}))
        z.writestr("migrator_versions.json", json.dumps({t: 1 for t in types}))
        if "files" in types:
            for what in ("files", "files_versions"):
                add(z, os.path.join(data(person), what), "files/" + what)
        if "trashbin" in types:
            add(z, os.path.join(data(person), "files_trashbin/files"), "trashbin/files")
        for what in ("calendars", "contacts"):
            if what[:-1] in types or what in types:
                name = {"calendars": "calendars", "contacts": "address_books"}[what]
                add(z, os.path.join(dav(person), name), "dav/" + name)
    os.rename(path + ".part", path)
    print("Export saved in " + path)


def take(archive):
    with zipfile.ZipFile(archive) as z:
        person = json.loads(z.read("user.json"))["uid"]
        if person in people:
            fail("A user with this uid already exists")
        people[person] = {"enabled": True}
        save()
        if not os.path.exists(os.path.join(root, "nothing")):
            for name in z.namelist():
                for inside, base in (("files/", data(person)), ("trashbin/files/", os.path.join(data(person), "files_trashbin/files")), ("dav/", dav(person))):
                    if name.startswith(inside):
                        to = os.path.join(base, os.path.relpath(name, inside))
                        os.makedirs(os.path.dirname(to), exist_ok=True)
                        with open(to, "wb") as f:
                            f.write(z.read(name))
    print("Successfully imported from " + archive)


all_types = ["account", "calendar", "contacts", "files", "settings", "trashbin"]
command, rest = args[0], args[1:]
if command == "status":
    version = open(os.path.join(root, "version")).read().strip() if os.path.exists(os.path.join(root, "version")) else "31.0.2.1"
    print(json.dumps({"installed": True, "version": version, "maintenance": os.path.exists(os.path.join(root, "maintenance"))}))
elif command == "app:list":
    print(json.dumps({"enabled": {} if os.path.exists(os.path.join(root, "no_app")) else {"user_migration": "10.4.0", "dav": "1.33.0"}, "disabled": {}}))
elif command == "encryption:status":
    print(json.dumps({"enabled": os.path.exists(os.path.join(root, "encrypted"))}))
elif command == "config:list":
    print(json.dumps({"system": {"objectstore": {}} if os.path.exists(os.path.join(root, "object_storage")) else {}}))
elif command == "user:list":
    print(json.dumps({p: p for p in people}))
elif command == "user:info":
    if rest[0] not in people:
        fail("user not found")
    print(json.dumps({"user_id": rest[0], "enabled": people[rest[0]]["enabled"]}))
elif command == "user:export" and "--list" in rest:
    print(json.dumps(all_types))
elif command == "user:export":
    chosen = [r[len("--types="):].split(",") for r in rest if r.startswith("--types=")]
    names = [r for r in rest if not r.startswith("--")]
    export(names[0], names[1], chosen[0] if chosen else all_types)
elif command == "user:import":
    take(rest[0])
elif command == "user:delete":
    if people.pop(rest[0], None) is None:
        fail("User does not exist")
    save()
    shutil.rmtree(data(rest[0]), ignore_errors=True)
    shutil.rmtree(dav(rest[0]), ignore_errors=True)
elif command in ("user:disable", "user:enable"):
    if rest[0] not in people:
        fail("User does not exist")
    people[rest[0]]["enabled"] = command == "user:enable"
    save()
else:
    fail("There are no commands defined: " + command)
