"""Stage 5 · signal: hears of a finished search and tells its user's group."""

import logging
from functools import partial

from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from .live import PATIENCE_OF_WORKER, broadcast, close_sockets, digest, group_of
from .signals import search_completed

logger = logging.getLogger(__name__)


@receiver(search_completed)
async def broadcast_search_result(sender, search_result, **kwargs):
    logger.info(
        "stage 5 · signal · %.8s · broadcasts to %s",
        search_result.task_id,
        group_of(search_result.user_id),
    )
    state = search_result.state()
    await broadcast(search_result.user_id, state, PATIENCE_OF_WORKER)


# When a user loses access, the socket must be closed. If this message is lost, the
# consumer's own check closes it a little later.


@receiver(user_logged_out)
async def close_sockets_of_session(sender, request, user, **kwargs):
    if user and request.session.session_key:
        await try_to_close(user.pk, digest(request.session.session_key))


@receiver(post_delete, sender=get_user_model())
def close_sockets_of_user(sender, instance, **kwargs):
    # After the commit. And no transaction waits for a Redis that hangs.
    close = partial(async_to_sync(try_to_close), instance.pk)
    transaction.on_commit(close)


async def try_to_close(user_id, session=None):
    try:
        await close_sockets(user_id, session)
    except Exception as error:
        logger.warning(
            "%s: open sockets stay until checked (%s)",
            group_of(user_id),
            type(error).__name__,
        )
