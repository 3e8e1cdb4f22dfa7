"""A learner who follows a page of the site, from top to bottom.

`page` reads the actions of a page, `keyboard` types the listings, `terminal` runs the
commands, `printed` compares their output, and `window` is the browser. `following`
combines them.
"""

from support.learner.following import Learner, follow
from support.learner.page import Page

__all__ = ["Learner", "Page", "follow"]
