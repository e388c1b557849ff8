/** SIGKILL at every step of attach. */
import { killedAnywhere } from "./killed.ts";
import { everyMember, twoNetworks } from "./story.ts";

killedAnywhere(2, {
  "service attach, the first of its sandbox": {
    ...twoNetworks,
    command: "service attach c1 web.front",
    undo: ["service detach --ignore web.front"],
  },
  "service attach, to a second network": {
    ...twoNetworks,
    given: [...twoNetworks.given, "service attach c1 db.back"],
    command: "service attach --priority -1 c1 web.front",
    undo: ["service detach --ignore web.front"],
  },
  "service attach, as the winner of the default route": {
    ...twoNetworks,
    given: [...twoNetworks.given, "service attach c1 db.back"],
    command: "service attach --priority 1 c1 web.front",
    undo: ["service detach --ignore web.front"],
  },
  "service attach --publish": {
    given: [],
    command: "service attach --publish --ip 192.168.0.9 c1 web.front.calico",
    undo: ["service unpublish -f --ignore web.front", "network rm --ignore front", "pool rm --ignore 192.168.0.0/16"],
    end: [],
    inParts: true,
  },
  "service attach, where another sandbox holds a route to each member": {
    ...everyMember,
    command: "service attach c1 a.red",
    undo: ["service detach --ignore a.red"],
  },
});
