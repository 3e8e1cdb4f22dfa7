"""What a stage raises where it does not hold, and yields for each finding."""


class Unmet(Exception):
    """A stage does not hold: which mistake it is, and what was seen instead.

    `mistake` is an id of the catalogue, `mistakes.toml`; `at` the line that it is
    about, such as "search/tasks.py:33"; `stage` the stage that the mistake belongs to,
    where that is another one than the stage that noticed it. An exception that it comes
    from is its `__cause__`.
    """

    def __init__(
        self,
        mistake: str,
        seen: str,
        *,
        expected: str = "",
        at: str | None = None,
        stage: int | None = None,
    ) -> None:
        self.mistake = mistake
        self.seen = seen
        self.expected = expected
        self.at = at
        self.stage = stage
        super().__init__(f"{mistake}: {seen}")
