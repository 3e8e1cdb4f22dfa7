"""Takes what the site shows of the steps from the steps themselves, at build time.

A Python-Markdown extension: it turns the fences below into Markdown, before anything
else reads the page. A page says which step it is about in its front matter:

    ---
    step: 4
    ---

and a fence may say it, too (`step: 3`, `step: final`); the step before is then what it
is compared with. No line numbers anywhere: a name that is gone, or a text that is there
twice, fails the build with the page's name. To show a fence itself, put four backticks
around it.

A part of a file
----------------

    ```step
    file: search/views.py
    show: [imports, openai_index]
    notes:
      fetch_openai_results_task.delay: Returns at once; the work waits in Redis.
    ```

Above the listing stand the file and the place where the lines go, which is computed.
In a file that changes, two tabs follow: "The file", in which the lines that this step
adds are lit, and "What changes", which is the same part as a diff. A new file needs no
tabs. The fields:

`file`
    Its path in the project.
`show`
    One name or a list of them. In Python: a function, class, method
    (`SearchConsumer.connect`) or assignment, with the decorators and comments above it;
    `imports`, the first block of them; `docstring`, the module's. For anything else,
    and in every other kind of file, a text that is in one line only: this line, all
    that is indented deeper below it, and its closing line. What is between two parts
    shows as a line with "…". Without `show`: a new file whole, and of a file that
    changes all that changes, with two lines around it.
`notes`
    A text in one of the lines shown, and what is to be said about it (Markdown).
    Put quotes around a text or a note that holds `: `, `#` or `{`.
`collapse: true`
    Folds the listing: for stylesheets and what Django generates.
`step`
    Another step than the page's.

The rest
--------

    ```tree
    ```

The files of the step, with what is new and what changes. `under: search` for a folder.

    ```processes
    ```

The Procfile's processes, one terminal each, and what to install, migrate and restart.

    ```log
    ```

What one search leaves in the log at this step, as `tutorial pictures` has seen it.
`only: [web, worker]` for some of its processes, `stages: [4, 5]` for some stages.

An empty fence of these three still needs its closing line. On every page but the
glossary, the terms of `docs/glossary.md` get their first sentences as a tooltip.
"""

from tutorial.stepdocs.extension import StepDocs, shown

__all__ = ["StepDocs", "makeExtension", "shown"]


def makeExtension(**options) -> StepDocs:  # noqa: N802 - Python-Markdown asks for it
    """The extension, as Python-Markdown finds it by this package's name."""
    return StepDocs(**options)
