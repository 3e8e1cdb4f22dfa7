"""Stage 1 · template: the page has a form and opens a WebSocket."""

from tutorial.specifications.site import Site, Unmet
from tutorial.specifications.visitor import NO_FORM, Visitor

MISSING = NO_FORM


def check(site: Site) -> str:
    """The page has a form that is sent by POST, and a script that opens a WebSocket."""
    visitor = Visitor(site)
    answer = visitor.get()
    if answer.status != 200:
        raise Unmet(f"The page was answered with status {answer.status}, not 200")
    form = visitor.form()
    if "csrfmiddlewaretoken" not in form.fields:
        raise Unmet("The form has no CSRF token: Django refuses it")
    sources = answer.page.inline_scripts
    for address in answer.page.scripts:
        script = visitor.get(address)
        if script.status != 200:
            raise Unmet(
                f"The script {address} was answered with status {script.status}"
            )
        sources.append(script.html)
    if not any("new WebSocket(" in source for source in sources):
        raise Unmet("No script of the page opens a WebSocket")
    return f'a form with the field "{form.text_field}", and a script with a WebSocket'
