// A chat room with `ws`, as its README broadcasts, and with rooms: those of one
// room in a set. Its argument is the address to listen at.
import { createServer } from "node:http";
import WebSocket, { WebSocketServer } from "ws";

const [host, port] = process.argv[2].split(":");
const rooms = new Map();
const server = createServer((request, response) => response.end("ok"));
const sockets = new WebSocketServer({ server });

sockets.on("connection", (socket, request) => {
  const room = request.url;
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));

  socket.on("error", console.error);
  socket.on("message", (data, isBinary) => {
    for (const member of members) {
      if (member.readyState === WebSocket.OPEN) {
        member.send(data, { binary: isBinary });
      }
    }
  });
  socket.on("close", () => {
    members.delete(socket);
    if (members.size === 0) rooms.delete(room);
  });
});

server.listen({ host, port, backlog: 4096 });
