"""Labels every object with the team that answers for it."""

import json
import re

from wit_world import exports
from wit_world.exports import describe as described
from wit_world.imports.types import Failure
from componentize_py_types import Err

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["team"],
    "properties": {
        "team": {"type": "string", "description": "Who answers for the objects."},
        "label": {"type": "string", "default": "team", "description": "The label's key."},
    },
}

LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


class Describe(exports.Describe):
    def describe(self):
        return described.Description(
            name="team-labels",
            version="0.1.0",
            summary="Labels every object with its team.",
            # Each object is handled as if it were alone.
            scope=described.Scope.OBJECT,
            configuration_schema=json.dumps(SCHEMA),
        )


class Transform(exports.Transform):
    def transform(self, objects, configuration):
        """Objects come and go as JSON texts."""
        config = json.loads(configuration)
        for key in config:
            if key not in SCHEMA["properties"]:
                raise failure(f"unknown key `{key}`, expected `team` or `label`", key)
        team = config.get("team")
        if not isinstance(team, str):
            raise failure("the configuration has no `team`", "team")
        if not LABEL_VALUE.fullmatch(team):
            raise failure(f"`{team}` cannot be the value of a label", "team")
        return [labelled(text, config.get("label", "team"), team) for text in objects]


def labelled(text, label, team):
    document = json.loads(text)
    document["metadata"].setdefault("labels", {})[label] = team
    return json.dumps(document, ensure_ascii=False)


def failure(message, field):
    return Err(Failure(message=message, object=None, field=field, hint=None))
