# Tests that compare with a reference solution, as EvalPlus has them: inputs are data, the expected results are what the
# item's canonical solution returns here, in the checker's process.
import copy
import math

FLOAT_TOLERANCE = 1e-6     # absolute, where the expected value is a float or a flat list of floats
RELATIVE_TOLERANCE = 1e-7
LEAST_TEST_S = 4.0
REFERENCE_TIMES = 4.0      # a program may take this much longer than the reference

# MBPP+ lost the types of its inputs on the way to JSON. What each task takes, in EvalPlus's own reading.
ALL_TUPLES = (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809)
ALL_LISTS_OF_TUPLES = (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780)
FIRST_LIST_OF_TUPLES = (75, 413, 444, 753)
SECOND_TUPLE = (106, 750)
FIRST_TUPLE = (250, 307, 405, 446, 617, 720, 763, 808)
ALL_TUPLES_OF_TUPLES = (259, 401, 445)
NESTED_TUPLES = (580, 615, 791)


def tuples_of(value):
    return tuple(map(tuples_of, value)) if isinstance(value, list) else value


def lists_of_tuples(value):
    return [tuple(part) for part in value]


def set_of(value):
    return set(value) if isinstance(value, list) and value else {}


def typed_arguments(task, args):
    """The arguments of one call of an MBPP+ task as they were before they became JSON."""
    if task in ALL_TUPLES:
        return [tuple(a) for a in args]
    if task in ALL_LISTS_OF_TUPLES:
        return [lists_of_tuples(a) for a in args]
    if task in FIRST_LIST_OF_TUPLES:
        return [lists_of_tuples(args[0]), args[1]]
    if task in SECOND_TUPLE:
        return [args[0], tuple(args[1])]
    if task in FIRST_TUPLE:
        return [tuple(args[0]), *args[1:]]
    if task in ALL_TUPLES_OF_TUPLES:
        return [tuple(lists_of_tuples(a)) for a in args]
    if task in NESTED_TUPLES:
        return [tuples_of(a) for a in args]
    if task == 115:
        return [[set_of(part) for part in args[0]]]
    if task == 124:
        return [float(args[0]), complex(args[1])]
    if task == 252:
        return [complex(args[0])]
    if task == 278:
        return [tuple(tuple(part) if isinstance(part, list) else part for part in args[0])]
    if task == 722:
        return [{key: tuple(value) for key, value in args[0].items()}, *args[1:]]
    return args


def is_floats(value):
    if isinstance(value, float):
        return True
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(part, float) for part in value)


def all_close(got, expected, tolerance):
    """Numbers, or equally shaped lists of them, element by element; raises for anything else."""
    if isinstance(expected, (list, tuple)):
        return len(got) == len(expected) and all(all_close(g, e, tolerance) for g, e in zip(got, expected))
    if isinstance(got, str) or isinstance(expected, str):
        return False
    if got == expected:
        return True
    if cmath_isfinite(got) and cmath_isfinite(expected):
        return abs(got - expected) <= tolerance + RELATIVE_TOLERANCE * abs(expected)
    return False


def cmath_isfinite(number):
    return math.isfinite(number.real) and math.isfinite(number.imag)


def polynomial_at(coefficients, x):
    return sum(c * math.pow(x, power) for power, c in enumerate(coefficients))


def same_as_set(got, expected, args):
    return set(got) == set(expected)


def not_none_as_expected(got, expected, args):
    """The reference's result has no value of its own, such as a match: only whether there is one counts."""
    return got == (expected is not None) if isinstance(got, bool) else (got is not None) == (expected is not None)


def pyramid_surface(base, height):
    return round(base ** 2 + 2 * base * math.sqrt((base / 2) ** 2 + height ** 2))


def digit_difference(a, b):
    width = max(len(str(a)), len(str(b)))
    return sum(abs(int(x) - int(y)) for x, y in zip(str(a).zfill(width), str(b).zfill(width)))


# MBPP+ tasks whose statement allows more than the reference's result. They decide in place of equality, and a result
# that they refuse may still be close enough.
ORACLES = {
    2: same_as_set, 7: same_as_set, 111: same_as_set, 140: same_as_set, 232: same_as_set, 249: same_as_set,
    579: same_as_set, 769: same_as_set,
    164: lambda got, expected, args: True,
    295: lambda got, expected, args: got == expected or got == 0,
    558: lambda got, expected, args: got == expected or got == digit_difference(*args),
    581: lambda got, expected, args: got == expected or abs(got - pyramid_surface(*args)) <= 0,
}
NOT_NONE_ENTRIES = ("check_str", "text_match_three", "text_starta_endb")


class Comparison:
    """EvalPlus's verdict on one result after the other."""

    def __init__(self, task, entry_point, dataset, tolerance, tolerance_stays):
        self.task = task if dataset == "mbpp" else None
        self.entry_point = entry_point
        self.dataset = dataset
        self.tolerance = tolerance
        self.tolerance_stays = tolerance_stays  # a float, once expected, leaves its tolerance to later inputs

    def accepts(self, got, expected, args):
        if self.dataset == "humaneval" and self.entry_point == "find_zero":
            return abs(polynomial_at(*args, got)) <= self.tolerance
        oracle = ORACLES.get(self.task)
        if self.dataset == "mbpp" and self.entry_point in NOT_NONE_ENTRIES:
            oracle = not_none_as_expected
        exact = bool(oracle(got, expected, args) if oracle else got == expected)
        tolerance = self.tolerance
        if tolerance == 0 and is_floats(expected):
            tolerance = FLOAT_TOLERANCE
            if self.tolerance_stays:
                self.tolerance = tolerance
        if exact or tolerance == 0:
            return exact
        return type(got) is type(expected) and all_close(got, expected, tolerance)


def load_reference(job):
    namespace = {"__name__": "reference"}
    try:
        exec(compile(job["reference"], "reference.py", "exec"), namespace)
        return namespace[job["entry_point"]]
    except BaseException as error:
        raise BrokenTests("the item's canonical solution fails: " + type(error).__name__ + ": " + str(error))


def run_differential(job, entry, begin):
    """Each input in turn: what the reference returns, what the program returns, and whether that is as good."""
    reference = load_reference(job)
    comparison = Comparison(job["task_number"], job["entry_point"], job["dataset"], job["atol"], job["tolerance_stays"])
    inputs = json.loads(job["base_input"]) + json.loads(job["plus_input"])
    for i, args in enumerate(inputs, 1):
        if job["dataset"] == "mbpp":
            args = typed_arguments(job["task_number"], args)
        begin(i)  # the reference has its time as well, should an item be broken
        started = time.process_time()
        try:
            expected = reference(*copy.deepcopy(args))
        except BaseException as error:
            raise BrokenTests("the item's canonical solution fails: " + type(error).__name__ + ": " + str(error))
        begin(i, max(LEAST_TEST_S, REFERENCE_TIMES * (time.process_time() - started)))
        got = entry(*args)
        try:
            accepted = comparison.accepts(got, expected, args)
        except Exception:  # no number, not hashable: not what was asked for
            accepted = False
        if not accepted:
            raise WrongOutput("returned %s, expected %s" % (shown(got), shown(expected)))
