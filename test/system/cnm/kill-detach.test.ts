/** SIGKILL at every step of what takes endpoints out of containers. */
import { killedAnywhere } from "./killed.ts";
import { everyMember, twoNetworks } from "./story.ts";

killedAnywhere(2, {
  "service detach, the last of the host": {
    ...twoNetworks,
    given: [...twoNetworks.given, "service attach c1 web.front"],
    command: "service detach c1 web.front",
    undo: ["service attach --ignore c1 web.front"],
  },
  "service detach, the winner of the default route": {
    ...twoNetworks,
    given: [...twoNetworks.given, "service attach c1 db.back", "service attach --priority 1 c1 web.front"],
    command: "service detach c1 web.front",
    undo: ["service attach --ignore --priority 1 c1 web.front"],
  },
  "service detach, where another sandbox holds a route to each member": {
    ...everyMember,
    given: [...everyMember.given, "service attach c1 a.red"],
    command: "service detach a.red",
    undo: ["service attach --ignore c1 a.red"],
  },
  "service unpublish --force, of an attached service": {
    ...twoNetworks,
    given: [...twoNetworks.given, "service attach c1 web.front"],
    command: "service unpublish --force web.front",
    undo: [
      "service unpublish --force --ignore web.front",
      // A network that is made anew gives the same address again.
      "network rm front",
      ...twoNetworks.given.filter((line) => line.endsWith("front")),
      "service attach c1 web.front",
    ],
    inParts: true,
  },
});
