/**
 * `npm test [-- [--static] [--unit] [--system] JEST_OPTION...]`: everything, or the named parts; what else is given goes
 * to jest, for example a part of a file's name. Each part runs even if an earlier one failed. The last line counts.
 */
import { closingLine, total, type Count } from "./test/count.ts";
import { runJest } from "./test/jest.ts";
import { checkStatically } from "./test/stages.ts";

const parts = ["--static", "--unit", "--system"];
const given = process.argv.slice(2);
const wanted = given.filter((option) => parts.includes(option));
const wants = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
const jestOptions = given.filter((option) => !parts.includes(option));

const counts: Count[] = [];
if (wants("--static")) counts.push(...(await checkStatically()));
const beforeTests = total(counts);
if (wants("--unit")) counts.push(await runJest("test/unit", jestOptions));
if (wants("--system")) counts.push(await runJest("test/system", jestOptions));

const all = total(counts);
const ranTests = all.passed + all.failed > beforeTests.passed + beforeTests.failed;
const missed = jestOptions.length > 0 && !ranTests;
for (const remark of all.remarks) console.error(remark);
if (missed) console.error(`no test matches: ${jestOptions.join(" ")}`);
const result = missed ? { ...all, failed: all.failed + 1 } : all;
console.log(`\n${closingLine(result)}`);
process.exitCode = result.failed === 0 ? 0 : 1;
