# Running an item's tests against `entry`, whatever that is: a function, or a stand-in for one in another process.
import builtins

# Tests that name one of these look at the process that the program runs in: its output, its modules, its files.
PROCESS_NAMES = frozenset((
    "stdout", "stderr", "stdin", "redirect_stdout", "redirect_stderr", "mock", "patch", "monkeypatch", "inspect",
    "asyncio", "open", "os", "tempfile", "pathlib", "shutil", "seed", "setrecursionlimit", "settrace", "signal",
    "builtins"))


class BrokenTests(Exception):
    """The item's own tests cannot be used."""


def compile_tests(job):
    """The tests' source, compiled; cases have none."""
    if job["kind"] in ("cases", "differential"):
        return []
    try:
        if job["kind"] == "check":
            return [compile(job["test"], "<test>", "exec")]
        return [compile(text, "<test>", "exec") for text in job["tests"]]
    except (SyntaxError, ValueError) as error:
        raise BrokenTests("the item's tests do not compile: " + str(error))


def names_in(code):
    names = set(code.co_names)
    for constant in code.co_consts:
        if type(constant) is type(code):
            names |= names_in(constant)
    return names


def reasons_for_one_process(codes):
    return sorted(PROCESS_NAMES.intersection(name for code in codes for name in names_in(code)))


def run_tests(job, codes, namespace, entry, begin):
    """Raises what the first failing test raises. `begin(i[, seconds])` is called before the i-th test,
    from 1."""
    if job["kind"] == "cases":
        run_cases(job, entry, begin)
    elif job["kind"] == "differential":
        run_differential(job, entry, begin)
    elif job["kind"] == "check":
        begin(1)
        exec(codes[0], namespace)
        check = dict.get(namespace, "check")
        if check is None:
            raise BrokenTests("the item's test does not define check")
        check(entry)
    else:
        for i, code in enumerate(codes, 1):
            begin(i)
            exec(code, namespace)


def run_cases(job, entry, begin):
    """Each case has "args" and "expected", or as LiveCodeBench has it "input" and "output": JSON, an argument a line."""
    comparison = None
    if job["rules"] == "evalplus":
        comparison = Comparison(None, job["entry_point"], "", job["atol"], True)
    for i, case in enumerate(job["cases"], 1):
        begin(i)
        args = [json.loads(line) for line in case["input"].split("\n")] if "input" in case else case["args"]
        expected = json.loads(case["output"]) if "output" in case else case["expected"]
        result = entry(*args)
        if comparison is not None:
            try:
                accepted = comparison.accepts(result, expected, args)
            except Exception:
                accepted = False
        else:
            if type(result) is tuple:  # JSON has none; inside of lists it stays different, as LiveCodeBench has it
                result = list(result)
            accepted = result == expected
        if not accepted:
            raise WrongOutput("returned %s, expected %s" % (shown(result), shown(expected)))


class WrongOutput(Exception):
    """A case's result is not the expected one."""


def outcome_of(error, job, test):
    """What a failure means: its rule, and a message for people."""
    own_name = getattr(error, "from_candidate", None)
    message = (own_name or type(error).__name__) + ": " + describe_failure(error)
    if isinstance(error, BrokenTests):
        return "broken_item", str(error)
    if isinstance(error, WrongOutput):
        return "wrong_output", str(error)
    if isinstance(error, MemoryError):
        return "memory", message
    if isinstance(error, AssertionError) and own_name is None:
        return "assertion_failed", failing_line(error, job, test)
    if isinstance(error, NameError) and own_name is None:
        return "no_entry_point", message
    return "exception", message


def failing_line(error, job, test):
    if job["kind"] == "asserts":
        return job["tests"][test - 1].strip()[:500]
    line = 0
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<test>":
            line = trace.tb_lineno
        trace = trace.tb_next
    lines = job["test"].split("\n")
    return lines[line - 1].strip()[:500] if 0 < line <= len(lines) else ""


def describe_failure(error):
    try:
        return str(error)[:500]
    except BaseException:
        return ""


def shown(value):
    try:
        text = repr(value)
    except BaseException:
        text = "an object"
    return text if len(text) <= 200 else text[:200] + "..."
