// Whether a file is a valid AsyncAPI 3 document: `node asyncapi.js PATH`.
// Prints what is wrong with it and exits with 1, also for a mere warning; 2 if
// there is nothing to check.

import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const path = process.argv[2];
if (path === undefined) {
  console.error("usage: node asyncapi.js PATH");
  process.exit(2);
}
let text;
try {
  text = await readFile(path, "utf8");
} catch (error) {
  console.error(`${path}: ${error.message}`);
  process.exit(2);
}

const { document, diagnostics } = await new Parser().parse(text, { source: path });
const wrong = diagnostics.filter(({ severity }) => severity <= DiagnosticSeverity.Warning);
for (const { severity, code, message, path: where, range } of wrong) {
  const place = `${path}:${range.start.line + 1}:${range.start.character + 1}`;
  console.error(`${place}: ${DiagnosticSeverity[severity].toLowerCase()}: ${message} (${code}, at /${where.join("/")})`);
}
const version = document?.version();
if (document !== undefined && !version.startsWith("3.")) {
  console.error(`${path}: AsyncAPI ${version}, not 3`);
}
if (wrong.length > 0 || !version?.startsWith("3.")) process.exit(1);
console.log(`${path}: a valid AsyncAPI ${version} document`);
