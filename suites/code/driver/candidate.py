# The candidate's process: loads the model's program and answers calls. It never sees a test or an expected value.
import math
import operator
import resource

OPERATIONS = {
    "call": lambda target, *args, **kwargs: target(*args, **kwargs),
    "getattr": getattr, "setattr": setattr, "delattr": delattr, "isinstance": isinstance,
    "bool": bool, "len": len, "iter": iter, "next": next, "str": str, "repr": repr,
    "getitem": operator.getitem, "setitem": operator.setitem, "delitem": operator.delitem,
    "contains": operator.contains,
    "eq": operator.eq, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "add": operator.add, "sub": operator.sub, "mul": operator.mul,
    "and": operator.and_, "or": operator.or_, "xor": operator.xor,
    "enter": lambda target: target.__enter__(),
    "exit": lambda target, *unused: target.__exit__(None, None, None),
}
PLAIN_BASES = (bool, int, float, complex, str, bytes, tuple, frozenset, list, set, dict)


def plain(value):
    """Of a subclass of a standard type only the standard part is sent: a comparison is the tests' business."""
    for base in PLAIN_BASES:
        if isinstance(value, base):
            return base(value)
    return value


def limit_processor_time(seconds):
    """From now on, so that one call cannot use up the time of all. The sandbox has the limit that nobody can raise."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(hard, math.ceil(time.process_time() + seconds)), hard))


def candidate_operations(job):
    """What the checker may ask of a program that is loaded as usual; and [outcome, message] if it could not be."""
    namespace, failure = load_program(job)
    if failure is not None:
        return {}, failure

    def entry():
        return find_entry_point(job["entry_point"], namespace)

    def call_entry(seconds, *args, **kwargs):
        limit_processor_time(seconds)
        result = entry()(*args, **kwargs)
        limit_processor_time(seconds)  # to digest a huge result is our own work, not the program's
        return sendable(result)

    def name(wanted):
        return namespace[wanted]

    return {"call_entry": call_entry, "entry": entry, "name": name}, missing_entry_point(job["entry_point"], namespace)


def lcb_operations(job):
    """The same under LiveCodeBench's rules. What goes wrong while it is loaded is a run-time error there."""
    add_interactive_names()
    guard(("quit",), with_open=True)
    try:
        method = lcb_load(job["source"], job["entry_point"], job["test_s"])
    except Exception as error:
        return {}, ["lcb_exception", (type(error).__name__ + ": " + describe(error))[:500]]
    return {"lcb_call": lambda args: lcb_call(method, args, job["test_s"], not job["entry_point"])}, None


def run_candidate():
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)

    peer = Peer(3, plain, dict(OPERATIONS))
    if job["rules"] == "evalplus":
        add_interactive_names()
        guard(("exit", "quit"), with_open=False)
    if job["rules"] == "lcb":
        operations, failure = lcb_operations(job)
    else:
        limit_processor_time(job["test_s"])
        operations, failure = candidate_operations(job)
    peer.operations.update(operations)
    peer.send({"loaded": failure})
    while failure is None:
        try:
            peer.serve(peer.receive())
        except PeerGone:
            break
    os._exit(0)
