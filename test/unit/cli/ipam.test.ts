import { describe, expect, test } from "@jest/globals";
import { conflict, notFound } from "../../../src/base/errors.ts";
import type { IpamProblem } from "../../../src/cnm/model.ts";
import { calicoctl } from "./world.ts";

const note: IpamProblem = { object: "block 10.0.0.0/26", what: "is empty", state: "note" };
const wrong: IpamProblem = { object: "address 10.0.0.1", what: "is lost", state: "wrong", remedy: "find it" };

describe("ipam check", () => {
  const check = (problems: IpamProblem[], ...args: string[]): ReturnType<typeof calicoctl> =>
    calicoctl(["ipam", "check", ...args], { checkIpam: async () => problems });

  test("is silent where nothing is wrong, and exits 0 with a note", async () => {
    expect(await check([])).toMatchObject({ code: 0, out: "", err: "" });
    expect(await check([note])).toMatchObject({ code: 0, out: expect.stringContaining("is empty   note"), err: "" });
  });

  test("exits 6 while something is wrong, each with its remedy", async () => {
    const ran = await check([note, wrong], "-o", "json");
    expect(ran).toMatchObject({ code: 6, err: expect.stringContaining("1 thing is wrong with addresses") });
    expect(JSON.parse(ran.out)).toMatchObject({ kind: "IpamProblemList", items: [{ remedy: null }, wrong] });
  });
});

test("ipam release frees each address it can, and fails with the first that it cannot", async () => {
  const freed: string[] = [];
  const releaseAddress = async (ip: string): Promise<string> => {
    if (ip === "10.0.0.1") throw conflict("is that of service web.net");
    if (ip === "10.0.0.2") throw notFound("is not claimed");
    freed.push(ip);
    return ip;
  };
  const ran = await calicoctl(["ipam", "release", "10.0.0.1", "10.0.0.2", "10.0.0.3"], { releaseAddress });
  expect(ran).toMatchObject({ code: 4, out: "" });
  expect(freed).toEqual(["10.0.0.3"]);
  expect(await calicoctl(["ipam", "release", "--ignore", "10.0.0.2"], { releaseAddress })).toMatchObject({ code: 0 });
});
