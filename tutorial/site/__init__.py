"""Turns the fences of the site's pages into listings, diffs, logs and pictures.

In here: how the build shows the steps, the recordings and the list of mistakes.
Not in here: recording or measuring (`capture`, `bench`), and the pages (`docs/`).

This package is a Python-Markdown extension. It replaces the fences below with Markdown
before Python-Markdown parses the page. To add a kind of fence, extend `Page` in
`extension.py`, and describe the fence here. A page names its step in its front matter:

    ---
    step: 4
    ---

A fence may name a different step (`step: 3`, `step: final`). A step is compared with
the step before it. Pages never use line numbers. If a fence names something that does
not exist, or a text that occurs twice, the build fails with a message that names the
page. To show a fence itself, put four backticks around it.

A part of a file
----------------

    ```step
    file: search/views.py
    show: [imports, openai_index]
    notes:
      fetch_openai_results_task.delay: Returns at once; the work waits in Redis.
    ```

Above the listing, the page shows the name of the file and the place where the lines go.
The build computes this place. For a file that changes, there are two tabs. The tab "The
file" highlights the lines that this step adds, and strikes through the lines that it
removes. The tab "What changes" shows the same part as a diff. Both tabs start
from the file as it is after a reader has typed the listings above. Each part begins and
ends with lines that were already in the file. A new file has no tabs. If a listing
shows only a part of a new file, the page gives the place of the part's first lines. The
fields:

`file`
    The path of the file in the project.
`show`
    One name or a list of names. In a Python file, it can be the name of a function, a
    class, a method (`SearchConsumer.connect`) or an assignment. The decorators and
    comments above are part of it. `imports` is the first block of imports, and
    `docstring` is the module's docstring. For anything else, and in every other kind of
    file, the name is a text that occurs in exactly one line. It selects this line, all
    lines below it with a deeper indentation, and the closing line. Between two parts,
    the page shows "…", which is not copied. Without `show`, the listing shows all of a
    new file, or all changes to an existing file, with two lines around each change.
`notes`
    A text that occurs in one of the lines shown, and a note about that line, in
    Markdown. Put quotes around a text or a note that contains `: `, `#` or `{`.
`collapse: true`
    Folds the listing. Use it for stylesheets, and for files that Django generates.
`bare: true`
    Shows the lines with the step's name instead of the place, and without a diff. Use
    it on pages that explain how things work, not what to type.
`made: true`
    Shows "made for you" instead of "new file". Use it for files that a command writes.
`step`
    The step to show, if it is not the step of the page.

A terminal
----------

    ```console
    # Terminal 2
    $ python3 -m tutorial manage ../my-search show_queue
    1 waiting in the queue
    …
    id         …
    ```

Shows commands to type in the tutorial's folder, and what they print. The title comes
first and is optional. A command starts with `$ `, and each further line of it with
`> `. The lines below a command are its output, or only the part that a learner needs: a
line `…` stands for any number of lines, and `…` inside a line for any characters. If no
output follows a command, the page does not say what the command prints.

A learner can copy the commands, without the `$`. A test in tests/pages/ runs them in
the order of the page and compares their output. Comments between the fences, such as
`<!-- open -->` or `<!-- ask: What is a broker? -->`, are directives for this test.
tests/support/learner/ lists them. If a block cannot run in a test, the line above it
says why: `<!-- not run: it needs an API key -->`. For commands that are not typed in
the tutorial's folder, such as `brew install`, use a plain `sh` fence.

The rest
--------

    ```flow
    ```

Shows the picture of the flow: what earlier steps have added, what this step adds
(highlighted), and what later steps add. On a page without a step, everything is
highlighted. Each station links to its step's page or, with `stages: here`, to a heading
of this page ("Stage 3: the queue").

    ```travel
    ```

Shows how a recorded search moves through the picture of the flow, and lists its hops.
The live map of this step has shown these hops. `step: 7` names a different step.

    ```lead
    ```

Shows how long a step takes, what it adds, and a link to its diff.

    ```steps
    ```

Shows the table of all steps. Use it only on pages directly in `docs/`.

    ```tree
    ```

Shows the files of the step, and marks new and changed files. `under: search` shows only
the folder `search`.

    ```processes
    ```

Shows the processes of the Procfile, and what to install, migrate and restart.

    ```log
    ```

Shows the log lines of one search at this step. `tutorial pictures` has recorded them.
`only: [web, worker]` selects processes, `stages: [4, 5]` selects stages.

    ```screenshot
    shot: answer
    caption: The page of step 4, after a reload.
    ```

Shows a picture that `tutorial pictures` has taken of the running step, in the theme
that the reader has chosen. `tutorial/capture/screenshots.py` lists these pictures. The
caption is optional, and written in Markdown.

    ```frame
    ```

Shows the frame that a browser receives through the WebSocket at this step.

    ```film
    ```

Shows three screenshots of one search at step 7, one after the other, like a film.

    ```mistakes
    only: [no-worker, other-broker]
    ```

Shows a short list of likely mistakes. `only` names their ids in
`tutorial/check/mistakes.toml`, the file from which `tutorial check` takes its texts.
`stage: 4` shows all mistakes of stage 4 instead. `troubleshooting.md` uses this. On
that page, `mistake` fences describe mistakes outside a project, such as a port that is
in use. The fields of such a fence are `id`, `title`, `symptom`, `cause` and `fix`.

    ```pairs
    show: neighbours
    ```

Shows a part of the diff explorer: `choose` is the form in which a reader selects two
steps, `neighbours` lists what each step adds, and `table` links to every pair of steps.
`explorer/` generates the pages of the diff explorer. A link to one of these pages, or
to a file on it, is written like any other link: `../diff/3-4.md#search/views.py`.

    ```bench
    section: a
    ```

Shows the figures of a section of `tutorial bench`, from `docs/recorded/bench.json`,
which `tutorial bench --json` has written. Without a section, it shows the machine and
the versions of its programs.

An empty fence still needs its closing line. On every page except the glossary, each
term of the glossary has a tooltip with the first two sentences about it.
"""

from tutorial.site.extension import StepDocs, shown

__all__ = ["StepDocs", "makeExtension", "shown"]


def makeExtension(**options) -> StepDocs:  # noqa: N802 - the name that Python-Markdown requires
    """Return the extension. Python-Markdown finds this function by the package name."""
    return StepDocs(**options)
