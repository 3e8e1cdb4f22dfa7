"""`tutorial bench`: how fast the flow is, compared with the shortest possible program.

In here: what is compared, how it is measured, and the table that is printed.
Not in here: how the site shows the figures (`site`).

There is one module per section, (a) to (g): `overhead`, `first_token`, `throughput`,
`idle_sockets`, `pushes`, `crowd` and `watched`. `candidates` starts the benchmark's own
API (`api`), and the programs that are compared. The visitors in `visitors` do what a
page in a browser does.
"""
