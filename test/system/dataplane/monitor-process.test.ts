import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { start } from "../../helpers/process.ts";
import type { Running } from "../../helpers/process.ts";
import { listen } from "./listening.ts";
import type { Listening } from "./listening.ts";

let listening: Listening;
let running: Running[];
beforeEach(async () => {
  listening = await listen();
  running = [];
});
afterEach(async () => {
  for (const child of running) child.kill();
  await Promise.all(running.map(({ ended }) => ended));
  await listening.close();
});

const sleeper = (): Running => {
  const child = start(["sleep", "infinity"]);
  running.push(child);
  return child;
};

test("the end of a watched process is told, and of no other", async () => {
  const { monitor, heard, caughtUp } = listening;
  const [one, two, three] = [sleeper(), sleeper(), sleeper()];
  monitor.watchProcess("one", one.pid);
  monitor.watchProcess("two", two.pid);
  two.kill();
  await expect(heard({ kind: "exit", process: "two" })).resolves.toBeDefined();
  monitor.watchProcess("three", three.pid);
  monitor.unwatchProcess("one");
  one.kill();
  await one.ended;
  await caughtUp();
  expect(listening.events.filter(({ kind }) => kind === "exit")).toEqual([]);
  three.kill();
  await expect(heard({ kind: "exit", process: "three" })).resolves.toBeDefined();
});

test("a process that has ended already is told too", async () => {
  const child = sleeper();
  child.kill();
  await child.ended;
  listening.monitor.watchProcess("late", child.pid);
  await expect(listening.heard({ kind: "exit", process: "late" })).resolves.toBeDefined();
});

test("an id stands for the process that it was given last", async () => {
  const { monitor, heard, caughtUp } = listening;
  const [first, second] = [sleeper(), sleeper()];
  monitor.watchProcess("id", first.pid);
  monitor.watchProcess("id", second.pid);
  first.kill();
  await first.ended;
  await caughtUp();
  expect(listening.events.filter(({ kind }) => kind === "exit")).toEqual([]);
  second.kill();
  await expect(heard({ kind: "exit", process: "id" })).resolves.toBeDefined();
});

test("a thousand processes are watched at once", async () => {
  const { monitor, heard } = listening;
  const child = sleeper();
  for (let index = 0; index < 1000; index++) monitor.watchProcess(`p${index}`, child.pid);
  child.kill();
  await expect(heard({ kind: "exit", process: "p999" })).resolves.toBeDefined();
});
