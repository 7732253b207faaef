# Results too large to send: a digest stands for them. The program does not know what it is compared with, so it gains
# nothing by making one up.
import hashlib
import marshal

MOST_SENT = 2_000_000  # values in a list and its lists
CHUNK = 1000
DIGESTIBLE = frozenset((type(None), bool, int, float, complex, str, bytes, tuple, list))


def is_huge(result):
    if type(result) not in (list, tuple) or not result or not DIGESTIBLE.issuperset(map(type, result)):
        return False
    inner = max(map(len, result)) if {tuple, list}.issuperset(map(type, result)) else 1
    return len(result) * max(1, inner) > MOST_SENT


def digest_of(result):
    """Equal for equal results; marshal's second version writes a value the same way wherever it came from."""
    sum_ = hashlib.sha256()
    for i in range(0, len(result), CHUNK):
        sum_.update(marshal.dumps(result[i:i + CHUNK], 2))
    return sum_.hexdigest()


class Digest:
    """In place of a huge list or tuple; equals one that has the same digest."""

    def __init__(self, kind, length, digest):
        self.kind, self.length, self.digest = kind, length, digest

    def __eq__(self, other):
        if type(other).__name__ != self.kind or len(other) != self.length or not is_huge(other):
            return False
        return digest_of(other) == self.digest


def sendable(result):
    if not is_huge(result):
        return result
    try:
        return Digest(type(result).__name__, len(result), digest_of(result))
    except ValueError:  # something in it that marshal does not know
        return result
