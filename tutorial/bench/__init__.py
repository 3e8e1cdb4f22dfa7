"""`tutorial bench`: how fast is the flow, and against what?

A section each for (a) to (e): `overhead`, `first_token`, `throughput`, `idle_sockets`
and `pushes`. What they compare is started by `candidates`, beside an API of the
benchmark's own (`api`), and used by `visitors`, who do what a page in a browser does.
"""
