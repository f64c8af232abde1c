// SPDX-License-Identifier: Apache-2.0
// The URLs that a browser goes to: [[base, reference], …] as JSON on standard input, resolved by the WHATWG URL parser.
let text = "";
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(JSON.parse(text).map(([base, reference]) => {
  try {
    return new URL(reference, base).href;
  } catch {
    return null;
  }
})));
