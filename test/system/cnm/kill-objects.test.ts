/** SIGKILL at every step of the commands that touch the store alone. */
import { killedAnywhere } from "./killed.ts";

const NETWORK = "network create --subnet 10.1.0.0/24 --subnet fd00:1::/64 net";

killedAnywhere(0, {
  "network create": { given: [], command: NETWORK, undo: ["network rm --ignore net"], end: [] },
  "network rm": {
    given: [NETWORK],
    command: "network rm net",
    undo: [`${NETWORK} --ignore`],
    end: ["network rm net"],
  },
  "service publish": {
    given: [NETWORK],
    command: "service publish web.net",
    // A network that is made anew gives the same address again.
    undo: ["service unpublish --ignore web.net", "network rm net", NETWORK],
    // Each family's block is claimed before its addresses; one that stays empty is the next publish's to fill.
    inParts: true,
    end: ["network rm net"],
  },
  "service publish on the default network, with the default pools": {
    given: [],
    command: "service publish web",
    undo: ["service unpublish --ignore web", "network rm --ignore default", "pool rm --ignore 192.168.0.0/16"],
    end: [],
    inParts: true,
  },
  "service unpublish": {
    given: [NETWORK, "service publish --ip 10.1.0.9 web.net"],
    command: "service unpublish web.net",
    undo: ["service unpublish --ignore web.net", "network rm net", NETWORK, "service publish --ip 10.1.0.9 web.net"],
    end: ["service unpublish web.net", "network rm net"],
  },
  "pool add": {
    given: [],
    command: "pool add --nat-outgoing 10.2.0.0/16 10.3.0.0/16",
    undo: ["pool rm --ignore 10.2.0.0/16 10.3.0.0/16"],
    end: [],
  },
  "pool rm": {
    given: ["pool add 10.2.0.0/16"],
    command: "pool rm 10.2.0.0/16",
    undo: ["pool add --ignore 10.2.0.0/16"],
    end: ["pool rm 10.2.0.0/16"],
  },
});
