// A bot in JavaScript that answers each question of a room once, whoever is killed: itself, or the server.
// In Node, from 22 on, with the client module that the server gives out beside it:
//
//     curl -o hubbub.js http://localhost:8080/assets/hubbub.js
//     BOT_PASSWORD=… node durable_bot.mjs http://localhost:8080 sibyl Lounge sibyl.cursor
//
// Ask something in that room that ends with a question mark. Kill the bot, ask on, start it again: it keeps its cursor
// when an answer is stored, and not before; and an answer that is sent again has the same key, so it is stored once.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Client, connect } from "./hubbub.js";

const [url = "http://localhost:8080", name = "sibyl", roomName = "Lounge", file = "sibyl.cursor"] = process.argv.slice(2);
const password = process.env.BOT_PASSWORD;
const client = new Client(url, { patienceSeconds: Infinity });
const refusedAs = (code, otherwise) => (problem) => (problem.code === code ? otherwise(problem) : Promise.reject(problem));

await client.signIn(name, password).catch(refusedAs("wrong-credentials", async () => {
  await client.signUp(name, password); // refused as name-taken: then it is the password that is wrong
  await client.signIn(name, password);
}));
const room = await client.createRoom(roomName).then(({ id }) => id, refusedAs("name-taken", ({ body }) => body.conflicts_with.slice("/room/".length)));

function keep(cursor) {
  writeFileSync(`${file}.new`, cursor); // put in place when it is whole
  renameSync(`${file}.new`, file);
}

async function answer({ type, id, sender, text }) {
  if (type !== "message" || sender === name || !text.endsWith("?")) return;
  const wise = `@${sender} You ask “${text}”. I have thought about it: yes.`; // your bot's wits go here
  await client.post({ room }, wise, { key: `answer-${id}` }).catch(refusedAs("key-reused", () => {})); // the first one stands
}

const log = `room/${room}`;
let work = Promise.resolve(); // one after the other: what fails ends the bot, and whoever runs it starts it again
const listener = connect(client, {
  event(event) {
    const cursor = listener.cursor(log);
    work = work.then(() => answer(event)).then(() => keep(cursor));
  },
  behind: () => listener.listen(log, { after: 0 }), // the server is another since a backup: go over everything again
  state: ({ state }) => state === "live" && console.log("listening"),
  ended(reason) {
    throw new Error(`the session is over: ${reason}`); // likewise
  },
});
listener.listen(log, { after: existsSync(file) ? readFileSync(file, "utf8") : 0 });
