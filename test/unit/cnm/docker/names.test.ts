import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  alternativeName,
  checkDockerId,
  isProvisional,
  nameFromDocker,
  provisionalName,
  serviceOfOption,
  serviceOption,
} from "../../../../src/cnm/docker/names.ts";
import { checkName } from "../../../../src/cnm/names.ts";

const id = "0123456789ab".padEnd(64, "c");

test("what has no name yet is named by its id", () => {
  expect(provisionalName(id)).toBe("docker-0123456789ab");
  expect(isProvisional("docker-0123456789ab", id)).toBe(true);
  expect(isProvisional("web", id)).toBe(false);
});

test.each([
  ["web", "web"],
  ["my_app.web.1", "my_app-web-1"],
  ["-x", "x"],
  ["_", "unnamed"],
  ["", "unnamed"],
  ["x".repeat(200), "x".repeat(128)],
])("Docker's name %s is %s here", (dockers, ours) => {
  expect(nameFromDocker(dockers)).toBe(ours);
});

test("whatever Docker calls it, a name is one of ours, and so is another one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const name = nameFromDocker(text);
      expect(checkName("service name", name)).toBe(name);
      const other = alternativeName(name, id);
      expect(checkName("service name", other)).toBe(other);
      expect(other).not.toBe(name);
    }),
  );
});

test("a service's name survives the lower case of the docker command", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/), (name) => {
      expect(serviceOfOption(serviceOption(name).toLowerCase())).toBe(name);
    }),
  );
  expect(serviceOfOption("db")).toBe("db");
  expect(serviceOfOption("xyz")).toBe("xyz");
});

test.each(["", "abc", "A".repeat(64), `${"a".repeat(63)}/`, "a".repeat(65)])("%j is no id of Docker's", (text) => {
  expect(() => checkDockerId("network", text)).toThrow(expect.objectContaining({ code: "usage" }));
});

test("an id of Docker's is one", () => {
  expect(checkDockerId("network", id)).toBe(id);
});
