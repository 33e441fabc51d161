# One session of Python's imaplib that does what IMAP4rev1 and the extensions it knows offer; each answer is checked.
# usage: imaplib-session.py PORT USER PASSWORD plain|STARTTLS|TLS CERTIFICATE
# Says "idle" when it waits for a message that is delivered to INBOX from outside.
import imaplib, re, ssl, sys, time

port, user, password, encryption, certificate = sys.argv[1:]
imaplib.Debug = 0
trust = ssl.create_default_context(cafile=certificate)


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def words(answer):
    return ok(answer)[0].split()


if encryption == "TLS":
    c = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=trust)
else:
    c = imaplib.IMAP4("localhost", int(port))
if encryption == "STARTTLS":
    ok(c.starttls(ssl_context=trust))
ok(c.login(user, password))

# Names.
(space,) = ok(c.namespace())
assert re.match(rb'\(\("" "/"\)\)|\(\("" "\."\)\)', space), space
ok(c.create("Archive"))
ok(c.subscribe("Archive"))
assert any(b"Archive" in line for line in ok(c.list())), c.list()
assert any(b"Archive" in line for line in ok(c.lsub()))
ok(c.create("Entw&APw-rfe"))
ok(c.rename("Entw&APw-rfe", "Old"))
ok(c.delete("Old"))
assert c.select("Old")[0] == "NO"
assert b"MESSAGES 3" in ok(c.status("INBOX", "(MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)"))[0]

# A mailbox read only, then to be changed.
assert ok(c.select("INBOX", readonly=True)) == [b"3"]
c.store("1", "+FLAGS", "\\Seen")
assert b"\\Seen" not in ok(c.fetch("1", "(FLAGS)"))[0]
assert ok(c.select("INBOX")) == [b"3"]
validity = c.response("UIDVALIDITY")[1][0]
assert int(validity) > 0

# Messages.
(first,) = words(c.search(None, "SUBJECT", '"one"'))
(second,) = words(c.search(None, "BODY", '"of two"'))
c.literal = "\u00e9t\u00e9".encode()
(third,) = words(c.search("UTF-8", "TEXT"))
assert {first, second, third} == {b"1", b"2", b"3"}
assert words(c.sort("(SUBJECT)", "UTF-8", "ALL")) == [first, third, second]
assert ok(c.thread("REFERENCES", "UTF-8", "ALL"))[0].count(b"(") == 3
data = ok(c.fetch(first, "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE BODY.PEEK[])"))
whole = data[0][1]
assert whole.startswith(b"Date: ") and b"\r\nSubject: one\r\n" in whole, whole
assert whole.count(b"\n") == whole.count(b"\r\n")
assert b"RFC822.SIZE %d " % len(whole) in data[0][0] + data[1], data
assert b"\\Seen" not in data[0][0]
assert ok(c.fetch(second, "(BODY[HEADER.FIELDS (SUBJECT)] BODY[TEXT]<0.4>)"))[1][1] == b"text"
assert b"\\Seen" in ok(c.fetch(second, "(FLAGS)"))[0]
assert imaplib.Internaldate2tuple(ok(c.fetch(first, "INTERNALDATE"))[0])

# Flags.
assert b"\\Flagged" in ok(c.store(first, "+FLAGS", "(\\Flagged $Work)"))[0]
assert words(c.search(None, "KEYWORD", "$Work", "FLAGGED")) == [first]
ok(c.store(second, "-FLAGS.SILENT", "(\\Seen)"))
assert words(c.search(None, "UNSEEN")) == [b"1", b"2", b"3"]

# Append, copy and move.
when = '"17-Jul-1996 02:44:25 -0700"'
letter = b"From: me@example.test\r\nSubject: appended\r\n\r\nby imaplib\r\n"
answer = ok(c.append("INBOX", "(\\Seen \\Draft)", when, letter))[0]
uid = re.search(rb"APPENDUID %s (\d+)" % validity, answer).group(1)
ok(c.noop())
assert c.response("EXISTS")[1][-1] == b"4"
(mine,) = ok(c.uid("FETCH", uid, "(FLAGS INTERNALDATE BODY.PEEK[TEXT])"))[:1]
assert b"\\Draft" in mine[0] and b"17-Jul-1996 09:44:25 +0000" in mine[0] or b"-0700" in mine[0], mine
assert mine[1] == b"by imaplib\r\n", mine
copied = ok(c.copy(first, "Archive"))[0]
assert b"COPYUID" in copied, copied
(place,) = words(c.uid("SEARCH", "SUBJECT", "two"))
ok(c.uid("MOVE", place, "Archive"))
assert c.copy(first, "Nowhere")[0] == "NO"

# A message that comes while it waits.
c.send(b"X1 IDLE\r\n")
while not c.readline().startswith(b"+"):
    pass
print("idle", flush=True)
while not re.match(rb"\* 4 EXISTS\r\n", c.readline()):
    pass
c.send(b"DONE\r\n")
while not c.readline().startswith(b"X1 OK"):
    pass

# An end.
(gone,) = words(c.search(None, "SUBJECT", "appended"))
ok(c.store(gone, "+FLAGS.SILENT", "\\Deleted"))
assert ok(c.expunge())[-1] == gone
assert len(words(c.search(None, "ALL"))) == 3
ok(c.close())
assert ok(c.select("Archive")) == [b"2"]
assert b"$Work" in ok(c.fetch("1", "(FLAGS)"))[0]
ok(c.unsubscribe("Archive"))
assert not any(b"Archive" in (line or b"") for line in ok(c.lsub()))
assert c.logout()[0] == "BYE"
