"""Salesforce as its documentation describes it: logging in, describing an object, Bulk API 2.0 ingest jobs."""

import csv
import io
import itertools
import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tests.delivery.servers.base import TOKEN, Reply, Server

SESSION = "00D5w!AQ8AQKmPz"
"""What the sessions begin with that logins open: secrets too."""
DATA = re.compile(r"/services/data/v[\d.]+/(.*)")
INVALID_SESSION = Reply(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
LOGIN_ANSWER = """<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope
xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><loginResponse><result>
<serverUrl>https://acme.my.salesforce.com/services/Soap/u/59.0/00D</serverUrl><sessionId>{token}</sessionId>
</result></loginResponse></soapenv:Body></soapenv:Envelope>"""
LOGIN_FAULT = """<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope
xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="urn:fault.partner.soap.sforce.com"><soapenv:Body>
<soapenv:Fault><detail><sf:LoginFault><sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode><sf:exceptionMessage>Invalid
username, password, security token; or user locked out.</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>
</soapenv:Body></soapenv:Envelope>"""


def column(name, kind, **others):
    return {"name": name, "type": kind, "createable": True, "updateable": True, "externalId": False, **others}


def error(status, code, message):
    return Reply(status, [{"errorCode": code, "message": message}])


@dataclass
class Job:
    """An ingest job."""

    id: str
    wanted: dict
    state: str = "Open"
    contents: list = field(default_factory=list)
    results: dict = field(
        default_factory=lambda: {"successfulResults": [], "failedResults": [], "unprocessedrecords": []}
    )
    message: str = ""

    @property
    def ids(self):
        key = self.wanted["externalIdFieldName"]
        return {row[key] for content in self.contents for row in rows_of(content)}


def rows_of(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


@dataclass
class SalesforceServer(Server):
    """It holds records by their external id; ``bad`` ids fail, ``locked`` ones so many times."""

    columns: list = field(default_factory=list)
    records: dict = field(default_factory=dict)
    jobs: dict = field(default_factory=dict)
    bad: set = field(default_factory=set)
    locked: dict = field(default_factory=dict)
    silent: set = field(default_factory=set)
    """Ids that it writes and mentions in no result."""
    fails_after: int | None = None
    """The next job fails when so many rows are through."""
    aborts_after: int | None = None
    """An administrator aborts the next job when so many rows are through."""
    lives: dict = field(default_factory=lambda: {TOKEN: 10**9})
    """Session: how many requests it is good for."""
    password: str = "pass-5566778899"
    logins: int = 0
    collisions: list = field(default_factory=list)
    """Jobs that were set to work on rows that another one was working on."""
    serial: itertools.count = field(default_factory=lambda: itertools.count(1))

    def answer(self, method, path, headers, body):
        if path.startswith("/services/Soap/u/") or path == "/services/oauth2/token":
            return self.log_in(path, headers, body.decode())
        session = headers.get("Authorization", "").removeprefix("Bearer ")
        if self.lives.get(session, 0) <= 0:
            return INVALID_SESSION
        self.lives[session] -= 1
        rest = DATA.match(path)[1]
        if rest == "sobjects/Contact/describe":
            return Reply(200, {"name": "Contact", "fields": self.columns})
        if rest == "jobs/ingest" and method == "POST":
            job = Job(f"750{next(self.serial):012d}AAA", json.loads(body))
            assert job.wanted["operation"] == "upsert"
            assert (job.wanted["lineEnding"], job.wanted["contentType"]) == ("LF", "CSV")
            self.jobs[job.id] = job
            return Reply(200, self.said(job))
        found = re.match(r"jobs/ingest/(\w+)/?(\w*)", rest)
        if not found or found[1] not in self.jobs:
            return error(404, "NOT_FOUND", "The requested resource does not exist")
        return self.about(method, self.jobs[found[1]], found[2], body)

    def log_in(self, path, headers, body):
        self.logins += 1
        if self.password not in body and self.password not in str(headers.get("Authorization")):
            asked = parse_qs(body)
            said = {"error": "invalid_client", "error_description": f"invalid client credentials {asked}"}
            return Reply(500, LOGIN_FAULT, kind="text/xml") if "Soap" in path else Reply(400, said)
        token = f"{SESSION}-{self.logins}"
        self.lives[token] = 10**9
        if "Soap" in path:
            return Reply(200, LOGIN_ANSWER.format(token=token), kind="text/xml")
        return Reply(200, {"access_token": token, "instance_url": "https://acme.my.salesforce.com"})

    def about(self, method, job, what, body):
        if method == "PUT":
            if job.state != "Open":
                return error(400, "INVALIDJOBSTATE", f"{job.state} jobs take no data")
            job.contents.append(body)
            return Reply(201)
        if method == "PATCH":
            return self.moved(job, json.loads(body)["state"])
        if what:
            return Reply(200, self.result(job, what), kind="text/csv")
        if job.state == "UploadComplete":
            job.state = "InProgress"
        elif job.state == "InProgress":
            self.work(job)
        return Reply(200, self.said(job))

    def moved(self, job, state):
        if state == "Aborted" and job.state not in {"JobComplete", "Failed", "Aborted"}:
            job.state = "Aborted"
        elif state == "UploadComplete" and job.state == "Open":
            if len(job.contents) > 1:
                return error(400, "INVALIDJOB", f"Found multiple contents for job: <{job.id}>, only do 'PUT' once")
            if not job.contents:
                return error(400, "INVALIDJOBSTATE", "no data")
            busy = [each for each in self.jobs.values() if each.state in {"UploadComplete", "InProgress"}]
            self.collisions += [(job.id, each.id) for each in busy if each.ids & job.ids]
            job.state = "UploadComplete"
        else:
            return error(400, "INVALIDJOBSTATE", f"a job that is {job.state} cannot become {state}")
        return Reply(200, self.said(job))

    def said(self, job):
        counts = {"numberRecordsProcessed": len(job.results["successfulResults"]) + len(job.results["failedResults"])}
        told = {"id": job.id, "object": job.wanted["object"], "state": job.state, "apiVersion": 59.0, **counts}
        return {**told, "errorMessage": job.message} if job.message else told

    def work(self, job):
        key, done = job.wanted["externalIdFieldName"], job.results
        rows, job.state = rows_of(job.contents[0]), "JobComplete"
        ends, self.fails_after, self.aborts_after = (self.fails_after, self.aborts_after), None, None
        for place, row in enumerate(rows):
            if place in ends:
                job.state = "Failed" if place == ends[0] else "Aborted"
                job.message = "InternalServerError : the batch was retried 20 times" if place == ends[0] else ""
                done["unprocessedrecords"] = rows[place:]
                break
            self.write(row, key, done)

    def write(self, row, key, done):
        customer = row[key]
        if self.locked.get(customer, 0) > 0:
            self.locked[customer] -= 1
            said = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"
            done["failedResults"].append({"sf__Id": "", "sf__Error": said, **row})
        elif customer in self.bad:
            said = f'STRING_TOO_LONG:data value too large: "{row.get("Segment__c")}"\n(max length=10):Segment__c --'
            done["failedResults"].append({"sf__Id": "", "sf__Error": said, **row})
        else:
            record = self.records.setdefault(customer, {})
            record.update({name: value for name, value in row.items() if value not in {"", "#N/A"}})
            for name in [name for name, value in row.items() if value == "#N/A"]:
                record.pop(name, None)
            if customer not in self.silent:
                done["successfulResults"].append(
                    {"sf__Id": f"003{len(self.records):012d}", "sf__Created": "false", **row}
                )

    def result(self, job, which):
        names = next(csv.reader(io.StringIO(job.contents[0].decode()))) if job.contents else []
        first = {"successfulResults": ["sf__Id", "sf__Created"], "failedResults": ["sf__Id", "sf__Error"]}.get(
            which, []
        )
        text = io.StringIO()
        writer = csv.DictWriter(text, [*first, *names], lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(job.results[which])
        return text.getvalue()
