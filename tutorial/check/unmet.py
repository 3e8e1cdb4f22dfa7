"""The exception that a stage raises if the flow breaks, and yields for each finding."""


class Unmet(Exception):
    """The flow breaks at a stage, or something else is wrong there.

    `mistake` is an id of the catalogue, `mistakes.toml`. `seen` says what was seen in
    place of what was `expected`. `at` is the line of code, such as
    "search/tasks.py:33". `stage` is the stage that the mistake belongs to, if a
    different stage noticed it. `finding` is "unsafe" or "differs" if the flow still
    works; it overrides the catalogue. The exception behind the mistake is its
    `__cause__`.
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
