// A chat on `ws`: the path names the room, and what one says is sent to all in it.
import { WebSocket, WebSocketServer } from "ws";

const rooms = new Map();

const server = new WebSocketServer({
  host: "127.0.0.1",
  port: Number(process.argv[2]),
  backlog: 4096,
});

server.on("connection", (socket, request) => {
  const name = request.url.slice(1);
  if (!rooms.has(name)) rooms.set(name, new Set());
  const room = rooms.get(name);
  room.add(socket);
  socket.on("message", (data) => {
    const message = JSON.stringify({ room: name, text: JSON.parse(data).text });
    for (const member of room) {
      if (member.readyState === WebSocket.OPEN) member.send(message);
    }
  });
  socket.on("close", () => room.delete(socket));
  socket.on("error", () => {}); // a close follows
  socket.send(JSON.stringify({ joined: name }));
});
