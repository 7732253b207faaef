# How official harnesses load and call a program; their quirks included, for their profiles.
import ast
import io
import signal

STAR_IMPORTS = ("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics",
                "itertools", "functools", "operator", "io", "sys", "json", "builtins", "typing")
PLAIN_IMPORTS = STAR_IMPORTS[:-2]
LCB_RECURSION_LIMIT = 50000

GUARDED_OS = ("kill", "system", "putenv", "remove", "removedirs", "rmdir", "fchdir", "setuid", "fork", "forkpty",
              "killpg", "rename", "renames", "truncate", "replace", "unlink", "fchmod", "fchown", "chmod", "chown",
              "chroot", "lchflags", "lchmod", "lchown", "getcwd", "chdir")
GUARDED_SHUTIL = ("rmtree", "move", "chown")
GUARDED_MODULES = ("ipdb", "joblib", "resource", "psutil", "tkinter")


class TimeoutException(Exception):
    """A program that catches Exception catches this as well, as it does in the official harnesses."""


def raise_after(seconds):
    """Raises TimeoutException in the program's main thread; 0 calls it off."""
    def ring(number, frame):
        raise TimeoutException("Timed out!")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def guard(quitters, with_open):
    """Takes away what the official harnesses take away, so that a program that uses it fails here as it does there."""
    import shutil
    import subprocess
    for name in quitters:
        setattr(builtins, name, None)
    builtins.help = None
    if not with_open:
        builtins.open = None
    for name in GUARDED_OS:
        setattr(os, name, None)
    for name in GUARDED_SHUTIL:
        setattr(shutil, name, None)
    subprocess.Popen = None
    for name in GUARDED_MODULES:
        sys.modules[name] = None


def lcb_header():
    stars = "".join("from %s import *\n" % name for name in STAR_IMPORTS)
    plain = "".join("import %s\n" % name for name in PLAIN_IMPORTS)
    return stars + plain + "sys.setrecursionlimit(%d)\n" % LCB_RECURSION_LIMIT


def without_main_guard(source):
    """The guarded block in place of the guard, if that is the last statement."""
    try:
        tree = ast.parse(source)
        last = tree.body[-1]
        if isinstance(last, ast.If) and ast.unparse(last.test).strip() == "__name__ == '__main__'":
            tree.body[-1:] = last.body
            return ast.unparse(tree)
    except Exception:
        pass
    return source


def as_function(source):
    """The program as the body of wrapped_function(), behind the header and its own imports."""
    try:
        tree = ast.parse(source)
    except Exception:
        return source
    imports = [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
    wrapper = ast.parse("def wrapped_function():\n    pass").body[0]
    wrapper.body = [s for s in tree.body if s not in imports]  # none: no program, as its own harness has it
    return lcb_header() + "\n" + ast.unparse(ast.Module(imports, [])) + "\n" + ast.unparse(wrapper)


def lcb_load(source, entry_point, seconds):
    """What answers LiveCodeBench's tests: the method or function, or for a program that reads, wrapped_function."""
    if not entry_point:
        source = as_function(without_main_guard(source))
    else:
        source = lcb_header() + "\n\n" + source
    module = type(sys)("tmp_sol")
    raise_after(seconds)
    try:
        exec(source, module.__dict__)
        holder = module.Solution() if "class Solution" in source else module
    finally:
        raise_after(0)
    return getattr(holder, entry_point or "wrapped_function")


class LcbBuffer:
    """Its readline gives the first line again and again."""

    def __init__(self, text):
        self.data = text.encode("utf-8")

    def read(self, *unused):
        return self.data

    def readline(self, *unused):
        return self.data.split(b"\n")[0] + b"\n"


class LcbStdin:
    """No iteration: a loop over it fails."""

    def __init__(self, text):
        self.text = text
        self.lines = io.StringIO(text)
        self.buffer = LcbBuffer(text)

    def read(self, *unused):
        return self.text

    def readline(self, *args):
        return self.lines.readline(*args)

    def readlines(self, *unused):
        return self.text.split("\n")

    def __getattr__(self, name):
        return getattr(self.lines, name)


def lcb_call(method, args, seconds, reads):
    """The method's result, or what it printed if it `reads`; as ["value", …] or ["raised", code, message]."""
    before = sys.stdin, sys.stdout
    if reads:
        sys.stdin, sys.stdout = LcbStdin(args[0]), io.StringIO()
        sys.stdout.close = lambda *unused: 1
    raise_after(seconds)
    try:
        try:
            result = method() if reads else method(*args)
        except SystemExit:
            if not reads:
                raise
        raise_after(0)
        return ["value", sys.stdout.getvalue() if reads else result]
    except Exception as error:
        raise_after(0)
        try:
            text = repr(error)
        except Exception:
            text = type(error).__name__
        return ["raised", -3 if "timeoutexception" in text.lower() else -4, text[:500]]
    finally:
        raise_after(0)
        sys.stdin, sys.stdout = before


def lcb_decimals(line):
    from decimal import Decimal
    try:
        return [Decimal(word) for word in line.split()]
    except ArithmeticError:
        return None


def lcb_same_output(printed, expected):
    got, want = ([line.strip() for line in text.strip().split("\n")] for text in (printed, expected))
    if len(got) != len(want):
        return False
    for g, w in zip(got, want):
        if g != w:
            numbers = lcb_decimals(g)
            if numbers is None or numbers != lcb_decimals(w):
                return False
    return True


def run_lcb_tests(job, ask, begin):
    """LiveCodeBench's list of results: true, -2 wrong, -3 out of time, -4 an exception; it ends at the first that is
    not true. `ask(args)` is answered by lcb_call in the program's process."""
    results = []
    reads = not job["entry_point"]
    for i, case in enumerate(job["cases"], 1):
        begin(i, job["test_s"] + 1)
        if reads:
            args = [case["input"]]
        elif "input" in case:
            args = [json.loads(line) for line in case["input"].split("\n")]
        else:
            args = case["args"]
        kind, value, *message = ask(args)
        if kind == "raised":
            return results + [-3 if value == -3 else -4], str(message[0])
        if reads:
            same = lcb_same_output(value, case["output"])
            expected = case["output"]
        else:
            expected = json.loads(case["output"]) if "output" in case else case["expected"]
            same = (list(value) if type(value) is tuple else value) == expected
        if not same:
            return results + [-2], "returned %s, expected %s" % (shown(value), shown(expected))
        results.append(True)
    return results, ""
