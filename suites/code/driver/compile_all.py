# Whether the Python that items themselves bring compiles.


def run_compile_all():
    """Prints {"broken": place, "message"} for the first text of job.json that does not compile, null if all do."""
    with open("job.json", encoding="utf-8") as file:
        texts = json.load(file)["texts"]
    found = {"broken": None, "message": ""}
    for place, text in enumerate(texts):
        try:
            compile(text, "<item>", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            found = {"broken": place, "message": (type(error).__name__ + ": " + str(error))[:500]}
            break
    print(json.dumps(found))
