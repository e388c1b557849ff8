"use strict";
// A resolver of a host: ADDRESS. It knows world.example and big.example, and prints what it is asked, a name a line.
const { createSocket } = require("node:dgram");
const { createServer } = require("node:net");
const { RECURSION_AVAILABLE, TRUNCATED_RESPONSE, decode, encode, streamEncode } = require("dns-packet");

const [, , address] = process.argv;
const NXDOMAIN = 3;
const zone = {
  "world.example": [{ type: "A", name: "world.example", ttl: 60, data: "203.0.113.77" }],
  "big.example": [{ type: "TXT", name: "big.example", ttl: 60, data: Array(20).fill("x".repeat(100)) }],
};

function reply(message, isUdp) {
  const { id, questions } = decode(message);
  const [{ name }] = questions;
  process.stdout.write(`${name}\n`);
  const answers = zone[name.toLowerCase()] ?? [];
  const flags = RECURSION_AVAILABLE | (answers.length > 0 ? 0 : NXDOMAIN);
  const whole = { type: "response", id, flags, questions, answers };
  const isLong = isUdp && encode(whole).length > 512;
  return isLong ? { ...whole, flags: flags | TRUNCATED_RESPONSE, answers: [] } : whole;
}

const udp = createSocket("udp4", (message, from) => udp.send(encode(reply(message, true)), from.port, from.address));
udp.bind(53, address);
createServer({ allowHalfOpen: true }, (socket) =>
  socket.on("data", (part) => socket.end(streamEncode(reply(part.subarray(2), false)))),
).listen(53, address);
