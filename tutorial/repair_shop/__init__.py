"""The repair shop: projects with one mistake, for learners who search for it.

In here: which mistakes there are, how one gets into a folder, and what the shop says.
Not in here: how a project is judged (`check`), nor what a mistake is called there.
"""
