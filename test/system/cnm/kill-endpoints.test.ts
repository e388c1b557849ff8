/** SIGKILL at every step of the commands that plumb containers. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Container } from "../../helpers/container.ts";
import { makeHost, type Host } from "../../helpers/host.ts";
import { startResident, type Resident } from "../../helpers/resident.ts";
import { killEverywhere, type Story } from "./killed.ts";

const networks = [
  "network create --subnet 10.1.0.0/24 --subnet fd00:1::/64 front",
  "network create --subnet 10.2.0.0/24 --subnet fd00:2::/64 back",
];
const services = ["service publish web.front", "service publish db.back"];
const end = ["service unpublish -f --ignore web.front db.back", "network rm front back"];

const stories: Record<string, Story> = {
  "service attach, the first of its sandbox": {
    given: [...networks, ...services],
    command: "service attach c1 web.front",
    undo: ["service detach --ignore web.front"],
    end,
  },
  "service attach, to a second network": {
    given: [...networks, ...services, "service attach c1 db.back"],
    command: "service attach --priority -1 c1 web.front",
    undo: ["service detach --ignore web.front"],
    end,
  },
  "service attach, as the winner of the default route": {
    given: [...networks, ...services, "service attach c1 db.back"],
    command: "service attach --priority 1 c1 web.front",
    undo: ["service detach --ignore web.front"],
    end,
  },
  "service attach --publish": {
    given: [],
    command: "service attach --publish --ip 192.168.0.9 c1 web.front.calico",
    undo: ["service unpublish -f --ignore web.front", "network rm --ignore front", "pool rm --ignore 192.168.0.0/16"],
    end: [],
    inParts: true,
  },
  "service attach, where another sandbox holds a route to each member": {
    given: [
      "network create red",
      "network create blue",
      "service publish --ip 192.168.0.9 a.red",
      "service publish --ip 192.168.0.10 b.red",
      "service publish --ip 192.168.0.11 b.blue",
      "service attach --priority 1 c2 b.blue",
      "service attach c2 b.red",
    ],
    command: "service attach c1 a.red",
    undo: ["service detach --ignore a.red"],
    end: ["service unpublish -f a.red b.red b.blue", "network rm red blue", "pool rm 192.168.0.0/16"],
  },
  "service detach, the last of the host": {
    given: [...networks, ...services, "service attach c1 web.front"],
    command: "service detach c1 web.front",
    undo: ["service attach --ignore c1 web.front"],
    end,
  },
  "service detach, the winner of the default route": {
    given: [...networks, ...services, "service attach c1 db.back", "service attach --priority 1 c1 web.front"],
    command: "service detach c1 web.front",
    undo: ["service attach --ignore --priority 1 c1 web.front"],
    end,
  },
  "service detach, where another sandbox holds a route to each member": {
    given: [
      "network create red",
      "network create blue",
      "service publish --ip 192.168.0.9 a.red",
      "service publish --ip 192.168.0.10 b.red",
      "service publish --ip 192.168.0.11 b.blue",
      "service attach --priority 1 c2 b.blue",
      "service attach c2 b.red",
      "service attach c1 a.red",
    ],
    command: "service detach a.red",
    undo: ["service attach --ignore c1 a.red"],
    end: ["service unpublish -f a.red b.red b.blue", "network rm red blue", "pool rm 192.168.0.0/16"],
  },
  "service unpublish --force, of an attached service": {
    given: [...networks, "service publish --ip 10.1.0.9 web.front", "service attach c1 web.front"],
    command: "service unpublish --force web.front",
    undo: [
      "service unpublish --force --ignore web.front",
      "network rm front",
      networks[0] ?? "",
      "service publish --ip 10.1.0.9 web.front",
      "service attach c1 web.front",
    ],
    end,
    inParts: true,
  },
};

describe("a command that is killed leaves nothing half made", () => {
  let host: Host;
  let resident: Resident;
  let containers: Container[];
  beforeEach(async () => {
    host = await makeHost();
    containers = [await host.container(), await host.container()];
    resident = startResident(host);
  });
  afterEach(async () => {
    await resident?.close();
    await host?.close();
  });

  test.each(Object.entries(stories))(
    "%s",
    async (_, story) => {
      const steps = await killEverywhere({ host, resident, containers }, story);
      expect(steps).toEqual(expect.arrayContaining(["store:planned", "store:answered"]));
    },
    180_000,
  );
});
