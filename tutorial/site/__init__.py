"""The site: turns the fences of a page into listings, differences, logs and pictures.

In here: what the build makes of the steps, the recordings and the list of mistakes.
Not in here: recording or measuring (`capture`, `bench`), and the pages (`docs/`).

It is a Python-Markdown extension, which replaces the fences below with Markdown before
anything else reads the page. To add a kind of fence, extend `Page` in `extension.py`,
and describe the fence here. A page names its step in its front matter:

    ---
    step: 4
    ---

A fence may name a different step (`step: 3`, `step: final`). The step is compared with
the one before it. Pages never use line numbers. The build fails, with the page's name,
if a name no longer exists or a text occurs twice. To show a fence itself, put four
backticks around it.

A part of a file
----------------

    ```step
    file: search/views.py
    show: [imports, openai_index]
    notes:
      fetch_openai_results_task.delay: Returns at once; the work waits in Redis.
    ```

Above the listing, the page shows the file and the place where the lines go, which is
computed. For a file that changes, there are two tabs: "The file", in which the lines
that this step adds are highlighted and the lines that it removes are struck through,
and "What changes", with the same part as a diff. Both show the file as it is after a
reader has typed the listings above. Each part begins and ends with lines that were
already in the file. A new file has no tabs. If a listing shows only a part of a new
file, its place is that of its first lines. The fields:

`file`
    Its path in the project.
`show`
    One name or a list of names. In Python: a function, class, method
    (`SearchConsumer.connect`) or assignment, with the decorators and comments above it;
    `imports`, the first block of imports; `docstring`, the module's docstring. For
    anything else, and in every other kind of file: a text that occurs in exactly one
    line, which selects this line, all lines below it with a deeper indentation, and the
    closing line. Between two parts, the page shows "…", which is not copied. Without
    `show`: all of a new file, or all changes to an existing file, with two lines around
    each.
`notes`
    A text that occurs in one of the lines shown, and a note about that line, in
    Markdown. Put quotes around a text or a note that contains `: `, `#` or `{`.
`collapse: true`
    Folds the listing. For stylesheets, and for files that Django generates.
`bare: true`
    Shows the lines with the step's name instead of the place, and without a diff. For
    pages that explain how things work, not what to type.
`made: true`
    Shows "made for you" instead of "new file". For files that a command writes.
`step`
    A step other than the page's.

A terminal
----------

    ```console
    # Terminal 2
    $ python3 -m tutorial manage ../my-search show_queue
    1 waiting in the queue
    …
    id         …
    ```

Commands to type in the tutorial's folder, and what they print. The title comes first
and is optional. A command starts with `$ `, and each further line of it with `> `. The
lines up to the next command are its output, or the part that the reader needs: a line
`…` stands for any number of lines, and `…` inside a line for any characters. For a
command without output, the page makes no statement about what it prints.

Readers can copy the commands, without the `$`. A test in tests/pages/ runs them in the
order of the page and compares their output. Comments between the fences are directives
for this test, such as `<!-- open -->` or `<!-- ask: What is a broker? -->`:
tests/support/learner/ lists them. If a block cannot run in a test, the line above it
says why: `<!-- not run: it needs an API key -->`. For commands that are not typed in
the tutorial's folder, such as `brew install`, use a plain `sh` fence.

The rest
--------

    ```flow
    ```

The picture of the flow: what earlier steps have, what this step adds (highlighted), and
what is still to come. On a page without a step, everything is highlighted. Each station
links to its step's page or, with `stages: here`, to a heading of this page ("Stage 3:
the queue").

    ```travel
    ```

A recorded search on its way through the picture of the flow, and the list of its hops,
as the live map has shown them at this step. `step: 7` names a different step.

    ```lead
    ```

How long a step takes, what it adds, and a link to its diff.

    ```steps
    ```

The table of all steps, for pages directly in `docs/`.

    ```tree
    ```

The files of the step; new and changed files are marked. `under: search` shows only that
folder.

    ```processes
    ```

The processes of the Procfile, and what to install, migrate and restart.

    ```log
    ```

The log lines of one search at this step, as `tutorial pictures` has recorded them.
`only: [web, worker]` selects processes, `stages: [4, 5]` selects stages.

    ```screenshot
    shot: answer
    caption: The page of step 4, after a reload.
    ```

A picture that `tutorial pictures` has taken of the running step, in the reader's theme.
`tutorial/capture/screenshots.py` lists them. The caption is Markdown, and optional.

    ```frame
    ```

The frame that a browser receives through the WebSocket at this step.

    ```film
    ```

Three screenshots of one search at step 7, which follow one another like a film.

    ```mistakes
    only: [no-worker, other-broker]
    ```

A short list of likely mistakes, by their ids in `tutorial/check/mistakes.toml`, from
which `check` takes its texts. `stage: 4` shows all mistakes of a stage, as in
`troubleshooting.md`. Mistakes that are not made in a project, such as a port that is in
use, are written on that page itself: a fence `mistake` with an `id`, a `title`, a
`symptom`, a `cause` and what to do (`fix`).

    ```pairs
    show: neighbours
    ```

A part of the diff explorer: `choose` is the form with two selects, `neighbours` lists
what each step adds, `table` links to every pair of steps. `explorer/` generates the
pages. Link to one of them, or to a file in it, as to any page:
`../diff/3-4.md#search/views.py`.

    ```bench
    section: a
    ```

The figures of a section of `tutorial bench`, from `docs/recorded/bench.json`, which
`tutorial bench --json` has written. Without a section: the machine and its versions.

An empty fence still needs its closing line. On every page except the glossary, terms of
the glossary have their first two sentences as a tooltip.
"""

from tutorial.site.extension import StepDocs, shown

__all__ = ["StepDocs", "makeExtension", "shown"]


def makeExtension(**options) -> StepDocs:  # noqa: N802 - the name that Python-Markdown requires
    """The extension. Python-Markdown finds this function by the package's name."""
    return StepDocs(**options)
