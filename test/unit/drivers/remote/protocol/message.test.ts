import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import * as z from "zod/mini";
import { MAX_BODY, decodeBody, list, message } from "../../../../../src/drivers/remote/protocol/message.ts";
import { networkDriver } from "../../../../../src/drivers/remote/protocol/network-driver.ts";
import { ipamDriver } from "../../../../../src/drivers/remote/protocol/ipam-driver.ts";

const person = message({ Name: z.optional(z.string()), Home: z.optional(message({ Street: z.string() })) });
const read = (body: string) => decodeBody("T.M", person, body);

/** The text with each letter in some case. */
const anyCase = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((upper) =>
    text
      .split("")
      .map((c, i) => (upper[i] ? c.toUpperCase() : c.toLowerCase()))
      .join(""),
  );

describe("messages", () => {
  test.each(["", "  ", "null", "{}"])("the body %p is an empty object", (body) => {
    expect(read(body)).toEqual({});
  });

  test("keys are read in any case", () => {
    fc.assert(
      fc.property(anyCase("Name"), anyCase("Home"), anyCase("Street"), fc.string({ minLength: 1 }), (n, h, s, text) => {
        expect(read(JSON.stringify({ [n]: text, [h]: { [s]: text } }))).toEqual({ Name: text, Home: { Street: text } });
      }),
    );
  });

  test("unknown keys are passed over, whatever they hold", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (others) => {
        const rest = Object.entries(others).filter(([key]) => !/^(name|home)$/i.test(key));
        expect(read(JSON.stringify({ ...Object.fromEntries(rest), Name: "x" }))).toEqual({ Name: "x" });
      }),
    );
  });

  test.each(["null", '""'])("%s is absent", (value) => {
    expect(read(`{"Name":${value},"Home":${value}}`)).toEqual({});
  });

  test("a key of the prototype is no key", () => {
    expect(read('{"__proto__":{"Name":"x"},"constructor":1}')).toEqual({});
  });

  test.each([
    ["[1]", "T.M: the body is of the wrong kind"],
    ["7", "T.M: the body is of the wrong kind"],
    ["{", 'T.M: the body is not JSON: "{"'],
    ['{"name":7}', "T.M: Name is of the wrong kind"],
    ['{"home":{}}', "T.M: Home.Street is missing"],
    ['{"home":{"STREET":""}}', "T.M: Home.Street is missing"],
  ])("what is wrong is named: %s", (body, error) => {
    expect(() => read(body)).toThrow(error);
  });

  test("a body that is too long is not read", () => {
    expect(() => read(`"${"x".repeat(MAX_BODY)}"`)).toThrow("T.M: the body is longer than 1048576 bytes");
  });

  test("so is a list", () => {
    const schema = message({ L: list(z.int()) });
    const body = JSON.stringify({ L: Array.from({ length: 4097 }, () => 1) });
    expect(() => decodeBody("T.M", schema, body)).toThrow("T.M: L has more than 4096 items");
  });

  test("whatever comes is read, or refused in words", () => {
    const schemas = [...Object.entries(networkDriver), ...Object.entries(ipamDriver)];
    const keys = [
      "NetworkID",
      "endpointid",
      "Interface",
      "Address",
      "PoolID",
      "Pool",
      "Options",
      "Scope",
      "StaticRoutes",
    ];
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom("10.0.0.1", "10.0.0.0/8", "a", "eth0"));
    const body = fc.dictionary(fc.oneof(fc.constantFrom(...keys), fc.string()), value);
    fc.assert(
      fc.property(fc.constantFrom(...schemas), body, ([method, { request, answer }], held) => {
        for (const schema of [request, answer])
          try {
            expect(decodeBody(method, schema, JSON.stringify(held))).toBeInstanceOf(Object);
          } catch (error) {
            expect(error).toMatchObject({ code: "failure", message: expect.stringMatching(/^\w+: /) });
            expect((error as Error).message).not.toMatch(/\n/);
          }
      }),
    );
  });
});
