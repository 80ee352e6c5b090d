"""Makes the zip files beside it: python3 make.py. Needs zip 3.0 and 7z; README.md says what stands for which program."""
import os, shutil, struct, subprocess, tempfile, zipfile, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SITE = {
    "index.html": b"<!doctype html><title>hello</title>\n",
    "css/site.css": b"body { color: #333 }\n" * 20,
    "downloads/source.zip": b"PK\x05\x06" + bytes(18),  # the site's own: an empty zip file
    "gr\u00fc\u00dfe/caf\u00e9.html": b"<p>gr\xc3\xbc\xc3\x9fe</p>\n",
}


def out(name):
    path = os.path.join(HERE, name + ".zip")
    if os.path.exists(path):
        os.remove(path)
    return path


def tools(tmp):
    site = os.path.join(tmp, "hello")
    for name, body in SITE.items():
        path = os.path.join(site, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(body)
        os.chmod(path, 0o644)
    for folder, _, files in os.walk(tmp):
        for path in [folder] + [os.path.join(folder, f) for f in files]:
            os.utime(path, (1700000000, 1700000000))
    run = lambda cwd, *args: subprocess.run(args, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    run(site, "zip", "-qr", out("zip"), ".")
    run(tmp, "zip", "-qr", out("zip-folder"), "hello")
    run(site, "zip", "-qr", "-fz", out("zip64"), ".")
    with open(out("zip-piped"), "wb") as f:  # written to a pipe, so that sizes follow the content
        f.write(subprocess.run(["sh", "-c", "zip -qr - . | cat"], cwd=site, check=True, stdout=subprocess.PIPE).stdout)
    run(site, "zip", "-qr", "-P", "secret", out("encrypted"), ".")
    run(site, "7z", "a", "-tzip", "-bso0", out("7z"), ".")
    run(site, "7z", "a", "-tzip", "-mm=LZMA", "-bso0", out("7z-lzma"), ".")
    run(tmp, "7z", "a", "-tzip", "-bso0", out("7z-folder"), "hello")
    shutil.make_archive(os.path.join(HERE, "python-shutil"), "zip", site)
    with zipfile.ZipFile(out("python-zipfile"), "w", zipfile.ZIP_DEFLATED) as z:
        for name in SITE:
            z.write(os.path.join(site, name), name)


class Writer:
    """Writes a zip file header by header, as other programs do."""

    def __init__(self, made, needed=20, flags=0, date=(0x6E2C, 0x5769), descriptor=False):
        self.made, self.needed, self.flags, self.date, self.descriptor = made, needed, flags, date, descriptor
        self.body, self.directory, self.count = b"", b"", 0

    def add(self, name, content, attributes=0, local=b"", central=b"", store=False):
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = content if store or not content else deflate.compress(content) + deflate.flush()
        method, crc, offset = (0 if packed is content else 8), zlib.crc32(content), len(self.body)
        streamed = self.descriptor and method == 8
        flags = self.flags | (8 if streamed else 0)
        sizes = struct.pack("<III", crc, len(packed), len(content))
        common = lambda known, extra: struct.pack("<HHHHH", self.needed, flags, method, self.date[0], self.date[1]) + known + struct.pack("<HH", len(name), len(extra))
        self.body += b"PK\x03\x04" + common(bytes(12) if streamed else sizes, local) + name + local + packed
        if streamed:
            self.body += b"PK\x07\x08" + sizes
        self.directory += b"PK\x01\x02" + struct.pack("<H", self.made) + common(sizes, central) + struct.pack("<HHHII", 0, 0, 0, attributes, offset) + name + central
        self.count += 1

    def write(self, name):
        end = struct.pack("<HHHHIIH", 0, 0, self.count, self.count, len(self.directory), len(self.body), 0)
        with open(out(name), "wb") as f:
            f.write(self.body + self.directory + b"PK\x05\x06" + end)


def macos():
    """Archive Utility and ditto -c -k --sequesterRsrc --keepParent: made by 3.0 on Unix 2.1, sizes after the content of what is
    compressed, times and owner in "UX" (0x5855) fields, names in UTF-8 without the flag, __MACOSX beside the folder."""
    w = Writer(made=0x0315, descriptor=True)
    times = struct.pack("<II", 1700000000, 1700000000)
    local, central = struct.pack("<HH", 0x5855, 12) + times + struct.pack("<HH", 501, 20), struct.pack("<HH", 0x5855, 8) + times
    fork = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(2)
    put = lambda name, content, mode: w.add(name.encode(), content, mode << 16, local, central)
    put("hello/", b"", 0o40755)
    put("hello/.DS_Store", b"\x00\x00\x00\x01Bud1" + bytes(40), 0o100644)
    put("__MACOSX/", b"", 0o40755)
    put("__MACOSX/hello/", b"", 0o40755)
    put("__MACOSX/hello/._.DS_Store", fork, 0o100644)
    for folder in sorted({os.path.dirname(n) for n in SITE if "/" in n}):
        put("hello/" + folder + "/", b"", 0o40755)
    for name, content in SITE.items():
        put("hello/" + name, content, 0o100644)
        head, tail = os.path.split("hello/" + name)
        put("__MACOSX/" + head + "/._" + tail, fork, 0o100644)
    w.write("macos-archive-utility")


def windows():
    """Explorer: made by 2.0 on FAT, no folder entries of its own for what has files, the archive attribute, names in the
    machine's code page (850 and 437 have these letters at the same place)."""
    w = Writer(made=0x0014)
    for name, content in SITE.items():
        w.add(("hello/" + name).encode("cp850"), content, 0x20)
    w.write("windows-explorer")
    w = Writer(made=0x0014, flags=0x800)
    for name, content in SITE.items():
        w.add(("hello/" + name).encode(), content, 0x20)
    w.write("windows-explorer-utf8")
    # Compress-Archive of PowerShell 5 with .NET before 4.6.1: backslashes, also at the end of empty folders.
    w = Writer(made=0x0014)
    for name, content in SITE.items():
        raw = name.replace("/", "\\")
        w.flags = 0 if raw.isascii() else 0x800
        w.add(raw.encode(), content)
    w.flags = 0
    w.add(b"empty\\", b"", store=True)
    w.write("windows-powershell5")
    # A name in Japanese from a machine with code page 932: which letters are meant cannot be told.
    w = Writer(made=0x0014)
    w.add(b"index.html", SITE["index.html"], 0x20)
    w.add("\u65e5\u672c.html".encode("cp932"), b"x", 0x20)
    w.write("windows-explorer-cp932")


def info_zip_names():
    """A name in a code page, with its UTF-8 form in a Unicode path field (0x7075), as Info-ZIP for Windows writes it."""
    w = Writer(made=0x0B14)
    for name, content in SITE.items():
        raw = name.encode("cp437")
        field = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
        extra = b"" if name.isascii() else struct.pack("<HH", 0x7075, len(field)) + field
        w.add(raw, content, 0x20, extra, extra)
    w.write("unicode-path-field")


def bomb():
    """42 MB of zeros in 42 kB, nine times over: each entry's content is the same bytes (overlapping entries)."""
    w = Writer(made=0x031E)
    w.add(b"index.html", SITE["index.html"], 0o100644 << 16)
    w.add(b"zeros-0", bytes(42 << 20), 0o100644 << 16)
    at = w.directory.rindex(b"PK\x01\x02")
    for i in range(1, 9):
        w.directory += w.directory[at:].split(b"PK\x01\x02")[1].join([b"PK\x01\x02", b""]).replace(b"zeros-0", b"zeros-%d" % i)
        w.count += 1
    w.write("bomb")


with tempfile.TemporaryDirectory() as tmp:
    tools(tmp)
macos()
windows()
info_zip_names()
bomb()
