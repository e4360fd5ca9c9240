// Labels every object with the team that answers for it.

const SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["team"],
  properties: {
    team: { type: "string", description: "Who answers for the objects." },
    label: { type: "string", default: "team", description: "The label's key." },
  },
};

const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

export const describe = {
  describe() {
    return {
      name: "team-labels",
      version: "0.1.0",
      summary: "Labels every object with its team.",
      // Each object is handled as if it were alone.
      scope: "object",
      configurationSchema: JSON.stringify(SCHEMA),
    };
  },
};

export const transform = {
  // Objects come and go as JSON texts; what is thrown is a `failure` of the contract.
  transform(objects, configuration) {
    const { team, label = "team", ...unknown } = JSON.parse(configuration);
    for (const key of Object.keys(unknown)) {
      throw failure(`unknown key \`${key}\`, expected \`team\` or \`label\``, key);
    }
    if (typeof team !== "string") {
      throw failure("the configuration has no `team`", "team");
    }
    if (!LABEL_VALUE.test(team)) {
      throw failure(`\`${team}\` cannot be the value of a label`, "team");
    }
    return objects.map((text) => {
      const object = JSON.parse(text);
      object.metadata.labels = { ...object.metadata.labels, [label]: team };
      return JSON.stringify(object);
    });
  },
};

function failure(message, field) {
  return { message, object: undefined, field, hint: undefined };
}
