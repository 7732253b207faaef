# Runs program.py as the main program of this process, on its real standard input and output.


def run_script():
    with open("program.py", encoding="utf-8") as file:
        source = file.read()
    add_interactive_names()
    main = sys.modules["__main__"]
    for name in [name for name in vars(main) if not name.startswith("__")]:
        delattr(main, name)
    main.__file__ = "program.py"
    leave = os._exit

    def exit_at_once(status):
        """What was printed before counts, although nothing else is cleaned up."""
        try:
            sys.stdout.flush()
        finally:
            leave(status)

    os._exit = exit_at_once
    exec(compile(source, "program.py", "exec"), vars(main))
