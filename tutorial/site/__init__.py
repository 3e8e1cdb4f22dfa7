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
`bare: true`
    Shows the lines as they stand, with the step's name instead of the place, and no
    diff: for a page that tells how things work, and not what to type.
`made: true`
    Says "made for you" in place of "new file": for what a command writes.
`step`
    Another step than the page's.

A terminal
----------

    ```console
    # Terminal 2
    $ python3 -m tutorial manage ../my-search show_queue
    1 waiting in the queue
    …
    id         …
    ```

What one types in the tutorial's folder, and what the terminal prints. The title comes
first and may be left out. A command starts with `$ `, each further line of it with
`> `; what follows, up to the next command, is its output, or as much of it as the
reader needs: a line `…` stands for any number of lines, and `…` inside a line for any
characters. A command without output is one of which the page says nothing more.

The commands alone can be copied, without `$`. `tests/test_pages.py` types them where
they stand and compares what they print. Comments around the fences are the learner's
hands, `<!-- open -->` or `<!-- ask: What is a broker? -->`: see tests/learner/page.py.
A block that cannot run in a test says why in the line above it: `<!-- not run: it
needs an API key -->`. What is typed elsewhere, as `brew install`, is a plain `sh`.

The rest
--------

    ```flow
    ```

The picture of the flow: what earlier steps have, what this step adds (lit), and what is
still to come. On a page that is about no step all is lit. Each station leads to its
step's page or, with `stages: here`, to this page's own headings ("Stage 3: the queue").

    ```lead
    ```

How long a step takes, what it adds, and the way to its diff.

    ```steps
    ```

The table of all steps, for pages beside `steps/`.

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

    ```screenshot
    shot: answer
    caption: The page of step 4, after a reload.
    ```

A picture that `tutorial pictures` has taken of the running step, in the reader's theme.
`tutorial/capture/screenshots.py` lists them. The caption is Markdown, and optional.

    ```frame
    ```

What a browser receives through the WebSocket at this step, for the search of the log.

    ```film
    ```

Three moments of one search at step 7, one after the other.

    ```mistakes
    only: [no-worker, other-broker]
    ```

A short list of likely mistakes, by their ids in `tutorial/check/mistakes.toml`, from
which `check` speaks. `stage: 4` shows all of a stage, as `troubleshooting.md` does.
What goes wrong outside of a project, that page tells itself, in Markdown: a fence
`mistake` with an `id`, a `title`, a `symptom`, a `cause` and what to do, `mend`.

    ```pairs
    show: neighbours
    ```

Of the diff explorer: `choose`, the two selects; `neighbours`, what each step adds; or
`table`, each two steps. `explorer` makes its pages; another page links to one of them,
or to a file in it, as to any page: `../diff/3-4.md#search/views.py`.

    ```bench
    section: a
    ```

The figures of a section of `tutorial bench`, from `docs/recorded/bench.json`, which
`tutorial bench --json` has written; without a section, the machine.

An empty fence of these still needs its closing line. On every page but the
glossary, the terms of `docs/glossary.md` get their first sentences as a tooltip.
"""

from tutorial.site.extension import StepDocs, shown

__all__ = ["StepDocs", "makeExtension", "shown"]


def makeExtension(**options) -> StepDocs:  # noqa: N802 - Python-Markdown asks for it
    """The extension, as Python-Markdown finds it by this package's name."""
    return StepDocs(**options)
