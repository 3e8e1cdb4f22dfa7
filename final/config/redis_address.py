"""Where Redis is, in the words of each library that connects to it."""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from .environment import service_address

SENTINEL = "sentinel://sentinel-1:26379,sentinel-2:26379/NAME_OF_THE_MASTER/0"
OLDEST = 6  # the first version of Redis that knows HELLO, which redis-py begins with


@dataclass(frozen=True)
class RedisAddress:
    """A Redis at `url`, or else the master that the sentinels name.

    An unreachable sentinel is not asked again: the next one is asked.
    """

    url: str
    password: str = ""
    sentinels: tuple[tuple[str, int], ...] = ()
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
        parts = urlsplit(self.url)
        if parts.scheme != "unix":
            return self.url
        user, _, _ = parts.netloc.rpartition("@")
        at = f"{user}@" if user else ""
        number = re.search(r"db=(\d+)", parts.query)
        query = f"?virtual_host={number[1]}" if number else ""
        return f"redis+socket://{at}{parts.path}{query}"

    def transport_options(self, patience):
        """For Celery: `patience` are the time-outs, also of a sentinel that hangs."""
        if not self.sentinels:
            return patience
        sentinel = {**patience, "retry": Retry(NoBackoff(), 0)}
        return {**patience, "master_name": self.master, "sentinel_kwargs": sentinel}

    def layer_host(self, patience):
        """For channels-redis.

        It retries once: a connection that broke while it was idle fails at its next
        use.
        """
        patience = {**patience, "retry": AsyncRetry(NoBackoff(), 1)}
        if not self.sentinels:
            return {"address": self.url, **patience}
        return {
            "sentinels": list(self.sentinels),
            "master_name": self.master,
            "sentinel_kwargs": {**patience, "retry": AsyncRetry(NoBackoff(), 0)},
            "db": self.database,
            "password": self.password or None,
            **patience,
        }

    def connect(self, **options):
        """A client of redis-py."""
        if not self.sentinels:
            return redis.Redis.from_url(self.url, **options)
        timeouts = {name: options[name] for name in options if "timeout" in name}
        sentinel = {**timeouts, "retry": Retry(NoBackoff(), 0)}
        found = redis.Sentinel(self.sentinels, sentinel_kwargs=sentinel)
        password = self.password or None
        return found.master_for(
            self.master, db=self.database, password=password, **options
        )


def read_address(value, password=""):
    """The RedisAddress of REDIS_URL and REDIS_PASSWORD.

    Raises ImproperlyConfigured, without any part of a password.
    """
    if not value.startswith("sentinel:"):
        service_address(value, "REDIS_URL", "redis", "rediss", "unix")
        return RedisAddress(with_password(value, password))
    found = re.fullmatch(
        r"sentinel://(?::([^@]*)@)?([^/@]+)/([\w.-]+)(?:/(\d+))?", value
    )
    hosts = [host.rpartition(":") for host in found[2].split(",")] if found else []
    if not hosts or not all(name and port.isdecimal() for name, _, port in hosts):
        raise ImproperlyConfigured(f"REDIS_URL must be such as {SENTINEL}")
    return RedisAddress(
        "",
        password or unquote(found[1] or ""),
        tuple((name, int(port)) for name, _, port in hosts),
        found[3],
        int(found[4] or 0),
    )


def with_password(url, password):
    """The address with that password, which may contain any character."""
    if not password:
        return url
    parts = urlsplit(url)
    user, host = parts.username or "", parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


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
    if "unknown command" in str(error) and "HELLO" in str(error):
        version = "unknown"
        # The older protocol needs no HELLO.
        client = address.connect(protocol=2, socket_timeout=2)
        with suppress(redis.RedisError), client:
            version = client.info("server")["redis_version"]
        return f"Redis is too old: version {version}, and {OLDEST}.0 is the oldest"
    return None


def find_misconfiguration(address):
    """What is wrong with this Redis and stays so; None if it works, or is away."""
    try:
        with address.connect(socket_timeout=2, socket_connect_timeout=2) as client:
            client.ping()
    except redis.RedisError as error:
        return find_reason(error, address)
    return None
