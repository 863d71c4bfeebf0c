"""Transactions that take turns, where the database has one writer.

SQLite lets one connection write. Who finds it busy sleeps and looks again, up to a tenth of a second later, and
meanwhile whoever happens to come is first: with 32 listeners some wait for seconds. The threads of one process
therefore queue here before they ask for the database, and only processes still compete. PostgreSQL has no need of it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection, transaction

_turn = threading.Lock()


@contextmanager
def writing() -> Iterator[None]:
    """`transaction.atomic()`, by turns; inside another transaction its part."""
    # whoever holds the database already must not wait for those that wait for it
    queues = connection.vendor == "sqlite" and not connection.in_atomic_block
    with _turn if queues else nullcontext(), transaction.atomic():
        yield
