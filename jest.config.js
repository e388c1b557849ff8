/** Native ES modules; TypeScript is only stripped here, types are checked by tsc. */
export default {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": ["@swc/jest", { jsc: { target: "es2022", parser: { syntax: "typescript" } } }] },
  testMatch: ["<rootDir>/test/{unit,system}/**/*.test.ts"],
  testTimeout: 60_000,
};
