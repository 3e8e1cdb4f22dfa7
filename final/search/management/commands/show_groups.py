"""Stage 5 · signal: prints the groups that have subscribers, as Redis reports them."""

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.redis_address import explain

# The name of a group's Redis channel is this prefix and the name of the group.
PREFIX = settings.CHANNEL_LAYERS["default"]["CONFIG"]["prefix"] + "__group__"


class Command(BaseCommand):
    help = "Print each group with its number of subscribed processes."

    def handle(self, *args, **options):
        server = settings.REDIS.connect(decode_responses=True)
        try:
            subscribed = server.pubsub_numsub(*server.pubsub_channels(f"{PREFIX}*"))
        except redis.RedisError as error:
            raise CommandError(explain(error, settings.REDIS)) from error

        self.stdout.write(f"groups with subscribers: {len(subscribed)}")
        for channel, processes in subscribed:
            self.stdout.write(f"{channel.removeprefix(PREFIX)}  {processes}")
