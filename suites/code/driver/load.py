# Loading the model's program, the same way in both drivers.
import builtins
import sys
from _sitebuiltins import Quitter


def add_interactive_names():
    """exit() and quit(), which Python has unless it is started without site packages, as it is here."""
    builtins.exit = Quitter("exit", "Ctrl-D")
    builtins.quit = Quitter("quit", "Ctrl-D")


def load_program(job):
    """Runs stub and program as one module. Returns its names and None, or what went wrong as [outcome, message]."""
    add_interactive_names()
    sys.setrecursionlimit(sys.getrecursionlimit() + 50)  # the frames below the program's own are the driver's
    module = type(sys)("program")
    sys.modules["program"] = module
    namespace = module.__dict__
    try:
        exec(compile(job["preamble"] + job["setup"], "stub.py", "exec"), namespace)
    except BaseException as error:
        return None, ["broken_item", "the item's stub fails: " + type(error).__name__ + ": " + str(error)]
    try:
        code = compile(job["source"], "program.py", "exec")
    except MemoryError:
        return None, ["memory", "MemoryError"]
    except BaseException as error:  # SyntaxError; ValueError for a null byte; RecursionError for deep nesting
        return None, ["syntax_error", str(error)[:500]]
    try:
        exec(code, namespace)
    except MemoryError:
        return None, ["memory", "MemoryError"]
    except BaseException as error:
        return None, ["exception", (type(error).__name__ + ": " + str(error))[:500]]
    return namespace, None


def find_entry_point(name, namespace):
    """The function, the method of a new Solution, or what an expression such as "Solution().f" gives."""
    if not name.isidentifier():
        return eval(name, namespace)
    if name in namespace:
        return namespace[name]
    return getattr(namespace["Solution"](), name)


def missing_entry_point(name, namespace):
    if not name:
        return None
    try:
        find_entry_point(name, namespace)
    except (AttributeError, KeyError, NameError):
        return ["no_entry_point", "the program does not define " + name]
    except BaseException as error:
        return ["exception", (type(error).__name__ + ": " + str(error))[:500]]
    return None
