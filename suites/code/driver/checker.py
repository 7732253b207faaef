# The checker's process: runs the item's tests. Whatever they call of the program happens in the candidate's process;
# what comes back is plain values. The verdict goes to standard output, which the candidate has no way to reach.

BUSY_MACHINE_S = 6


class Namespace(dict):
    """The tests' names: their own and the stub's helpers, then Python's, then what else the program defines."""

    def __init__(self, peer, entry_point, entry):
        super().__init__(__name__="tests")
        self.peer = peer
        if entry_point.isidentifier():
            self[entry_point] = entry

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)
        return self.peer.ask("name", name)


class Entry:
    """The function under test; looks like it where tests may ask."""

    def __init__(self, peer, name, test_s):
        self.peer = peer
        self.test_s = test_s  # processor time that a call may take
        self.__name__ = name

    def __call__(self, *args, **kwargs):
        return self.peer.ask("call_entry", self.test_s, *args, **kwargs)

    def __getattr__(self, name):
        return getattr(self.peer.ask("entry"), name)

    def __instancecheck__(self, value):
        return isinstance(value, self.peer.ask("entry"))


def nameable(value):
    """Of the tests' own objects the program may call functions, and nothing else: an attribute of a function leads to
    the names around it, and so to the expected values."""
    if type(value) is Entry:
        return value.peer.ask("entry")
    if type(value) in (type(nameable), type(len)):
        return value
    raise Unsendable("the tests pass a %s to the program" % type(value).__name__)


def check_candidate(job):
    """[outcome, message, test, details]: test counts from 1; 0 is before the first."""
    test = 0
    details = {}

    def call_back(target, *args, **kwargs):
        if not any(target is known for known in peer.exports):
            raise TypeError("only a function of the tests can be called")
        return target(*args, **kwargs)

    peer = Peer(3, nameable, {"call": call_back})

    def deadline(seconds):
        # By this clock other programs' time counts too, so it only ends what sleeps: the candidate limits its processor
        # time by its own.
        return time.monotonic() + 3 * seconds + BUSY_MACHINE_S

    def begin(number, seconds=job["test_s"]):
        nonlocal test
        test = number
        entry.test_s = seconds
        peer.deadline = deadline(seconds)

    try:
        codes = compile_tests(job)
        reasons = reasons_for_one_process(codes)
        if reasons:
            return ["one_process", "the tests use " + ", ".join(reasons), 0, details]
        peer.deadline = deadline(job["test_s"])
        entry = Entry(peer, job["entry_point"], job["test_s"])
        loaded = peer.receive().get("loaded", ["bad_reply", "the program's process sent a broken message"])
        if loaded is not None:
            return [str(loaded[0]), str(loaded[1])[:500], 0, details]
        if job["rules"] == "lcb":
            details["lcb_results"], message = run_lcb_tests(job, lambda args: peer.ask("lcb_call", args), begin)
            outcome = {True: "passed", -2: "wrong_output", -3: "timeout", -4: "exception"}[details["lcb_results"][-1]]
            return [outcome, message, test, details]
        namespace = Namespace(peer, job["entry_point"], entry)
        exec(compile(job["preamble"] + job["setup"], "stub.py", "exec"), namespace)
        run_tests(job, codes, namespace, entry, begin)
    except PeerGone as gone:
        return [gone.outcome, str(gone), test, details]
    except Unsendable as reason:
        return ["one_process", str(reason), 0, details]
    except BaseException as error:
        if peer.gone:
            return [peer.gone.outcome, str(peer.gone), test, details]
        return [*outcome_of(error, job, test), test, details]
    if peer.gone:
        return [peer.gone.outcome, str(peer.gone), test, details]
    return ["passed", "", test, details]


def run_checker():
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    report = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    outcome, message, test, details = check_candidate(job)
    text = json.dumps({"outcome": outcome, "message": message, "test": test, "details": details}).encode()
    while text:
        text = text[os.write(report, text):]
    os._exit(0)
