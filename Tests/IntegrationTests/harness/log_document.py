# SPDX-License-Identifier: Apache-2.0
"""docs/log.md as data, and the comparison of log lines with it."""

import re

from .gate import ROOT

PAGE = ROOT / "docs/log.md"


def names(heading: str) -> list[str]:
    """The names in backticks in the first column of the tables below a heading, up to the next heading of its level."""
    level = heading.split(" ")[0]
    section = PAGE.read_text().split(f"\n{heading}\n", 1)[1]
    section = re.split(rf"\n#{{1,{len(level)}}} ", section)[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.M)


ACCESS_FIELDS = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text().split("\n## Access lines\n")[1].split("\n## ")[0], re.M))
AUDIT_FIELDS = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text().split("\n## Audit lines\n")[1].split("\n### ")[0], re.M))
DECISIONS = set(names("## Decisions"))
REASONS = set(names("## Reasons"))
EVENTS = set(names("### Audit events"))
CAUSES = set(names("### Causes of a logout"))
# Decisions about which `detail` may say something although nothing was refused.
REMARKED = {"sign-in", "guest", "confirm", "redirect", "unauthenticated"}
UPSTREAM_CAUSES = names("## How an app failed")
TOLERATIONS = names("## What is accepted of an app")
ACTS = {"redirect", "unauthenticated", "denied"}
MESSAGES = set(re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| ([^|]+) \| (?:debug|trace) \|", PAGE.read_text(), re.M))))
STEPS = {name: rest for name, rest in re.findall(
    r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$", PAGE.read_text().split("\n### Steps of a decision\n")[1], re.M)}


def undocumented(line: dict) -> list[str]:
    """The parts of an access or audit line that the page does not document."""
    reason = line.get("reason")
    if line.get("kind") == "access":
        found = [f"field {name}" for name in line.keys() - ACCESS_FIELDS]
        if line.get("decision") not in DECISIONS:
            found.append(f"decision {line.get('decision')}")
        if line.get("would", "denied") not in ACTS:
            found.append(f"would {line['would']}")
        if reason is not None and reason not in REASONS:
            found.append(f"reason {reason}")
        if line.get("cause", UPSTREAM_CAUSES[0]) not in UPSTREAM_CAUSES:
            found.append(f"cause {line['cause']}")
        if ("cause" in line) != str(reason).startswith("upstream_"):
            found.append(f"reason {reason} with the cause {line.get('cause')}")
        if "detail" in line and reason is None and line.get("decision") not in REMARKED:
            found.append("detail without a reason")
        return found
    if line.get("kind") == "audit":
        found = [f"field {name}" for name in line.keys() - AUDIT_FIELDS]
        if line.get("event") not in EVENTS:
            found.append(f"event {line.get('event')}")
        if reason is not None and reason not in (CAUSES if line.get("event") == "logout" else REASONS):
            found.append(f"reason {reason} of {line.get('event')}")
        return found
    if line.get("logger") == "sidegate.request":
        return [f"message {line['message']}"] * (line["message"] not in MESSAGES) + undocumented_step(line)
    return []


def undocumented_step(line: dict) -> list[str]:
    if line["message"] != "step of the decision":
        return []
    name, answer = line["step"].partition(" of ")[0] if line["step"].startswith("key sets") else line["step"], line["answer"]
    answers = STEPS.get(name)
    if answers is None:
        return [f"step {name}"]
    answers = STEPS["single use"] if answers == "as `single use`" else answers
    known = re.fullmatch(r"\d+ bytes", answer) if "number of bytes" in answers else None
    return [] if known or f"`{answer.partition(': ')[0]}`" in answers else [f"answer {answer} of {name}"]
