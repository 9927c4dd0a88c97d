"""Write a document as a comment on the pull request of a GitHub workflow, once; then update it.

Called by action.yml with the document's file and a name. The comment carries the name in a hidden
marker, by which the next run finds it. Only the standard library is used, and no failure to comment
ends the job: what is checked decides about that.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

PAGE = 100
"""Comments on a page of the answer, the most that GitHub gives."""
LONGEST = 65_536
"""Characters of a comment that GitHub takes."""
SECONDS = 30
_NOT_OURS = (403, 404)
"""Somebody else's comment, which cannot be changed, or one that was deleted meanwhile."""


class PullRequest(NamedTuple):
    """Where to comment, and with which token."""

    comments: str
    """The address of its comments."""
    comment: str
    """The address that the number of a comment is added to."""
    token: str


def pull_request(environment: Mapping[str, str]) -> PullRequest | None:
    """The pull request that the workflow runs for; None if it runs for something else."""
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    number = event.get("pull_request", {}).get("number")
    if number is None:
        return None
    issues = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}/issues"
    return PullRequest(
        f"{issues}/{int(number)}/comments", f"{issues}/comments", environment["GITHUB_TOKEN"]
    )


def marker(name: str) -> str:
    """A comment of HTML, which GitHub does not show; the name cannot end it."""
    return f"<!-- vtbench: {re.sub(r'[^A-Za-z0-9 ._/-]', '', name).replace('--', '-')} -->"


def body_of(document: str, name: str, run: str) -> str:
    """The comment: marker, heading, document, and a link to the run; cut if it is too long."""
    head, foot = f"{marker(name)}\n## {name}\n\n", f"\n\n[Details of this run]({run})\n"
    cut = "\n\nThe rest is too long for a comment; the summary of the run has all of it."
    room = LONGEST - len(head) - len(foot)
    if len(document) > room:
        document = document[: room - len(cut)].rpartition("\n")[0] + cut
    return head + document.rstrip("\n") + foot


def write(where: PullRequest, body: str, mark: str) -> str:
    """Change the comment that carries the marker, or write one; which of the two was done."""
    if any(_changed(where, number, body) for number in _marked(where, mark)):
        return "updated"
    _ask(where, "POST", where.comments, {"body": body})
    return "written"


def _changed(where: PullRequest, number: int, body: str) -> bool:
    """Whether a comment could be changed."""
    try:
        _ask(where, "PATCH", f"{where.comment}/{number}", {"body": body})
    except urllib.error.HTTPError as error:
        if error.code in _NOT_OURS:
            return False
        raise
    return True


def _marked(where: PullRequest, mark: str) -> Iterator[int]:
    """The numbers of the comments that begin with the marker, oldest first."""
    page = 1
    while True:
        found = _ask(where, "GET", f"{where.comments}?per_page={PAGE}&page={page}")
        yield from (each["id"] for each in found if (each["body"] or "").startswith(mark))
        if len(found) < PAGE:
            return
        page += 1


def _ask(where: PullRequest, method: str, address: str, data: Any = None) -> Any:
    request = urllib.request.Request(  # noqa: S310  # the address is GitHub's, from the runner
        address,
        method=method,
        data=None if data is None else json.dumps(data).encode(),
        headers={
            "Authorization": f"Bearer {where.token}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        return json.load(answer)


def _why(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError) and error.code in (401, *_NOT_OURS):
        return (
            f"GitHub answered {error.code}. The job needs `permissions: pull-requests: write`; a "
            "pull request from a fork has a token that only reads, and its figures are in the "
            "summary of the run."
        )
    return f"{type(error).__name__}: {error}"


def said_of(file: str, name: str, environment: Mapping[str, str]) -> str:
    """Comment, and say what was done, or as a warning why nothing was."""
    try:
        where = pull_request(environment)
        if where is None:
            return "::notice::vtbench check: this is not a pull request, so it has no comment."
        server, repository = environment["GITHUB_SERVER_URL"], environment["GITHUB_REPOSITORY"]
        run = f"{server}/{repository}/actions/runs/{environment['GITHUB_RUN_ID']}"
        body = body_of(Path(file).read_text(encoding="utf-8"), name, run)
        return f"The comment {name!r} was {write(where, body, marker(name))}."
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        why = " ".join(_why(error).split()).replace("%", "%25")
        return f"::warning title=vtbench check::The comment could not be written. {why}"


if __name__ == "__main__":
    sys.stdout.write(said_of(*sys.argv[1:], os.environ) + "\n")
