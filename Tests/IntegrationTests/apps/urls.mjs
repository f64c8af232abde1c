// SPDX-License-Identifier: Apache-2.0
// Where a browser goes: [[base, reference], …] as JSON on standard input, each resolved by the WHATWG URL parser.
let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(([base, reference]) => {
  try {
    return new URL(reference, base).href;
  } catch {
    return null;
  }
})));
