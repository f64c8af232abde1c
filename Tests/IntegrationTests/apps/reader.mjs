// SPDX-License-Identifier: Apache-2.0
// Express: a closed handler, one by the WHATWG URL parser, and static files. Arguments: port, folder.
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const express = require("express");

const [port, files] = process.argv.slice(2);
const app = express();
const closed = (path) => path === "/closed" || path.startsWith("/closed/");
app.use((request, response, next) => {
  let path = "";
  try {
    path = new URL(request.url, "http://app.test").pathname;
  } catch {
    // Without a path it is not a closed one.
  }
  if (closed(path) || closed(decodeURI(path).toLowerCase())) return response.send("SECRET");
  next();
});
app.use("/closed", (request, response) => response.send("SECRET"));
app.use(express.static(files, { dotfiles: "allow" }));
app.use((request, response) => response.send("PUBLIC"));
app.use((error, request, response, next) => response.status(400).send("PUBLIC"));
app.listen(Number(port), "127.0.0.1");
