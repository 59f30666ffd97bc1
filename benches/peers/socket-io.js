// A chat room with Socket.IO, as its page on rooms says: the client names the
// room when it connects. Its argument is the address to listen at.
import { createServer } from "node:http";
import { Server } from "socket.io";

const [host, port] = process.argv[2].split(":");
const server = createServer((request, response) => response.end("ok"));
const io = new Server(server);

io.on("connection", (socket) => {
  const { room } = socket.handshake.auth;
  socket.join(room);
  socket.on("message", (data) => io.to(room).emit("message", data));
});

server.listen({ host, port, backlog: 4096 });
