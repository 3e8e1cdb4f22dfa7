"""Where Redis is, in the words of each library that connects to it."""

import re
import ssl
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .environment import service_address

# Seconds. A Redis that hangs holds up a visitor for a moment, not for ever.
PATIENCE = {"socket_timeout": 2, "socket_connect_timeout": 2}
# An unreachable sentinel is not asked again: the next one is asked.
ASK_ONCE = {**PATIENCE, "retry": Retry(NoBackoff(), 0)}


class RedisAddress(NamedTuple):
    """A Redis at `url`, or else the master that the sentinels name."""

    url: str
    password: str | None = None
    sentinels: list | None = None
    master: str = ""
    database: int = 0

    @property
    def broker_url(self):
        """For Celery."""
        if self.sentinels:
            user = f":{quote(self.password, safe='')}@" if self.password else ""
            return ";".join(
                f"sentinel://{user}{host}:{port}/{self.database}"
                for host, port in self.sentinels
            )
        if self.url.startswith("unix:"):
            url = self.url.replace("unix:", "redis+socket:", 1)
            return re.sub(r"(?<=[?&])db=", "virtual_host=", url)
        return self.url

    @property
    def transport_options(self):
        """For Celery."""
        if not self.sentinels:
            return PATIENCE
        return {**PATIENCE, "master_name": self.master, "sentinel_kwargs": ASK_ONCE}

    @property
    def layer_host(self):
        """For channels-redis.

        It retries once: a connection that broke while it was idle fails at its next
        use.
        """
        options = {**PATIENCE, "retry": AsyncRetry(NoBackoff(), 1)}
        if not self.sentinels:
            return {"address": self.url, **options}
        return {
            "sentinels": self.sentinels,
            "master_name": self.master,
            "sentinel_kwargs": {**PATIENCE, "retry": AsyncRetry(NoBackoff(), 0)},
            "db": self.database,
            "password": self.password,
            **options,
        }

    def connect(self, **options):
        """A client of redis-py."""
        options |= PATIENCE
        if not self.sentinels:
            return redis.Redis.from_url(self.url, **options)
        return redis.Sentinel(self.sentinels, sentinel_kwargs=ASK_ONCE).master_for(
            self.master, db=self.database, password=self.password, **options
        )


def read_address(value, password):
    """The RedisAddress of REDIS_URL and REDIS_PASSWORD.

    The password may contain any character. Raises ImproperlyConfigured, without any
    part of it.
    """
    if value.startswith("sentinel:"):
        return read_sentinels(value, password)
    service_address(value, "REDIS_URL", "redis", "rediss", "unix")
    if password:
        parts = urlsplit(value)
        user, host = parts.username or "", parts.netloc.rpartition("@")[2]
        netloc = f"{user}:{quote(password, safe='')}@{host}"
        value = parts._replace(netloc=netloc).geturl()
    return RedisAddress(value)


def read_sentinels(value, password):
    found = re.fullmatch(
        r"sentinel://(?::([^@]*)@)?"  # the password of Redis
        r"((?:[\w.-]+:\d+,)*[\w.-]+:\d+)/([\w.-]+)(?:/(\d+))?",
        value,
    )
    if not found:
        raise ImproperlyConfigured(
            "REDIS_URL must be such as"
            " sentinel://sentinel-1:26379,sentinel-2:26379/NAME_OF_THE_MASTER/0"
        )
    hosts = [host.split(":") for host in found[2].split(",")]
    return RedisAddress(
        "",
        password or unquote(found[1] or "") or None,
        [(name, int(port)) for name, port in hosts],
        found[3],
        int(found[4] or 0),
    )


def explain(error, address):
    """What an operator has to know of an error of redis-py, without any secret."""
    reason = find_reason(error, address)
    return reason or f"Redis does not answer ({type(error).__name__})"


def find_reason(error, address):
    """A reason that stays until the configuration changes; None if Redis is away."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The certificate of Redis is refused: {cause.verify_message}"
    if isinstance(cause, FileNotFoundError) and address.url.startswith("rediss:"):
        return "REDIS_URL names a file that does not exist"
    if isinstance(error, redis.AuthenticationError):
        return "Redis refuses the password"
    # redis-py begins with HELLO, which Redis knows since its version 6.
    if "unknown command" in str(error) and "HELLO" in str(error):
        version = "unknown"
        # The older protocol needs no HELLO.
        with suppress(redis.RedisError), address.connect(protocol=2) as client:
            version = client.info("server")["redis_version"]
        return f"Redis is too old: version {version}, and 6.0 is the oldest"
    return None


def find_misconfiguration(address):
    """What is wrong with this Redis and stays so; None if it works, or is away."""
    try:
        with address.connect() as client:
            client.ping()
    except redis.RedisError as error:
        return find_reason(error, address)
    return None
