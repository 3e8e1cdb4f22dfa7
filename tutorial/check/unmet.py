"""The exception Unmet: a stage raises it, or yields it as a finding."""


class Unmet(Exception):
    """The flow breaks at a stage, or something else is wrong there.

    A stage raises it if the flow breaks there, and yields it for each finding.

    `mistake` is an id of the catalogue, `mistakes.toml`. `seen` says what was seen, and
    `expected` what should have been seen. `at` is the line of code, such as
    "search/tasks.py:33". `stage` replaces the stage that the catalogue gives for the
    mistake. If the flow still works, `finding` is "unsafe" or "differs". It replaces
    the value in the catalogue. If another exception has revealed the mistake, that
    exception is the `__cause__`.
    """

    def __init__(
        self,
        mistake: str,
        seen: str,
        *,
        expected: str = "",
        at: str | None = None,
        stage: int | None = None,
        finding: str = "",
    ) -> None:
        self.mistake = mistake
        self.seen = seen
        self.expected = expected
        self.at = at
        self.stage = stage
        self.finding = finding
        super().__init__(f"{mistake}: {seen}")
