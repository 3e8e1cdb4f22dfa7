"""A learner who follows a page of the site, from top to bottom.

`page` reads what there is to do, `keyboard` types the listings, `terminal` the
commands, whose output `printed` compares, and `window` is the browser. `following` puts
them together.
"""

from support.learner.following import Learner, follow
from support.learner.page import HANDS, Page

__all__ = ["HANDS", "Learner", "Page", "follow"]
