"use strict";
// Runs the program's usual commands, so that V8 has compiled what they need, and keeps what it has compiled.
const { writeFileSync } = require("node:fs");
const { createServer } = require("node:http");
const { tmpdir } = require("node:os");
const { setFlagsFromString } = require("node:v8");
const { load, scripts } = require("./load.cjs");

const lines = [
  ["--help"],
  ["network", "ls", "--help"],
  ["network", "ls"],
  ["network", "ls", "-o", "json"],
  ["network", "info", "absent"],
  ["service", "ls"],
  ["service", "info", "absent"],
  ["service", "attach", "pid:0", "absent"],
  ["service", "detach", "absent"],
  ["sandbox", "ls"],
  ["pool", "ls"],
  ["ipam", "show"],
  ["__complete", "network", "rm", ""],
  ["__complete", "service", "attach", "--"],
];

// An etcd with nothing in it.
const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const { success = [] } = JSON.parse(Buffer.concat(parts).toString());
    const header = { revision: "1" };
    const responses = success.map(() => ({ response_range: { header } }));
    response.end(JSON.stringify({ header, succeeded: true, responses }));
  });
});

server.listen(0, "127.0.0.1", async () => {
  const env = {
    ETCD_ENDPOINTS: `http://127.0.0.1:${server.address().port}`,
    CALICO_NODENAME: "build",
    CALICO_STATE_DIR: `${tmpdir()}/calicoctl-build-${process.pid}`,
  };
  const ignore = () => undefined;
  const terminal = { interactive: false, columns: 80, color: false, out: ignore, err: ignore };
  // What works on the kernel cannot be run here: it is compiled whole. V8 takes a cache only with the flags it was
  // kept with, so they are put back.
  setFlagsFromString("--no-lazy");
  load("kernel");
  setFlagsFromString("--lazy");
  load("main");
  const { run } = load("run");
  for (const line of lines) {
    const interrupted = new AbortController().signal;
    await run(line, { env, terminal, interrupted, open: async (...rest) => load("open").openController(...rest) });
  }
  for (const [filename, script] of scripts) writeFileSync(`${filename}.cache`, script.createCachedData());
  process.exit();
});
