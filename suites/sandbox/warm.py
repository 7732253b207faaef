# The first process of a warm sandbox: executes a library of trusted Python once, then starts a program of it whenever
# it is asked to. A program is a fork, so its interpreter is ready at once, in namespaces of its own:
#
#   this process ──clone──▶ keeper: first process of new process, mount and IPC namespaces; mounts the program's folder
#                             └─fork──▶ program: no capabilities, system-call filter, resource limits; then its code
#
# A request is a JSON message on descriptor 3 with the program's descriptors; the answer is a descriptor of the keeper,
# whose end is the program's. This process never reads a program's files, so no program inherits another's.
import array
import ctypes
import gc
import io
import json
import os
import resource
import select
import signal
import socket
import sys

CONTROL = 3
STATUS, FILES = 200, 201  # where a program's descriptors are while it is set up
MAX_REQUEST_BYTES = 1 << 16
MOST_FILES = 4096  # of a program; each takes kernel memory that no other limit counts
# Modules that programs often import and that take long to load. A fork has them; its random numbers are seeded anew.
for name in ("typing", "re", "math", "random", "itertools", "functools", "collections", "heapq", "bisect", "string",
             "datetime", "copy", "operator", "statistics", "threading", "contextlib"):
    try:
        __import__(name)
    except ImportError:  # a Python without it; then no program has it either
        pass

libc = ctypes.PyDLL(None, use_errno=True)  # PyDLL: the interpreter's lock is held, so the copy holds it too
CLONE_FLAGS = 0x00020000 | 0x08000000 | 0x20000000 | signal.SIGCHLD  # NEWNS, NEWIPC, NEWPID
SET_PARENT_DEATH_SIGNAL = 1
PIDFD_OPEN = 434  # on every architecture


def checked(result, what):
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, what + ": " + os.strerror(error))
    return result


def receive(control):
    """The next request and its descriptors; None when nobody will ask any more."""
    text, ancillary, _, _ = control.recvmsg(MAX_REQUEST_BYTES, socket.CMSG_SPACE(16 * 4))
    fds = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
    return (json.loads(text), list(fds)) if text else None


def mount_folder(size):
    options = ("size=%d,nr_inodes=%d,mode=0755" % (size, MOST_FILES)).encode()
    nosuid_nodev = 2 | 4
    checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", ctypes.c_ulong(nosuid_nodev), options), "mount")


def keep(program, status):
    """Waits for the program, tells how it ended and what it used, and takes all that is left of it along."""
    os.dup2(status, 0)
    os.closerange(1, 256)
    _, end, use = os.wait4(program, 0)
    code = 128 + os.WTERMSIG(end) if os.WIFSIGNALED(end) else os.WEXITSTATUS(end)
    report = {"exit-code": code, "cpu_ms": (use.ru_utime + use.ru_stime) * 1e3, "max_rss_bytes": use.ru_maxrss * 1024}
    os.write(0, json.dumps(report).encode() + b"\n")
    os._exit(0)


def give_up_capabilities():
    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    none = (ctypes.c_uint32 * 6)()
    checked(libc.capset(ctypes.byref(Header(0x20080522, 0)), none), "capset")


def install_filter(instructions):
    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]

    program = Program(len(instructions) // 8, instructions)
    set_no_new_privs, set_seccomp, mode_filter = 38, 22, 2
    checked(libc.prctl(set_no_new_privs, 1, 0, 0, 0), "no_new_privs")
    checked(libc.prctl(set_seccomp, mode_filter, ctypes.byref(program), 0, 0), "seccomp")


def open_standard_streams():
    """As Python opens them at its start."""
    def stream(fd, mode, **options):
        raw = io.FileIO(fd, mode, closefd=False)
        buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
        return io.TextIOWrapper(buffered, encoding="utf-8", **options)

    sys.stdin = sys.__stdin__ = stream(0, "r", errors="surrogateescape")
    sys.stdout = sys.__stdout__ = stream(1, "w", errors="surrogateescape")
    sys.stderr = sys.__stderr__ = stream(2, "w", errors="backslashreplace", line_buffering=True)


def become_program(request, fds, instructions):
    """This process is the program from here on. `fds`: standard streams, status, files[, channel]."""
    os.dup2(fds[3], STATUS)
    os.dup2(fds[4], FILES)
    for wanted, fd in zip((0, 1, 2, 3), fds[:3] + fds[5:]):
        os.dup2(fd, wanted)
    os.closerange(4 if len(fds) > 5 else 3, STATUS)
    os.setsid()
    os.chdir("/tmp")
    with open(FILES, "rb") as file:
        file.seek(0)
        for name, text in json.load(file):
            with open(name, "w", encoding="utf-8", newline="") as copy:
                copy.write(text)
    give_up_capabilities()
    for kind, value in request["rlimits"]:
        resource.setrlimit(kind, (value, value))
    install_filter(instructions)
    open_standard_streams()
    os.close(STATUS)


def serve(config):
    """Starts programs until nobody asks any more. Returns in a program's process alone: the function to call."""
    instructions = bytes.fromhex(config["filter"])
    library = {"__name__": "library"}
    exec(compile(config["library"], "library.py", "exec"), library)
    control = socket.socket(fileno=CONTROL)
    gc.collect()
    gc.freeze()  # so that a fork's collector leaves these objects, and the memory they lie in, alone
    control.send(b'{"ready":true}')
    while True:
        received = receive(control)
        if received is None:
            os._exit(0)
        request, fds = received
        keeper = libc.syscall(ctypes.c_long(config["clone"]), ctypes.c_ulong(CLONE_FLAGS), None, None, None, None)
        if keeper == 0:
            try:
                control.detach()
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # or the program could end it
                checked(libc.prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0), "parent's death")
                mount_folder(request["folder_bytes"])
                program = os.fork()
                if program != 0:
                    keep(program, fds[3])
                signal.signal(signal.SIGINT, signal.default_int_handler)
                become_program(request, fds, instructions)
                return library[request["entry"]]
            except BaseException as error:
                report = json.dumps({"failure": repr(error)}).encode() + b"\n"
                for fd in (STATUS, fds[3]):
                    try:
                        os.write(fd, report)
                        break
                    except OSError:
                        pass
                os._exit(1)
        for fd in fds:
            os.close(fd)
        checked(keeper, "clone")
        handle = checked(libc.syscall(ctypes.c_long(PIDFD_OPEN), ctypes.c_long(keeper), ctypes.c_long(0)), "pidfd_open")
        control.sendmsg([b"{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [handle]))])
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        waiting.register(control, 0)  # tells of its end alone
        while not any(fd == handle for fd, _ in waiting.poll()):
            if any(fd == CONTROL for fd, _ in waiting.poll(0)):
                os._exit(0)  # who asked is gone; the keeper ends with this process, and the program with it
        os.waitpid(keeper, 0)
        os.close(handle)


with open("/tmp/warm.json", encoding="utf-8") as config_file:
    config = json.load(config_file)
entry = serve(config)
sys.argv = ["program.py"]
entry()
