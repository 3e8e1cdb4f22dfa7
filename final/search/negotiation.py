"""Which kind of response a request wants: a page, or JSON for the page's script."""


def wants_json(request):
    kinds = ["text/html", "application/json"]
    return request.get_preferred_type(kinds) == "application/json"
