# Tests that look at the program's process itself: program and tests in one, as HumanEval's own harness has it. A
# program that knows this file could forge the verdict; the key in the report only keeps accidents out.
import json
import os


def judge(job):
    """[outcome, message, test], as in the checker."""
    test = 0

    def begin(number, seconds=None):
        nonlocal test
        test = number

    try:
        codes = compile_tests(job)
        namespace, failure = load_program(job)
        failure = failure or missing_entry_point(job["entry_point"], namespace)
        if failure:
            return [*failure, 0]
        entry = find_entry_point(job["entry_point"], namespace) if job["entry_point"] else None
        run_tests(job, codes, namespace, entry, begin)
    except BaseException as error:
        return [*outcome_of(error, job, test), test]
    return ["passed", "", test]


def run_in_one_process():
    with open("job.json", encoding="utf-8") as file:
        job = json.load(file)
    os.unlink("job.json")
    report = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    outcome, message, test = judge(job)
    text = json.dumps({"outcome": outcome, "message": message, "test": test, "key": job["key"]})
    os.write(report, ("\n" + text).encode())
    os._exit(0)
