import { beforeEach, describe, expect, test } from "@jest/globals";
import { byGuess } from "../../../src/cnm/guesses.ts";
import { FakeStore } from "../../../src/store/fake.ts";

describe("byGuess", () => {
  let store: FakeStore;
  let asked: string[];
  let id: string | undefined;
  beforeEach(() => {
    store = new FakeStore();
    asked = [];
    id = "one";
  });

  const find = async (): Promise<string | undefined> => {
    asked.push("find");
    return id;
  };
  const ask = async (of: string): Promise<string> => {
    asked.push(of);
    if (of === "broken") throw new Error("cannot be read");
    return `record of ${of}`;
  };
  const look = (): Promise<string | undefined> => byGuess(store, "name", find, ask);

  test("asks for what a name led to before together with the name", async () => {
    expect(await look()).toBe("record of one");
    expect(await look()).toBe("record of one");
    expect(asked).toEqual(["find", "one", "one", "find"]);
  });

  test("a name that leads elsewhere by now is followed there", async () => {
    await look();
    id = "two";
    expect(await look()).toBe("record of two");
    expect(await look()).toBe("record of two");
    expect(asked.slice(-2)).toEqual(["two", "find"]);
  });

  test("a name that is gone leads nowhere, and is guessed no more", async () => {
    await look();
    id = undefined;
    expect(await look()).toBeUndefined();
    asked = [];
    expect(await look()).toBeUndefined();
    expect(asked).toEqual(["find"]);
  });

  test("a failure counts only where the name still leads there", async () => {
    id = "broken";
    await expect(look()).rejects.toThrow("cannot be read");
    await expect(look()).rejects.toThrow("cannot be read");
    id = "one";
    expect(await look()).toBe("record of one");
  });

  test("another store has its own guesses", async () => {
    await look();
    store = new FakeStore();
    asked = [];
    await look();
    expect(asked).toEqual(["find", "one"]);
  });
});
