"""What a stage raises where the flow breaks, and yields for each finding."""


class Unmet(Exception):
    """The flow breaks at a stage, or something else is wrong there.

    `mistake` is an id of the catalogue, `mistakes.toml`, and `seen` what was seen
    instead of what was expected; `at` the line that it is about, such as
    "search/tasks.py:33"; `stage` the stage that the mistake belongs to, where that is
    another one than the stage that noticed it. `finding` is "unsafe" or "differs" where
    the flow goes through, and overrides the catalogue. An exception that it comes from
    is its `__cause__`.
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
