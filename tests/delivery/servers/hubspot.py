"""HubSpot as its documentation describes it: properties, and batch upsert by a unique property."""

import json
import re
from dataclasses import dataclass, field

from tests.delivery.servers.base import TOKEN, Reply, Server

UPSERT = re.compile(r"/crm/v3/objects/(\w+)/batch/upsert")
PROPERTIES = re.compile(r"/crm/v3/properties/(\w+)")


def prop(name, kind, **others):
    return {
        "name": name,
        "type": kind,
        "fieldType": "text",
        "calculated": False,
        "hasUniqueValue": False,
        "modificationMetadata": {"readOnlyValue": False},
        **others,
    }


def wrong(message, category="VALIDATION_ERROR", **others):
    return {"status": "error", "message": message, "correlationId": "aeb5f871", "category": category, **others}


@dataclass
class HubSpotServer(Server):
    """It holds contacts by their unique property; ``bad`` ids have a value that their property cannot take."""

    key: str = "customer_id"
    properties: list = field(default_factory=list)
    contacts: dict = field(default_factory=dict)
    bad: set = field(default_factory=set)
    one_spoils_all: bool = False
    """A value that cannot be taken refuses its whole batch (400), as without trace ids, instead of a 207."""
    anonymous: bool = False
    """The errors of a 207 do not say whose they are."""
    traces: bool = True
    """Results and errors echo `objectWriteTraceId`; without, errors name ids."""
    silent: set = field(default_factory=set)
    """Ids that it neither keeps nor mentions."""
    token: str = TOKEN

    def answer(self, method, path, headers, body):
        if headers.get("Authorization") != f"Bearer {self.token}":
            told = headers.get("Authorization")  # no vendor would, but a proxy might
            return Reply(401, wrong(f"Authentication credentials {told} not found", "INVALID_AUTHENTICATION"))
        if method == "GET" and PROPERTIES.match(path):
            return Reply(200, {"results": self.properties})
        if method == "POST" and UPSERT.match(path):
            return self.upsert(json.loads(body)["inputs"])
        return Reply(404, wrong(f"{method} {path}", "OBJECT_NOT_FOUND"))

    def upsert(self, inputs):
        if len(inputs) > 100:
            return Reply(400, wrong("The maximum number of inputs supported in a batch request is 100"))
        known = {each["name"] for each in self.properties}
        for name in {name for each in inputs for name in each["properties"]} - known:
            said = [{"isValid": False, "error": "PROPERTY_DOESNT_EXIST", "name": name}]
            return Reply(400, wrong(f"Property values were not valid: {json.dumps(said)}"))
        assert {each["idProperty"] for each in inputs} == {self.key}
        assert all(isinstance(value, str) for each in inputs for value in each["properties"].values())
        assert len({each["objectWriteTraceId"] for each in inputs}) == len(inputs)
        spoilt = [each for each in inputs if each["id"] in self.bad]
        why = 'Property values were not valid: [{"error": "INVALID_INTEGER", "name": "clv"}]'
        if spoilt and self.one_spoils_all:
            return Reply(400, wrong(why))
        results = [self.kept(each) for each in inputs if each["id"] not in self.bad | self.silent]
        errors = [wrong(why, context=self.context(each)) for each in spoilt]
        said = {"status": "COMPLETE", "results": results, "startedAt": "2026-01-01T00:00:00Z"}
        return Reply(207, {**said, "numErrors": len(errors), "errors": errors}) if errors else Reply(200, said)

    def context(self, each):
        if self.anonymous:
            return {}
        return {"objectWriteTraceId": [each["objectWriteTraceId"]]} if self.traces else {"ids": [each["id"]]}

    def kept(self, each):
        contact = self.contacts.setdefault(each["id"], {self.key: each["id"]})
        for name, value in each["properties"].items():
            contact[name] = value
            if value == "":
                del contact[name]
        trace = {"objectWriteTraceId": each["objectWriteTraceId"]} if self.traces else {}
        return {"id": str(1000 + len(self.contacts)), "properties": dict(contact), "new": False, **trace}


def limited(policy, **headers):
    """A 429 of a policy: TEN_SECONDLY_ROLLING, DAILY."""
    said = {"status": "error", "message": f"You have reached your {policy} limit.", "errorType": "RATE_LIMIT"}
    return Reply(429, {**said, "policyName": policy, "correlationId": "c033cdaa"}, headers)
