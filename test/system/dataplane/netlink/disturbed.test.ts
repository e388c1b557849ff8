import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../../../../src/base/errors.ts";
import { addAddress, listAddresses } from "../../../../src/dataplane/netlink/address.ts";
import { createLink } from "../../../../src/dataplane/netlink/link.ts";
import { listLinks, listLinksInTurns } from "../../../../src/dataplane/netlink/link-state.ts";
import { start, until } from "../../../helpers/process.ts";
import { linkOf, makeTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

let bed: Testbed;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "cnmt-"));
  bed = await makeTestbed();
});
afterEach(async () => {
  await bed.close();
  rmSync(folder, { recursive: true });
});

test("a list that is taken in turns lets others work, holds all that stays, and keeps the socket to itself", async () => {
  const { socket } = bed.host;
  const names = Array.from({ length: 100 }, (_, n) => `b${n}`);
  socket.executeAll(names.map((name) => createLink("bridge", name)));
  const taken = listLinksInTurns(socket);
  expect(() => listAddresses(socket)).toThrow("busy");
  // A change in between, which disturbs it.
  await bed.host.ip("link", "add", "late", "type", "bridge");
  const told = (await taken).map(({ name }) => name);
  expect(told).toEqual(expect.arrayContaining(["lo", ...names]));
  expect(listLinks(socket).map(({ name }) => name)).toContain("late");
});

/** It is on one of the two at every moment, and many addresses lie between them. */
const WANDERER = "10.9.9.9";
const MANY = 2000;
/** So many lists, or so many that were given up, show what becomes of the disturbed ones. */
const DUMPS = 100;
const REFUSALS = 3;
const ROUNDS = 100_000;

test("a list that changes while it is read is taken again, and holds what was there all the time", async () => {
  const { socket, name } = bed.host;
  socket.executeAll(["first", "between", "last"].map((name) => createLink("bridge", name)));
  const { index } = linkOf(bed.host, "between");
  const address = (n: number): string => `10.1.${n >> 8}.${n & 255}`;
  socket.executeAll(Array.from({ length: MANY }, (_, n) => addAddress(index, { address: address(n), length: 32 })));
  const move = (verb: string, device: string): string => `address ${verb} ${WANDERER}/32 dev ${device}\n`;
  const round = move("add", "last") + move("del", "first") + move("add", "first") + move("del", "last");
  // From a file: this process, which dumps, could not feed a pipe meanwhile.
  const moves = join(folder, "moves");
  writeFileSync(moves, move("add", "first") + round.repeat(ROUNDS));
  const wandering = start(["ip", "-n", name, "-batch", moves]);
  const isThere = (): boolean => listAddresses(socket).some(({ address }) => address === WANDERER);
  try {
    // At rest, so that the first list cannot be disturbed.
    await until("it has begun", () => {
      wandering.kill("SIGSTOP");
      const begun = isThere();
      wandering.kill("SIGCONT");
      return begun;
    });
    const seen = { whole: 0, torn: 0, refused: 0 };
    for (let dump = 0; dump < DUMPS && seen.refused < REFUSALS; dump += 1)
      try {
        seen[isThere() ? "whole" : "torn"] += 1;
      } catch (error) {
        // It says so rather than to answer with half of it.
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toContain("it kept changing while it was read");
        seen.refused += 1;
      }
    expect(seen.torn).toBe(0);
  } finally {
    wandering.kill();
    await wandering.ended;
  }
  expect(isThere()).toBe(true);
});
