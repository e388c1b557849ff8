"use strict";
// Asks one question over DNS and prints the reply as JSON: SERVER udp|tcp TYPE NAME. Nothing is printed without one.
const { createSocket } = require("node:dgram");
const { connect } = require("node:net");
const { AUTHORITATIVE_ANSWER, RECURSION_DESIRED, decode, encode, streamEncode } = require("dns-packet");

const [, , server, by, type, name] = process.argv;
const query = { type: "query", id: 4711, flags: RECURSION_DESIRED, questions: [{ type, name }] };
const RCODES = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

function tell(message) {
  const { id, flags, flag_tc, questions, answers } = decode(message);
  if (id !== query.id || questions[0]?.name !== name) throw new Error("the reply to another question");
  const data = answers.map((answer) => (Array.isArray(answer.data) ? answer.data.join("") : answer.data));
  const rcode = RCODES[flags & 15];
  const reply = { rcode, data, truncated: flag_tc, own: (flags & AUTHORITATIVE_ANSWER) !== 0 };
  process.stdout.write(JSON.stringify(reply), () => process.exit(0));
}

if (by === "tcp") {
  let got = Buffer.alloc(0);
  connect({ host: server, port: 53 })
    .on("data", (part) => {
      got = Buffer.concat([got, part]);
      if (got.length > 2 && got.length >= 2 + got.readUInt16BE()) tell(got.subarray(2));
    })
    .on("error", () => process.exit(1))
    .end(streamEncode(query));
} else {
  const socket = createSocket("udp4");
  socket.on("message", tell).on("error", () => process.exit(1));
  // Connected, it takes an answer from whom it has asked alone, as resolvers do.
  socket.connect(53, server, () => socket.send(encode(query)));
}
