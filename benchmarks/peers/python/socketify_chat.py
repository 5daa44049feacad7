"""A chat on uWebSockets, which is C++, through socketify: rooms are its topics."""

import json
import sys

from socketify import App, AppListenOptions, OpCode

app = App()


def upgrade(response, request, context):
    response.upgrade(
        request.get_header("sec-websocket-key"),
        request.get_header("sec-websocket-protocol"),
        request.get_header("sec-websocket-extensions"),
        context,
        request.get_url()[1:],
    )


def opened(socket):
    room = socket.get_user_data()
    socket.subscribe(room)
    socket.send(json.dumps({"joined": room}), OpCode.TEXT)


def said(socket, message, opcode):
    room = socket.get_user_data()
    app.publish(room, json.dumps({"room": room, "text": json.loads(message)["text"]}), OpCode.TEXT)


app.ws(
    "/*",
    {
        "upgrade": upgrade,
        "open": opened,
        "message": said,
        "idle_timeout": 0,
        # By default a message is thrown away when 64 KiB wait for a socket.
        "max_backpressure": 64 * 1024 * 1024,
    },
)
app.listen(AppListenOptions(port=int(sys.argv[1]), host="127.0.0.1"), lambda config: None)
app.run()
