"""From any source to a checked, frozen transaction log, and what its audit finds; no features, no models."""

from patron.data.audit import Audit, audit
from patron.data.log import TransactionLog
from patron.data.readers import read_transactions

__all__ = ["Audit", "TransactionLog", "audit", "read_transactions"]
