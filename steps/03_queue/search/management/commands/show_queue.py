"""Stage 3 · queue: prints the messages that wait in Redis, decoded."""

import base64
import json

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Print each message that waits in the queue, oldest first."

    def handle(self, *args, **options):
        broker = redis.Redis.from_url(settings.CELERY_BROKER_URL)
        try:
            # Celery pushes at the left end of this list; a worker takes from the right.
            waiting = broker.lrange("celery", 0, -1)[::-1]
        except redis.RedisError as error:
            raise CommandError(f"Redis does not answer: {error}") from error

        self.stdout.write(f"{len(waiting)} waiting in the queue")
        for message in map(json.loads, waiting):
            task_args, task_kwargs, _ = json.loads(base64.b64decode(message["body"]))
            self.stdout.write(f"\ntask       {message['headers']['task']}")
            self.stdout.write(f"arguments  {task_args} {task_kwargs}")
            self.stdout.write(f"id         {message['headers']['id']}")
