# Calls between two processes that do not trust each other: the checker, which runs the tests, and the candidate,
# which runs the model's program. Each message is four bytes of length, little-endian, and JSON. Nothing that arrives
# is executed: a plain value (numbers, text, the standard containers) is rebuilt, and an object of any other type
# stays where it is and is named by a number.
#
# Containers that can change travel as a table, so that sharing, cycles and identity survive. The reply carries the
# table of the request again: what the callee changed in place is changed in place at the caller's.
import builtins
import collections
import json
import os
import select
import sys
import time

MAX_MESSAGE_BYTES = 64 << 20
LONG_BITS = 4096
LONGEST_PAUSE_S = 5  # within one message
SCALARS = frozenset((type(None), bool, int, float, str))
CHANGEABLE = (list, dict, set, bytearray, collections.deque, collections.OrderedDict, collections.Counter,
              collections.defaultdict)
# Immutable values of the standard library: how to take them apart; the type puts them together again.
LIBRARY = {
    ("decimal", "Decimal"): lambda v: [str(v)],
    ("fractions", "Fraction"): lambda v: [v.numerator, v.denominator],
    ("datetime", "date"): lambda v: [v.year, v.month, v.day],
    ("datetime", "timedelta"): lambda v: [v.days, v.seconds, v.microseconds],
    ("datetime", "datetime"): lambda v: [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond],
}


class Unsendable(BaseException):
    """A value that may not leave this process. Not an Exception, so that no test swallows it."""


class BrokenMessage(Exception):
    """What arrived is not what this file writes."""


class PeerGone(BaseException):
    """The other process ended, fell silent or talks nonsense. Not an Exception, so that no test swallows it."""

    def __init__(self, outcome, message):
        super().__init__(message)
        self.outcome = outcome


def is_long(v):
    """A whole number that decimal digits take too long for: hexadecimal ones are made in one pass."""
    return type(v) is int and v.bit_length() > LONG_BITS


class Encoder:
    """Turns values into JSON; `objects` are containers that the other side knows already, by their place."""

    def __init__(self, peer, objects=()):
        self.peer = peer
        self.objects = list(objects)
        self.places = {id(o): i for i, o in enumerate(self.objects)}

    def encode(self, value):
        encoded = self.value(value)
        return encoded, [self.contents(o) for o in self.objects]  # the list grows while it is walked

    def values(self, items):
        items = list(items)
        kinds = set(map(type, items))
        if kinds <= SCALARS and not (int in kinds and any(map(is_long, items))):
            return items
        return [self.value(v) for v in items]

    def pairs(self, items):
        return [[self.value(k), self.value(v)] for k, v in items]

    def contents(self, o):
        kind = type(o)
        if kind is list:
            return ["list", self.values(o)]
        if kind is dict:
            return ["dict", self.pairs(o.items())]
        if kind is set:
            return ["set", self.values(o)]
        if kind is bytearray:
            return ["bytearray", o.hex()]
        if kind is collections.deque:
            return ["deque", self.values(o), o.maxlen]
        if kind is collections.defaultdict:
            return ["defaultdict", self.pairs(o.items()), self.value(o.default_factory)]
        return [kind.__name__, self.pairs(o.items())]  # OrderedDict and Counter

    def value(self, v):
        kind = type(v)
        if kind in SCALARS:
            return ["int", hex(v)] if is_long(v) else v
        if kind in CHANGEABLE:
            if id(v) not in self.places:
                self.places[id(v)] = len(self.objects)
                self.objects.append(v)
            return ["place", self.places[id(v)]]
        if kind is tuple:
            return ["tuple", self.values(v)]
        if kind is frozenset:
            return ["frozenset", self.values(v)]
        if kind is bytes:
            return ["bytes", v.hex()]
        if kind is complex:
            return ["complex", v.real, v.imag]
        if kind is range:
            return ["range", v.start, v.stop, v.step]
        if v is Ellipsis:
            return ["ellipsis"]
        if kind is type and getattr(builtins, v.__name__, None) is v:
            return ["type", v.__name__]
        apart = LIBRARY.get((kind.__module__, kind.__name__))
        if apart is not None and getattr(v, "tzinfo", None) is None:
            return ["library", kind.__module__, kind.__name__, apart(v)]
        if kind is Digest:
            return ["digest", v.kind, v.length, v.digest]
        if kind is Remote:
            return ["yours", object.__getattribute__(v, "_number")]
        return self.other(v)

    def other(self, v):
        plain = self.peer.plain(v)
        return ["mine", self.peer.export(v)] if plain is v else self.value(plain)


class Decoder:
    """Rebuilds values. `objects` are this side's containers with the first places: they are changed in place."""

    def __init__(self, peer, table, objects=()):
        self.peer = peer
        self.objects = list(objects)
        for entry in table[len(self.objects):]:
            self.objects.append(self.empty(entry))
        for o, entry in zip(self.objects, table):
            self.fill(o, entry)

    def empty(self, entry):
        for kind in CHANGEABLE:
            if kind.__name__ == entry[0]:
                return kind(maxlen=entry[2]) if kind is collections.deque else kind()
        raise BrokenMessage("container " + repr(entry[0])[:60])

    def fill(self, o, entry):
        kind = type(o)
        if kind.__name__ != entry[0]:
            raise BrokenMessage("a container changed its type")
        if kind is list:
            o[:] = self.values(entry[1])
        elif kind is bytearray:
            o[:] = bytes.fromhex(entry[1])
        elif kind is set or kind is collections.deque:
            items = self.values(entry[1])
            o.clear()
            (o.update if kind is set else o.extend)(items)
        else:
            items = [(self.value(k), self.value(v)) for k, v in entry[1]]
            o.clear()
            for k, v in items:
                o[k] = v
            if kind is collections.defaultdict:
                o.default_factory = self.value(entry[2])

    def values(self, items):
        if list not in set(map(type, items)):
            return items
        return [self.value(e) for e in items]

    def value(self, e):
        if type(e) in SCALARS:
            return e
        tag = e[0]
        if tag == "place":
            return self.objects[e[1]]
        if tag == "int":
            return int(e[1], 16)
        if tag == "tuple":
            return tuple(self.values(e[1]))
        if tag == "frozenset":
            return frozenset(self.values(e[1]))
        if tag == "bytes":
            return bytes.fromhex(e[1])
        if tag == "complex":
            return complex(e[1], e[2])
        if tag == "range":
            return range(e[1], e[2], e[3])
        if tag == "ellipsis":
            return Ellipsis
        if tag == "type":
            found = getattr(builtins, e[1], None)
            if type(found) is type:
                return found
        if tag == "library" and (e[1], e[2]) in LIBRARY:
            return getattr(__import__(e[1]), e[2])(*e[3])
        if tag == "digest":
            return Digest(e[1], e[2], e[3])
        if tag == "yours":
            return self.peer.exports[e[1]]
        if tag == "mine" and type(e[1]) is int:
            return Remote(self.peer, e[1])
        raise BrokenMessage("value " + repr(e)[:60])


class Peer:
    """One end of the channel. `plain(v)` is what to send in place of v; `v` itself if it stays here under a number;
    it raises Unsendable if v may not even be named. `operations`: what the other side may ask, by name."""

    def __init__(self, fd, plain, operations):
        self.fd = fd
        self.plain = plain
        self.operations = operations
        self.exports = []
        self.export_places = {}
        self.deadline = None  # time.monotonic() at which waiting ends
        self.gone = None

    def export(self, v):
        if id(v) not in self.export_places:
            self.export_places[id(v)] = len(self.exports)
            self.exports.append(v)  # keeps it alive, so its id stays its own
        return self.export_places[id(v)]

    def ask(self, operation, *args, **kwargs):
        """What the other side answers; raises what it raised."""
        encoder = Encoder(self)
        value, table = encoder.encode((args, kwargs))
        self.send({"ask": operation, "value": value, "table": table})
        while True:
            message = self.receive()
            if "ask" in message:
                self.serve(message)
                continue
            try:
                decoder = Decoder(self, message["table"], encoder.objects)
                if "raised" in message:
                    error = rebuild_error(decoder.value(message["raised"]))
                else:
                    return decoder.value(message["value"])
            except Exception as broken:
                self.leave("bad_reply", "the program's process sent a broken reply: " + repr(broken)[:200])
            raise error

    def serve(self, message):
        """Answers one request of the other side."""
        objects = ()
        try:
            decoder = Decoder(self, message["table"])
            objects = decoder.objects
            args, kwargs = decoder.value(message["value"])
            result = self.operations[message["ask"]](*args, **kwargs)
            value, table = Encoder(self, objects).encode(result)
            answer = {"value": value, "table": table}
        except PeerGone:
            raise
        except BaseException as error:
            value, table = Encoder(self, objects).encode(take_error_apart(error))
            answer = {"raised": value, "table": table}
        self.send(answer)

    def send(self, message):
        text = without_digit_limit(json.dumps, message).encode()
        data = memoryview(len(text).to_bytes(4, "little") + text)
        try:
            while data:
                data = data[os.write(self.fd, data):]
        except OSError as error:
            self.leave("exited", "the program's process ended: " + str(error))

    def receive(self):
        if self.gone:
            raise self.gone
        size = int.from_bytes(self.read(4), "little")
        if size > MAX_MESSAGE_BYTES:
            self.leave("bad_reply", "a value of more than %d bytes" % MAX_MESSAGE_BYTES)
        try:
            message = without_digit_limit(json.loads, self.read(size))
            if type(message) is dict:
                return message
        except (ValueError, RecursionError):
            pass
        self.leave("bad_reply", "the program's process sent a broken message")

    def read(self, size):
        parts = []
        while size > 0:
            if self.deadline is not None:
                waiting = select.poll()
                waiting.register(self.fd, select.POLLIN)
                if not waiting.poll(max(0, self.deadline - time.monotonic()) * 1000):
                    self.leave("timeout", "no answer within the time limit")
            try:
                part = os.read(self.fd, min(size, 1 << 20))
            except OSError:
                part = b""
            if not part:
                self.leave("exited", "the program ended its process")
            if self.deadline is not None and size > len(part):  # a long answer is on its way
                self.deadline = max(self.deadline, time.monotonic() + LONGEST_PAUSE_S)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def leave(self, outcome, message):
        """Gives the other side up for good: later calls fail the same way, whatever a test does with this error."""
        self.gone = PeerGone(outcome, message)
        raise self.gone


def forward(operation):
    return lambda self, *args, **kwargs: object.__getattribute__(self, "_peer").ask(operation, self, *args, **kwargs)


def among_remotes(operation):
    """An operator that two objects of the other side have with each other. With a plain value it does not exist: an
    object that claims to equal everything equals no plain value."""

    def apply(self, other):
        if type(other) is not Remote:
            return NotImplemented
        return object.__getattribute__(self, "_peer").ask(operation, self, other)

    return apply


class Remote:
    """An object of the other process."""

    __slots__ = ("_peer", "_number")

    def __init__(self, peer, number):
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __hash__(self):
        return hash(object.__getattribute__(self, "_number"))

    def __ne__(self, other):
        return not self == other

    def __eq__(self, other):
        return type(other) is Remote and bool(object.__getattribute__(self, "_peer").ask("eq", self, other))

    def __iter__(self):
        iterator = object.__getattribute__(self, "_peer").ask("iter", self)
        return iterator if type(iterator) is Remote else iter(iterator)

    def __bool__(self):
        return bool(object.__getattribute__(self, "_peer").ask("bool", self))

    def __instancecheck__(self, other):
        return type(other) is Remote and bool(object.__getattribute__(self, "_peer").ask("isinstance", other, self))

    __getattr__ = forward("getattr")
    __setattr__ = forward("setattr")
    __delattr__ = forward("delattr")
    __call__ = forward("call")
    __next__ = forward("next")
    __len__ = forward("len")
    __getitem__ = forward("getitem")
    __setitem__ = forward("setitem")
    __delitem__ = forward("delitem")
    __contains__ = forward("contains")
    __str__ = forward("str")
    __repr__ = forward("repr")
    __enter__ = forward("enter")
    __exit__ = forward("exit")
    __lt__, __le__, __gt__, __ge__ = map(among_remotes, ("lt", "le", "gt", "ge"))
    __add__, __sub__, __mul__, __and__, __or__, __xor__ = map(among_remotes, ("add", "sub", "mul", "and", "or", "xor"))


def take_error_apart(error):
    names = [c.__name__ for c in type(error).__mro__ if c.__module__ == "builtins"]
    args = list(error.args) if SCALARS.issuperset(map(type, error.args)) else [describe(error)]
    return [names[0], type(error).__name__, args]


def rebuild_error(parts):
    """The same built-in exception, or the nearest built-in base of one that the program defined."""
    builtin_name, own_name, args = parts
    kind = getattr(builtins, builtin_name, None)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        raise BrokenMessage("exception " + repr(builtin_name)[:60])
    try:
        error = kind(*args)
    except Exception:
        error = Exception(*args)
    error.from_candidate = str(own_name)
    return error


def describe(error):
    try:
        return str(error)[:500]
    except BaseException:
        return ""


def without_digit_limit(function, value):
    """Python refuses to write or read whole numbers of more than 4300 digits unless told otherwise."""
    if not hasattr(sys, "set_int_max_str_digits"):
        return function(value)
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        return function(value)
    finally:
        sys.set_int_max_str_digits(limit)
