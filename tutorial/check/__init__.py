"""`tutorial check`: does a project do what the stages ask, and if not, why.

In here: the one judge of a stage. `stages` give the verdict, from outside alone;
`inside` explains it with what the observer, the settings and the code say; `judge` puts
both together, and `report` prints the result.
Not in here: how a project is started (`runtime`), what a visitor does (`visitor`), and
how the observer hears what happens (`observer`).
"""
